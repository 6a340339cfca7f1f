// `openclaw import` of a state directory that OpenClaw 2026.2.17 wrote: its device connects, its sessions go on.
import assert from "node:assert/strict";
import { createHash, createPrivateKey, randomUUID } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { FakeModel } from "../discord/rig.mjs";
import { end, freePort, start, until } from "../process.mjs";
import { connect as dial } from "../ws_client.mjs";

const HERE = dirname(fileURLToPath(import.meta.url)), RECORDED = join(HERE, "../../data/openclaw-state");
const device = JSON.parse(readFileSync(join(RECORDED, "test-device.json"), "utf8"));
const TOKEN = "token-of-the-new-gateway";

let dir, old, state, env, model, gateway, port;

const openclaw = (...args) => spawnSync(process.env.GW_OPENCLAW, args, { encoding: "utf8", env });
const take = (...args) => {
  const { status, stdout, stderr } = openclaw("import", old, "--json", ...args);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
};

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "openclaw-import-"));
  old = join(dir, "old");
  state = join(dir, "new");
  cpSync(RECORDED, old, { recursive: true });
  model = await new FakeModel().listen();
  port = await freePort();
  const models = { providers: { mock: { baseUrl: model.url, apiKey: "k", api: "openai-completions", models: [{ id: "m", name: "m" }] } } };
  writeFileSync(join(dir, "openclaw.json"), JSON.stringify({ gateway: { auth: { mode: "token", token: TOKEN }, trustedProxies: ["127.0.0.1"] }, agents: { list: [{ id: "main", default: true }, { id: "helper" }], defaults: { model: { primary: "mock/m" } } }, models }));
  env = { PATH: process.env.PATH, HOME: dir, OPENCLAW_STATE_DIR: state, OPENCLAW_CONFIG_PATH: join(dir, "openclaw.json"), OPENCLAW_GATEWAY_PORT: String(port) };
});

after(async () => {
  await end(gateway);
  model?.close();
  rmSync(dir, { recursive: true, force: true });
});

test("a dry run tells what would be taken, and takes nothing", () => {
  const { taken, dryRun } = take("--dry-run");
  assert.equal(dryRun, true);
  assert.deepEqual(taken, { devices: 1, sessions: 3, messages: 10, jobs: 2, people: 1, approvals: 1 });
});

test("everything is taken once, the rest is told with the reason", () => {
  const first = take();
  assert.deepEqual(first.taken, { devices: 1, sessions: 3, messages: 10, jobs: 2, people: 1, approvals: 1 });
  assert.ok(first.skipped.some((s) => s.what === "openclaw.json" && s.why.includes("OPENCLAW_CONFIG_PATH")));
  const second = take();
  assert.deepEqual(second.taken, { devices: 0, sessions: 0, messages: 0, jobs: 0, people: 0, approvals: 0 });
  assert.ok(second.skipped.some((s) => s.what === "session agent:main:main" && s.why === "it is here already"));
});

test("what is broken is skipped with the reason, and the rest is taken all the same", () => {
  const sessions = join(old, "agents/main/sessions/sessions.json"), list = JSON.parse(readFileSync(sessions, "utf8"));
  list["agent:main:lost"] = { sessionId: randomUUID(), updatedAt: 1 };
  list["agent:main:evil"] = { sessionId: "../../../../etc/passwd", updatedAt: 1 };
  const fine = randomUUID();
  list["agent:main:fine"] = { sessionId: fine, updatedAt: 1795758950000, label: "Fine" };
  writeFileSync(sessions, JSON.stringify(list));
  const lines = [{ type: "session", version: 3, id: fine, timestamp: "2026-11-22T13:00:00.000Z", cwd: "/" }, ...["kept", "a branch that was left", "the other branch"].map((text, i) => ({ type: "message", id: `0000000${i}`, parentId: i ? "00000000" : null, timestamp: "2026-11-22T13:00:00.000Z", message: { role: i ? "assistant" : "user", content: [{ type: "text", text }], timestamp: 1795758950000 + i } }))];
  writeFileSync(join(old, `agents/main/sessions/${fine}.jsonl`), lines.map((l) => JSON.stringify(l)).join("\n") + "\nthis is no JSON\n");
  writeFileSync(join(old, "cron/jobs.json"), "{ broken");
  const { taken, skipped } = take();
  assert.equal(taken.sessions, 1);
  assert.equal(taken.messages, 2, "the branch that the last line ends");
  const why = (what) => skipped.find((s) => s.what.includes(what))?.why;
  assert.match(why("agent:main:lost"), /transcript is not there/);
  assert.match(why("agent:main:evil"), /no session id/);
  assert.match(why("line 5"), /no JSON/);
  assert.ok(why("cron/jobs.json"));
});

// As through a proxy, from elsewhere: a device that nobody knows would have to be approved.
const connect = (token) => dial({ port, token, device: { id: device.deviceId, publicKey: device.publicKey, privateKey: createPrivateKey(device.privateKeyPem) } });

test("the old device connects from elsewhere without a new approval, also with its old token alone", async () => {
  assert.equal(createHash("sha256").update(Buffer.from(device.publicKey, "base64url")).digest("hex"), device.deviceId);
  gateway = start(process.env.GW_OPENCLAW, ["gateway"], env);
  await until("the gateway", async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null))?.ok, () => gateway.said);
  for (const token of [TOKEN, device.token]) {
    const { ws, hello } = await connect(token);
    assert.equal(hello.ok, true, JSON.stringify(hello.error));
    ws.close();
  }
});

test("the old sessions are listed, and the next turn has the old context", async () => {
  const { ws, call, say } = await connect(TOKEN);
  const { payload } = await call("sessions.list", {});
  const by = Object.fromEntries(payload.sessions.map((s) => [s.key, s]));
  assert.deepEqual(Object.keys(by).sort(), ["agent:helper:main", "agent:main:fine", "agent:main:main", "agent:main:work"]);
  assert.equal(by["agent:main:work"].label, "Work");
  assert.equal(by["agent:main:work"].thinkingLevel, "low");
  const history = await call("chat.history", { sessionKey: "agent:main:main" });
  assert.match(JSON.stringify(history.payload.messages), /my name is Ada/);
  model.answer = () => "You are Ada.";
  await say("agent:main:main", "who am I?");
  const asked = JSON.stringify(model.requests.at(-1).messages);
  assert.match(asked, /my name is Ada/);
  assert.match(asked, /I used the tool/);
  const jobs = await call("cron.list", {});
  assert.deepEqual(jobs.payload.jobs.map((j) => j.name).sort(), ["daily", "once"]);
  assert.ok(jobs.payload.jobs.every((j) => j.state.nextRunAtMs > Date.now()));
  const approvals = await call("exec.approvals.get", {});
  assert.equal(approvals.payload.file.agents.main.allowlist[0].pattern, "/usr/bin/git");
  ws.close();
});

test("below a running gateway it refuses", () => {
  const { status, stderr } = openclaw("import", old);
  assert.equal(status, 1);
  assert.match(stderr, /held by process/);
});
