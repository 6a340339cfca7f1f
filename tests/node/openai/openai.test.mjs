// The `openai` npm client, unchanged, talks to the gateway: what every OpenAI program will do.
// Started by run.sh. Needs GW_OPENCLAW, GW_FAKE_OPENAI, GW_CONFIG.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import OpenAI from "openai";
import { end, freePort, start, until } from "../process.mjs";

const TOKEN = "gateway-token-of-the-tests";
const KEY = "sk-or-test-key";
const MODEL = "openrouter/stepfun/step-3.5-flash:free";
let dir, fake, fakePort, gateway, port, client;

async function control(behaviours) {
  const reply = await fetch(`http://127.0.0.1:${fakePort}/__control`, { method: "POST", body: JSON.stringify(behaviours) });
  assert.equal(reply.status, 200, await reply.text());
}

async function stats() {
  return (await fetch(`http://127.0.0.1:${fakePort}/__stats`)).json();
}

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "openclaw-node-"));
  fake = start(process.env.GW_FAKE_OPENAI, ["--port", "0", "--key", KEY], {});
  fakePort = await until("the fake's port", () => fake.said.match(/^port (\d+)$/m)?.[1]);
  port = await freePort();
  gateway = start(process.env.GW_OPENCLAW, ["gateway", "--port", `${port}`, "--bind", "loopback", "--token", TOKEN, "--allow-unconfigured"], {
    OPENCLAW_CONFIG_PATH: process.env.GW_CONFIG,
    OPENCLAW_STATE_DIR: join(dir, "state"),
    HOME: dir,
    OPENROUTER_BASE_URL: `http://127.0.0.1:${fakePort}/api/v1`,
    OPENROUTER_API_KEY: KEY,
  });
  await until("/health", () => fetch(`http://127.0.0.1:${port}/health`).then((r) => r.ok, () => false), () => gateway.said);
  client = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: TOKEN, maxRetries: 0 });
});

after(async () => {
  await end(gateway);
  await end(fake);
  rmSync(dir, { recursive: true, force: true });
});

test("a plain completion", async () => {
  const { data, response } = await client.chat.completions
    .create({ model: "openclaw", messages: [{ role: "user", content: "hello" }] })
    .withResponse();
  assert.equal(data.object, "chat.completion");
  assert.equal(data.choices[0].message.content, "hello");
  assert.equal(data.choices[0].finish_reason, "stop");
  assert.ok(data.usage.prompt_tokens > 0 && data.usage.completion_tokens > 0, JSON.stringify(data.usage));
  assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
  assert.equal(response.headers.get("x-openclaw-model"), MODEL);
});

test("a streamed completion", async () => {
  await control({ next: [{ text: "one two three", deltas: 3, delay_ms: 30 }] });
  const stream = await client.chat.completions.create({
    model: "openclaw:deutsch-tutor",
    messages: [{ role: "user", content: "count" }],
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let usage;
  const finishes = [];
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? "";
    if (chunk.choices[0]?.finish_reason) finishes.push(chunk.choices[0].finish_reason);
    if (chunk.usage) usage = chunk.usage;
  }
  assert.equal(text, "one two three");
  assert.deepEqual(finishes, ["stop"]);
  assert.ok(usage?.completion_tokens > 0, JSON.stringify(usage));
});

test("the client's own stream helper", async () => {
  const runner = client.chat.completions.stream({ model: "openclaw", messages: [{ role: "user", content: "helper" }] });
  assert.equal(await runner.finalContent(), "helper");
});

test("the list of models", async () => {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.ok(ids.includes("openclaw"), ids.join());
  assert.ok(ids.some((id) => id.includes("deutsch-tutor")), ids.join());
});

test("a wrong key", async () => {
  const stranger = new OpenAI({ baseURL: client.baseURL, apiKey: "wrong", maxRetries: 0 });
  await assert.rejects(stranger.chat.completions.create({ model: "openclaw", messages: [{ role: "user", content: "x" }] }), OpenAI.AuthenticationError);
});

test("an unknown agent", async () => {
  await assert.rejects(
    client.chat.completions.create({ model: "openclaw:nobody-here", messages: [{ role: "user", content: "x" }] }),
    (error) => error instanceof OpenAI.NotFoundError && /nobody-here/.test(error.message),
  );
});

test("an abort reaches the provider", async () => {
  const { cut } = await stats();
  await control({ next: [{ text: "one two", deltas: 2, hang: 1 }] });
  const stream = await client.chat.completions.create({ model: "openclaw", messages: [{ role: "user", content: "x" }], stream: true });
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta?.content) break; /* leaving the loop aborts the request */
  }
  await until("the abort", async () => (await stats()).cut > cut, () => gateway.said);
});

test("no request that the provider refused", async () => {
  const { violations, reasons } = await stats();
  assert.equal(violations, 0, reasons.join("\n"));
});
