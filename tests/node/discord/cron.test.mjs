// Jobs by the clock that speak up on Discord: the notifications that ship with the project, the place of a conversation, an address.
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { FakeDiscord } from "../../fakes/discord/fake_discord.mjs";
import { FakeModel, Rig } from "./rig.mjs";

const GUILD = "1475145705847914700", DEUTSCH = "1477590365878878258", GENERAL = "1475145706875654359";
const BOT = { token: "bot-token-for-tests", id: "1475000000000000001", username: "claw", applicationId: "1475000000000000002" };
const ALICE = { id: "1475000000000000101", username: "alice" };
const JOBS = join(dirname(fileURLToPath(import.meta.url)), "../../../k8s/configmap/cron.json5");

let fake, model, rig, posts, listener;

const answers = (channel) => fake.messages(channel, { bot: true });
const hooked = (channel) => fake.messages(channel).filter((m) => m.webhook_id);
const run = async (id) => JSON.parse((await rig.cli("cron", "run", id)).said);

before(async () => {
  fake = await FakeDiscord.start({
    bots: [BOT], heartbeatInterval: 2000, identifyGapMs: 5000,
    guilds: [{ id: GUILD, name: "homelab", members: [{ user: ALICE }], channels: [{ id: DEUTSCH, name: "deutsch" }, { id: GENERAL, name: "general" }] }],
  });
  model = await new FakeModel().listen();
  posts = [];
  listener = createServer((req, res) => {
    let body = "";
    req.on("data", (piece) => (body += piece));
    req.on("end", () => {
      posts.push({ url: req.url, method: req.method, headers: req.headers, body });
      res.writeHead(posts.length === 1 ? 503 : 204).end();
    });
  });
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const config = JSON.parse(readFileSync(process.env.GW_CONFIG, "utf8"));
  const one = { primary: "fake/m", fallbacks: [] };
  config.agents.defaults.model = one;
  for (const agent of config.agents.list) {
    agent.model = one;
    delete agent.workspace;
  }
  config.cron = { $include: "./cron.json5", webhookToken: "token-of-the-listener" };
  config.hooks = {
    enabled: true, token: "token-of-the-alert-manager",
    mappings: [{ match: { path: "alerts" }, agentId: "homelab-admin", name: "Alert", messageTemplate: "{{alerts[0].labels.alertname}} is {{status}}", channel: "discord", to: `channel:${GENERAL}` }],
  };
  const hook = fake.addWebhook({ channel: DEUTSCH });
  const env = { DISCORD_API_BASE: fake.apiBase, DISCORD_BOT_TOKEN: BOT.token, DISCORD_WEBHOOK_DEUTSCH: `${fake.apiBase}/webhooks/${hook.id}/${hook.token}` };
  const state = mkdtempSync(join(tmpdir(), "openclaw-cron-"));
  copyFileSync(JOBS, join(state, "cron.json5"));
  rig = await Rig.start({ config, model, env, state });
  await fake.until("READY", () => fake.counts.identifies > 0);
});

after(async () => {
  await rig?.stop();
  model?.close();
  listener?.close();
  await fake?.stop();
});

test("the notifications that ship are there, at their times in Ho Chi Minh City", async () => {
  const { jobs } = JSON.parse((await rig.cli("cron", "list", "--json")).said);
  assert.equal(jobs.length, 9);
  const shown = (ms) => new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Ho_Chi_Minh", weekday: "short", hour: "2-digit", minute: "2-digit" }).format(ms).replace(",", "");
  for (const job of jobs) {
    const time = shown(job.state.nextRunAtMs);
    if (job.id.endsWith("morning")) assert.match(time, /07:00$/);
    if (job.id.endsWith("evening")) assert.match(time, /20:00$/);
    if (job.id.endsWith("weekly")) assert.equal(time, "Sun 09:00");
  }
});

test("the German reminder is a turn of the tutor and arrives through the webhook", async () => {
  model.answer = () => "Guten Morgen! Heute sind 12 Karten fällig.";
  const before = model.requests.length;
  assert.deepEqual(await run("deutsch-morning"), { ok: true, ran: true });
  await fake.until("the reminder", () => hooked(DEUTSCH).length === 1);
  assert.equal(hooked(DEUTSCH)[0].content, "Guten Morgen! Heute sind 12 Karten fällig.");
  const said = FakeModel.said(model.requests[before]);
  assert.match(said, /^\[cron:deutsch-morning German, morning\] Morning reminder/);
  assert.match(said, /\nCurrent time: \w+day, /);
  assert.ok(FakeModel.system(model.requests[before]).includes("agent=deutsch-tutor"));
  assert.ok(!JSON.stringify(model.requests[before]).includes(fake.apiBase), "the model does not see the webhook's address");
  model.answer = () => "NO_REPLY";
  assert.equal((await run("deutsch-evening")).ran, true);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(hooked(DEUTSCH).length, 1, "nothing to say, nothing said");
});

