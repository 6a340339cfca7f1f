// The walk-throughs of docs/operations.md that need no cluster, and what docs/troubleshooting.md quotes.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { FakeModel } from "../discord/rig.mjs";
import { end, freePort, start, until } from "../process.mjs";
import { connect as dial } from "../ws_client.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
const device = { id: createHash("sha256").update(raw).digest("hex"), publicKey: raw.toString("base64url"), privateKey };

let dir, config, model, other, gateway, port, token = "first-token-of-the-walk-throughs";

const write = () => writeFileSync(join(dir, "openclaw.json"), JSON.stringify(config), { mode: 0o600 });
const env = () => ({ HOME: dir, OPENCLAW_STATE_DIR: join(dir, "state"), OPENCLAW_CONFIG_PATH: join(dir, "openclaw.json"), OPENCLAW_GATEWAY_PORT: String(port), OPENCLAW_GATEWAY_TOKEN: token });
const up = async () => {
  gateway = start(process.env.GW_OPENCLAW, ["gateway"], env());
  await until("the gateway", async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null))?.ok, () => gateway.said);
};
async function openclaw(...args) {
  const child = spawn(process.env.GW_OPENCLAW, args, { env: { ...process.env, ...env() } });
  let said = "", wrong = "";
  child.stdout.on("data", (bytes) => (said += bytes));
  child.stderr.on("data", (bytes) => (wrong += bytes));
  const [code] = await once(child, "close");
  return { code, said, wrong };
}
const ask = async (agent, content) => {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, { method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": "application/json", "x-openclaw-agent-id": agent }, body: JSON.stringify({ model: "openclaw", messages: [{ role: "user", content }] }) });
  return { status: answer.status, model: answer.headers.get("x-openclaw-model"), text: (await answer.json()).choices?.[0].message.content };
};
const connect = () => dial({ port, token, device });

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "openclaw-walk-"));
  model = await new FakeModel().listen();
  other = await new FakeModel().listen();
  port = await freePort();
  config = {
    gateway: { trustedProxies: ["127.0.0.1"] },
    agents: { list: [{ id: "main", default: true }], defaults: { model: { primary: "fake/m" } } },
    models: { providers: { fake: { baseUrl: model.url, apiKey: "k", api: "openai-completions", models: [{ id: "m", name: "m" }] } } },
  };
  write();
  await up();
});

after(async () => {
  await end(gateway);
  model?.close();
  other?.close();
  rmSync(dir, { recursive: true, force: true });
});

test("let the first browser in: the command that it is shown", async () => {
  const { hello, closed } = await connect();
  assert.equal(hello.ok, false);
  const { reason } = await closed;
  const [, requestId] = /([0-9a-f-]{36})/.exec(reason + JSON.stringify(hello.error));
  assert.equal((await openclaw("devices", "approve", requestId)).code, 0);
  const again = await connect();
  assert.equal(again.hello.ok, true);
  again.ws.close();
});

test("add an agent: in the file, or by a command", async () => {
  config.agents.list.push({ id: "gardener", workspace: join(dir, "gardener") });
  mkdirSync(join(dir, "gardener"));
  writeFileSync(join(dir, "gardener/AGENTS.md"), "# Gardener\n\nYou look after the garden.\n");
  write();
  model.answer = (request) => (JSON.stringify(request.messages[0]).includes("You look after the garden") ? "it grows" : "who?");
  await until("its answer", async () => (await ask("gardener", "well?")).text === "it grows");
  const { code, said, wrong } = await openclaw("agents", "add", "Cook", "--model", "fake/m");
  assert.equal(code, 0, wrong);
  assert.match(said, /Added agent cook/);
  config = JSON.parse(readFileSync(join(dir, "openclaw.json"), "utf8"));
  assert.ok(config.agents.list.some((a) => a.id === "cook"));
  await until("it", async () => (await ask("cook", "hello")).status === 200);
});

test("add a skill: it is read while the gateway runs", async () => {
  mkdirSync(join(dir, "state/skills/pruning"), { recursive: true });
  writeFileSync(join(dir, "state/skills/pruning/SKILL.md"), "---\nname: pruning\ndescription: When and how to cut roses. Use it in March.\n---\n# Pruning\n");
  const listed = async () => JSON.parse((await openclaw("skills", "list", "--json", "--agent", "gardener")).said);
  await until("the skill", async () => JSON.stringify(await listed()).includes("pruning"));
  await ask("gardener", "what do you know?");
  assert.match(JSON.stringify(model.requests.at(-1).messages[0]), /pruning/);
  assert.equal((await openclaw("skills", "check", "--agent", "gardener")).code, 0);
});

