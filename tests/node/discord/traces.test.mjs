// One trace from a message on Discord to its answer there, through a tool and a sub-agent, as an OTLP collector gets it.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { FakeDiscord } from "../../fakes/discord/fake_discord.mjs";
import { until } from "../process.mjs";
import { FakeModel, endAll, startOnDiscord } from "./rig.mjs";

const GUILD = "1475145705847914700";
const DESK = "1475145706875654501";
const BOT = { token: "bot-token-for-tests", id: "1475000000000000001", username: "claw", applicationId: "1475000000000000002" };
const SECRET = "what nobody else shall read";

/** A collector: strict about what OTLP/HTTP in JSON demands of a request (opentelemetry-proto 1.5). */
class Collector {
  spans = [];
  resources = [];
  requests = [];
  refuse = 0; // so many requests are answered 503

  async listen() {
    this.server = createServer(async (req, res) => {
      let body = "";
      for await (const piece of req) body += piece;
      if (this.refuse > 0) {
        this.refuse--;
        res.writeHead(503).end();
        return;
      }
      this.requests.push({ method: req.method, url: req.url, headers: req.headers, body });
      for (const { resource, scopeSpans } of JSON.parse(body).resourceSpans) {
        this.resources.push(resource);
        for (const { spans } of scopeSpans) for (const span of spans) this.spans.push(this.check(span));
      }
      res.writeHead(200, { "Content-Type": "application/json" }).end('{"partialSuccess":{}}');
    }).listen(0, "127.0.0.1");
    await once(this.server, "listening");
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  check(span) {
    assert.match(span.traceId, /^(?!0{32})[0-9a-f]{32}$/);
    assert.match(span.spanId, /^(?!0{16})[0-9a-f]{16}$/);
    if (span.parentSpanId !== undefined) assert.match(span.parentSpanId, /^[0-9a-f]{16}$/);
    assert.match(span.startTimeUnixNano, /^\d{19}$/);
    assert.ok(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano), span.name);
    assert.ok([1, 2].includes(span.kind));
    for (const { key, value } of span.attributes) {
      assert.ok(key.startsWith("openclaw."));
      assert.equal(typeof (value.stringValue ?? value.intValue), "string");
    }
    span.get = Object.fromEntries(span.attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]));
    return span;
  }

  named = (name) => this.spans.filter((span) => span.name === name);

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

let fake, model, rig, alice, collector;

before(async () => {
  collector = await new Collector().listen();
  fake = await FakeDiscord.start({ bots: [BOT], heartbeatInterval: 2000, guilds: [{ id: GUILD, name: "homelab", channels: [{ id: DESK, name: "desk" }] }] });
  alice = fake.addUser({ username: "alice", guilds: [GUILD] });
  model = await new FakeModel().listen();
  const config = {
    agents: { defaults: { model: { primary: "fake/m" }, heartbeat: { every: "0m" } }, list: [{ id: "main", default: true }, { id: "helper" }] },
    tools: { agentToAgent: { enabled: true, allow: ["*"] }, sessions: { visibility: "all" } },
    channels: { discord: { guilds: { homelab: { requireMention: false, channels: { desk: {} } } } } },
    diagnostics: { enabled: true, otel: { enabled: true, endpoint: collector.url, headers: { "x-tenant": "homelab" }, serviceName: "claw-at-home", flushIntervalMs: 100 } },
  };
  rig = await startOnDiscord(fake, BOT.token, { config, model });
});

after(async () => {
  await endAll(rig, model, fake);
  collector?.close();
});

test("a message, its sub-agent and the answers are one trace; nothing that was said is in it", async () => {
  let steps = 0;
  model.answer = (request) => {
    const said = FakeModel.said(request);
    if (said.includes("child says 42")) return "it is 42"; // the announcement, which names the task, too
    if (said.includes("look it up")) return { text: "child says 42", delayMs: 30 };
    return steps++ === 0 ? { call: { name: "sessions_spawn", args: { task: `look it up: ${SECRET}` } } } : "somebody looks";
  };
  fake.say({ channel: DESK, author: alice, content: `ask about ${SECRET}` });
  await fake.until("the result", () => fake.messages(DESK, { bot: true }).find((m) => m.content === "it is 42"));
  await until("the spans", () => collector.named("openclaw.delivery").length >= 2 && collector.named("openclaw.message.processed").length >= 3, () => JSON.stringify(collector.spans.map((s) => [s.name, s.get])));

  const turns = collector.named("openclaw.message.processed");
  const root = turns.find((span) => !span.parentSpanId);
  const child = turns.find((span) => span.get["openclaw.sessionKey"].includes(":subagent:"));
  const announced = turns.find((span) => span !== root && span !== child);
  assert.equal(new Set(collector.spans.map((span) => span.traceId)).size, 1);
  assert.equal(new Set(collector.spans.map((span) => span.spanId)).size, collector.spans.length);
  assert.equal(root.kind, 2);
  assert.equal(root.get["openclaw.channel"], "discord");
  assert.equal(root.get["openclaw.outcome"], "done");
  assert.equal(root.get["openclaw.tokens.input"], 20);
  assert.equal(child.parentSpanId, root.spanId);
  assert.equal(child.get["openclaw.lane"], "subagent");
  assert.equal(announced.parentSpanId, child.spanId);

  const parts = (turn, name) => collector.named(name).filter((span) => span.parentSpanId === turn.spanId);
  assert.equal(parts(root, "openclaw.model.usage").length, 2);
  assert.equal(parts(root, "openclaw.lane.wait").length, 1);
  assert.equal(parts(root, "openclaw.store.accept").length, 1);
  assert.deepEqual(parts(root, "openclaw.tool").map((span) => span.get["openclaw.tool"]), ["sessions_spawn"]);
  assert.equal(parts(root, "openclaw.delivery").length, 1);
  assert.equal(parts(announced, "openclaw.delivery").length, 1);
  const asked = parts(child, "openclaw.model.usage")[0];
  assert.equal(asked.get["openclaw.provider"], "fake");
  assert.ok(Number(BigInt(asked.endTimeUnixNano) - BigInt(asked.startTimeUnixNano)) >= 25e6, "the child's model took 30 ms");

  const [request] = collector.requests;
  assert.equal(request.method, "POST");
  assert.equal(request.url, "/v1/traces");
  assert.equal(request.headers["content-type"], "application/json");
  assert.equal(request.headers["x-tenant"], "homelab");
  assert.deepEqual(collector.resources[0].attributes[0], { key: "service.name", value: { stringValue: "claw-at-home" } });
  assert.ok(collector.requests.every(({ body }) => !body.includes(SECRET) && !body.includes("child says")));
});