test("a job of a conversation speaks up there, and who answers it is understood", async () => {
  model.answer = () => "Hallo Alice";
  fake.say({ channel: DEUTSCH, author: ALICE.id, content: "hallo" });
  await fake.until("the answer", () => answers(DEUTSCH).some((m) => m.content === "Hallo Alice"));
  const added = await rig.cli("cron", "add", "--name", "quiz", "--every", "100d", "--message", "ask a card", "--agent", "deutsch-tutor", "--channel", "discord", "--to", `channel:${DEUTSCH}`, "--json");
  const { id } = JSON.parse(added.said);
  model.answer = () => "Was heißt 'the bridge'?";
  assert.equal((await run(id)).ran, true);
  await fake.until("the card", () => answers(DEUTSCH).some((m) => m.content === "Was heißt 'the bridge'?"));
  model.answer = () => "Richtig!";
  const before = model.requests.length;
  fake.say({ channel: DEUTSCH, author: ALICE.id, content: "die Brücke" });
  await fake.until("the verdict", () => answers(DEUTSCH).some((m) => m.content === "Richtig!"));
  const spoken = model.requests[before].messages.filter((m) => m.role === "assistant").map((m) => JSON.stringify(m.content));
  assert.ok(spoken.some((text) => text.includes("the bridge")), "the card is in the conversation");
  assert.equal((await rig.cli("cron", "rm", id)).code, 0);
});

test("a result that arrives while Discord is away is delivered once, also across kill -9", async () => {
  model.answer = () => "after the crash";
  const added = await rig.cli("cron", "add", "--name", "late", "--every", "100d", "--message", "say it", "--channel", "discord", "--to", `channel:${GENERAL}`, "--json");
  const { id } = JSON.parse(added.said);
  let left = 2;
  fake.faults.rest = (req) => (req.method === "POST" && req.path.endsWith("/messages") && left-- > 0 ? { status: 503, body: "" } : undefined);
  assert.equal((await run(id)).ran, true);
  await rig.kill();
  await rig.up();
  await fake.until("the text", () => answers(GENERAL).some((m) => m.content === "after the crash"), 30000);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.equal(answers(GENERAL).filter((m) => m.content === "after the crash").length, 1);
});

test("delivery.mode webhook posts the finished event, with the token, until it is taken", async () => {
  model.answer = () => "posted";
  const url = `http://127.0.0.1:${listener.address().port}/hook`;
  const params = { name: "poster", schedule: { kind: "every", everyMs: 8.64e9 }, sessionTarget: "isolated", payload: { kind: "agentTurn", message: "go" }, delivery: { mode: "webhook", to: url } };
  const added = JSON.parse((await rig.cli("gateway", "call", "cron.add", "--params", JSON.stringify(params), "--json")).said);
  assert.equal((await run(added.id)).ran, true);
  const until = Date.now() + 15000;
  while (posts.length < 2 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(posts.length, 2, "503 is tried again, 204 is the end");
  const event = JSON.parse(posts[1].body);
  assert.equal(posts[1].method, "POST");
  assert.equal(posts[1].headers.authorization, "Bearer token-of-the-listener");
  assert.equal(event.jobId, added.id);
  assert.equal(event.action, "finished");
  assert.equal(event.status, "ok");
  assert.equal(event.summary, "posted");
});

test("an alert manager's call becomes a turn whose answer stands in the channel", async () => {
  model.answer = () => "Incident: the disk of k3s-1 is full.";
  const before = model.requests.length;
  const answer = await fetch(`http://127.0.0.1:${rig.port}/hooks/alerts`, {
    method: "POST", headers: { authorization: "Bearer token-of-the-alert-manager", "content-type": "application/json" },
    body: JSON.stringify({ status: "firing", alerts: [{ labels: { alertname: "DiskFull" } }] }),
  });
  assert.equal(answer.status, 202);
  await fake.until("the incident", () => answers(GENERAL).some((m) => m.content === "Incident: the disk of k3s-1 is full."));
  const said = FakeModel.said(model.requests[before]);
  assert.match(said, /^Task: Alert \| Job ID: [0-9a-f-]{36} \| Received: /);
  assert.match(said, /Source: Webhook\n---\nDiskFull is firing\n<<<END_EXTERNAL_UNTRUSTED_CONTENT>>>/);
});