test("add a provider: doctor asks it, and it answers when the first one fails", async () => {
  config.models.providers.second = { baseUrl: other.url, apiKey: "k2", api: "openai-completions", models: [{ id: "n", name: "n" }] };
  config.agents.defaults.model = { primary: "fake/m", fallbacks: ["second/n"] };
  write();
  assert.equal((await openclaw("config", "validate")).code, 0);
  model.answer = () => ({ status: 500, text: "down" });
  other.answer = () => "I am the second";
  await until("the second", async () => (await ask("main", "hello")).text === "I am the second");
  assert.equal((await ask("main", "hello")).model, "second/n");
});

test("rotate the gateway's token: the old one is refused, the device stays paired; a lost one is removed", async () => {
  const old = token;
  token = "second-token-of-the-walk-throughs";
  await end(gateway);
  await up();
  const refused = await fetch(`http://127.0.0.1:${port}/v1/models`, { headers: { authorization: `Bearer ${old}` } });
  assert.equal(refused.status, 401);
  const { hello, ws, closed } = await connect();
  assert.equal(hello.ok, true);
  assert.equal((await openclaw("devices", "remove", device.id)).code, 0);
  ws.close();
  await closed;
  assert.equal((await connect()).hello.ok, false, "it has to be approved again");
});

test("back up and restore on another machine", async () => {
  const { code, said } = await openclaw("backup", join(dir, "b.tar.gz"), "--json");
  assert.equal(code, 0);
  assert.ok(JSON.parse(said).database.bytes > 0);
  await end(gateway);
  rmSync(join(dir, "state"), { recursive: true });
  assert.equal((await openclaw("restore", join(dir, "b.tar.gz"))).code, 0);
  assert.ok(existsSync(join(dir, "state/skills/pruning/SKILL.md")));
  await up();
  assert.match((await openclaw("sessions", "--json")).said, /agent:main/);
});

test("at night: status, doctor and logs answer", async () => {
  for (const words of [["status", "--deep"], ["doctor"], ["logs", "--limit", "20", "--plain"], ["channels", "status", "--probe"]]) {
    const { code, said, wrong } = await openclaw(...words);
    assert.equal(code, 0, `${words}: ${wrong}`);
    assert.ok(said.length > 20, words.join(" "));
  }
});

// --- the texts -------------------------------------------------------------------------------------------------------------

/** All text of the program: sources and the page. */
function sources(folder = ROOT, found = []) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (/^(build|node_modules|\.git|docs|tests|bench|shared)$/.test(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) sources(path, found);
    else if (/\.(c|h|def|tsx?)$/.test(entry.name)) found.push(readFileSync(path, "utf8"));
  }
  return found;
}

test("what troubleshooting quotes is what the program says", () => {
  const text = sources().join("\n").replaceAll(/"\s*\n\s*"/g, "").replaceAll('\\"', '"');
  const page = readFileSync(join(ROOT, "docs/troubleshooting.md"), "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("|")).slice(2).map((line) => line.split(/(?<!\\)\|/)[1]);
  let quoted = 0;
  for (const row of rows) {
    for (const [, quote] of row.matchAll(/`([^`]+)`/g)) {
      // Names and numbers that differ each time stand between the pieces of a message.
      for (const piece of quote.split(/\.\.\.|…|\bN\b|\[n\]|\(file:line\)|\(1000\)|\/data|deutsch|DISCORD_WEBHOOK_DEUTSCH|token mismatch|HTTP 403, code 50013|Missing Permissions/)) {
        const words = piece.replace(/^[\s:,.()-]+|[\s:,.()-]+$/g, "");
        if (words.length < 8 || /^(kubectl|git push|openclaw\.json|openclaw\.sqlite)/.test(words)) continue;
        quoted++;
        assert.ok(text.includes(words), `docs/troubleshooting.md quotes "${words}", which the program does not say`);
      }
    }
  }
  assert.ok(quoted >= 8, `${quoted}`);
  for (const [, event] of page.matchAll(/`(actor_\w+|turn_\w+|setting_\w+)`/g)) assert.ok(text.includes(`"${event}"`), event);
});