test("what fails says so; a collector that is away for a moment gets it later, and keeps nobody waiting", async () => {
  collector.refuse = 1;
  const before = collector.spans.length;
  model.answer = () => ({ status: 400, text: "no such thing" });
  fake.say({ channel: DESK, author: alice, content: "this goes wrong" });
  await until("the failed turn", () => collector.spans.slice(before).find((s) => s.name === "openclaw.message.processed" && s.status?.code === 2), () => JSON.stringify(collector.spans.slice(before)));
  const failed = collector.spans.slice(before).find((s) => s.name === "openclaw.model.usage");
  assert.deepEqual(failed.status, { code: 2, message: "bad_request" });
  assert.equal(collector.refuse, 0);
});

test("what an agent says to another one, and all that the two say then, is in the asker's trace", async () => {
  const before = collector.spans.length;
  let asked = false;
  model.answer = (request) => {
    const said = FakeModel.said(request);
    if (said.includes("ask the helper") && !asked) {
      asked = true;
      return { call: { name: "sessions_send", args: { sessionKey: "agent:helper:main", message: "what is up", timeoutSeconds: 10 } } };
    }
    if (said.includes("announce step")) return "ANNOUNCE_SKIP";
    return said.includes("what is up") ? "all is well" : said.includes("all is well") ? "REPLY_SKIP" : "the helper is well";
  };
  fake.say({ channel: DESK, author: alice, content: "ask the helper" });
  const turns = () => collector.spans.slice(before).filter((s) => s.name === "openclaw.message.processed");
  await until("the turns", () => turns().length >= 4, () => JSON.stringify(turns().map((s) => s.get)));
  assert.equal(new Set(turns().map((s) => s.traceId)).size, 1);
  const asker = turns().find((s) => s.get["openclaw.channel"] === "discord");
  assert.ok(turns().some((s) => s.get["openclaw.sessionKey"] === "agent:helper:main" && s.parentSpanId === asker.spanId));
});

test("a collector that is gone costs its spans and nothing else; the log says how many", async () => {
  collector.refuse = Infinity;
  model.answer = () => "all the same";
  fake.say({ channel: DESK, author: alice, content: "are you there" });
  await fake.until("the answer", () => fake.messages(DESK, { bot: true }).find((m) => m.content === "all the same"));
  await until("the warning", () => rig.gateway.said.match(/traces_not_sent.*the collector answered 503/));
  await new Promise((resolve) => setTimeout(resolve, 600)); // three tries
  collector.refuse = 0;
  const before = collector.spans.length;
  model.answer = () => "back again";
  fake.say({ channel: DESK, author: alice, content: "and now" });
  await until("later spans", () => collector.spans.slice(before).find((s) => s.name === "openclaw.message.processed"));
  await until("the log", () => /event=traces_sent_again/.test(rig.gateway.said) && /event=traces_lost spans=[1-9]/.test(rig.gateway.said), () => rig.gateway.said);
  assert.equal(collector.spans.slice(before).filter((s) => s.name === "openclaw.message.processed").length, 1, "what was given up does not come late");
});

test("the last spans are sent when the gateway ends", async () => {
  const before = collector.spans.length;
  model.answer = () => "goodbye";
  fake.say({ channel: DESK, author: alice, content: "goodbye" });
  await fake.until("the answer", () => fake.messages(DESK, { bot: true }).find((m) => m.content === "goodbye"));
  await rig.stop();
  rig = null;
  assert.ok(collector.spans.slice(before).some((s) => s.name === "openclaw.message.processed"));
});

test("sampleRate 0 sends nothing", async () => {
  const before = collector.requests.length;
  const config = {
    agents: { defaults: { model: { primary: "fake/m" }, heartbeat: { every: "0m" } }, list: [{ id: "main", default: true }] },
    channels: { discord: { guilds: { homelab: { requireMention: false, channels: { desk: {} } } } } },
    diagnostics: { otel: { enabled: true, endpoint: collector.url, sampleRate: 0, flushIntervalMs: 100 } },
  };
  rig = await startOnDiscord(fake, BOT.token, { config, model });
  const headers = { authorization: `Bearer ${rig.environment().OPENCLAW_GATEWAY_TOKEN}`, "content-type": "application/json" };
  const answer = await fetch(`http://127.0.0.1:${rig.port}/v1/chat/completions`, { method: "POST", headers, body: JSON.stringify({ model: "openclaw", messages: [{ role: "user", content: "nobody counts this" }] }) });
  assert.equal(answer.status, 200);
  await rig.stop();
  rig = null;
  assert.equal(collector.requests.length, before);
});
