// The gateway on a strict fake Discord: who is answered, how, and what becomes of answers when connections break.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { FakeDiscord } from "../../fakes/discord/fake_discord.mjs";
import { FakeModel, Rig, endAll } from "./rig.mjs";

const GUILD = "1475145705847914700";
const CHANNELS = {
  general: "1475145706875654359", deutsch: "1477590365878878258", english: "1477848073526055066", daily: "1478000000000000001", alerts: "1476238496799789118",
  other: "1479000000000000001",
};
const BOT = { token: "bot-token-for-tests", id: "1475000000000000001", username: "claw", applicationId: "1475000000000000002" };
const ALICE = { id: "1475000000000000101", username: "alice" };

const SKILLS = mkdtempSync(join(tmpdir(), "openclaw-skills-"));
const NAMES = ["homelab-admin", "gitops", "secret-management", "incident-response", "weather", "deutsch-tutor", "english-tutor", "daily-routine", "discord"];

/** The customer's configuration, its models replaced by the fake one, its folder of skills by one with their names. */
function customerConfig() {
  const config = JSON.parse(readFileSync(process.env.GW_CONFIG, "utf8"));
  for (const name of NAMES) {
    mkdirSync(join(SKILLS, name), { recursive: true });
    writeFileSync(join(SKILLS, name, "SKILL.md"), `---\nname: ${name}\ndescription: skill of ${name}\n---\n# ${name}\n`);
  }
  config.skills.load.extraDirs = [SKILLS];
  config.session = { typingIntervalSeconds: 1 };
  config.commands = { ...config.commands, config: true };
  const model = { primary: "fake/m", fallbacks: [] };
  config.agents.defaults.model = model;
  for (const agent of config.agents.list) {
    agent.model = model;
    delete agent.workspace;
  }
  return config;
}

function discord(options = {}) {
  return FakeDiscord.start({
    bots: [BOT], heartbeatInterval: 2000, identifyGapMs: 5000,
    guilds: [{ id: GUILD, name: "homelab", members: [{ user: ALICE }], channels: Object.entries(CHANNELS).map(([name, id]) => ({ id, name, topic: `about ${name}` })) }],
    ...options,
  });
}

const ready = (fake) => fake.until("READY", () => fake.sessions.length > 0 && fake.counts.identifies > 0);
const answers = (fake, channel) => fake.messages(channel, { bot: true });

let fake, model, rig, hook;

before(async () => {
  fake = await discord();
  model = await new FakeModel().listen();
  hook = fake.addWebhook({ channel: CHANNELS.deutsch });
  const webhook = `${fake.apiBase}/webhooks/${hook.id}/${hook.token}`;
  rig = await Rig.start({ config: customerConfig(), model, env: { DISCORD_API_BASE: fake.apiBase, DISCORD_BOT_TOKEN: BOT.token, DISCORD_WEBHOOK_DEUTSCH: webhook } });
  await ready(fake);
  await fake.until("the list of servers", () => fake.connections.length > 0);
});

after(async () => {
  await endAll(rig, model, fake);
  rmSync(SKILLS, { recursive: true, force: true });
});

test("each channel of the customer's configuration has its own prompt, skills, agent and answer", async () => {
  const agents = { general: "homelab-admin", deutsch: "deutsch-tutor", english: "english-tutor", daily: "daily-routine", alerts: "homelab-admin" };
  const skills = {
    general: ["gitops", "homelab-admin", "incident-response", "secret-management", "weather"], deutsch: ["deutsch-tutor", "discord"], english: ["discord", "english-tutor"],
    daily: ["daily-routine", "discord", "weather"], alerts: ["homelab-admin", "incident-response"],
  };
  for (const [name, agent] of Object.entries(agents)) {
    model.answer = () => `hello from ${name}`;
    const before = model.requests.length;
    fake.say({ channel: CHANNELS[name], author: ALICE.id, content: `question for ${name}` });
    await fake.until(`the answer in #${name}`, () => answers(fake, CHANNELS[name]).length > 0);
    assert.equal(answers(fake, CHANNELS[name])[0].content, `hello from ${name}`);
    const system = FakeModel.system(model.requests[before]), said = FakeModel.said(model.requests[before]);
    const prompts = { general: "#general", deutsch: "#deutsch", english: "#english", daily: "#daily-briefing", alerts: "#alerts" };
    assert.ok(system.includes(`${prompts[name]}:`), "its own prompt");
    assert.ok(system.includes(`agent=${agent}`), `answered by ${agent}`);
    assert.deepEqual([...system.matchAll(/<name>([^<]+)<\/name>/g)].map((m) => m[1]).sort(), skills[name], `the skills of #${name}`);
    for (const [others, text] of Object.entries(prompts)) assert.ok(others === name || !system.includes(`${text}:`), "and nobody else's");
    assert.match(said, /Conversation info \(untrusted metadata\):/);
    assert.match(said, new RegExp(`question for ${name}`));
    assert.match(said, /Source: Channel metadata/);
    assert.ok(!system.includes(`about ${name}`), "the topic is never in the system prompt");
  }
});

test("nobody else is answered: other channels, bots, webhooks, the bot itself", async () => {
  const before = model.requests.length;
  const robot = fake.addUser({ username: "robot", bot: true, guilds: [GUILD] });
  fake.say({ channel: CHANNELS.other, author: ALICE.id, content: "hello?" });
  fake.say({ channel: CHANNELS.general, author: robot, content: "I am a bot" });
  fake.say({ channel: CHANNELS.general, content: "from a webhook", webhook_id: fake.addWebhook({ channel: CHANNELS.general }).id });
  fake.say({ channel: CHANNELS.general, author: BOT.id, content: "myself" });
  model.answer = () => "only this one";
  const had = answers(fake, CHANNELS.general).length;
  fake.say({ channel: CHANNELS.general, author: ALICE.id, content: "and a person" });
  await fake.until("the answer to a person", () => answers(fake, CHANNELS.general).some((m) => m.content === "only this one"));
  assert.equal(model.requests.length, before + 1);
  assert.equal(answers(fake, CHANNELS.other).length, 0);
  assert.ok(answers(fake, CHANNELS.general).length >= had + 1);
});

test("typing shows while the agent works, and not after its answer", async () => {
  model.answer = () => ({ text: "slow answer", delayMs: 2500 });
  fake.say({ channel: CHANNELS.alerts, author: ALICE.id, content: "take your time" });
  await fake.until("typing", () => fake.typing.some((t) => t.channelId === CHANNELS.alerts));
  await fake.until("the answer", () => answers(fake, CHANNELS.alerts).some((m) => m.content === "slow answer"));
  const typed = fake.typing.filter((t) => t.channelId === CHANNELS.alerts).length;
  assert.ok(typed >= 2, "every second, here");
  await new Promise((resolve) => setTimeout(resolve, 2200));
  assert.equal(fake.typing.filter((t) => t.channelId === CHANNELS.alerts).length, typed);
});

test("a stranger's direct message gets a code; once approved, an answer", async () => {
  const bob = fake.addUser({ username: "bob", guilds: [GUILD] });
  const before = model.requests.length;
  fake.dm(bob, "hello");
  const dm = fake.dmChannel(bob).data;
  await fake.until("the code", () => answers(fake, dm.id).length === 1);
  const code = /Pairing code: ([A-Z0-9]{8})/.exec(answers(fake, dm.id)[0].content)[1];
  fake.dm(bob, "hello again");
  assert.equal(model.requests.length, before, "the model has heard nothing");
  const listed = await rig.cli("pairing", "list", "discord");
  assert.ok(listed.said.includes(code), listed.said);
  const approved = await rig.cli("pairing", "approve", "discord", code);
  assert.equal(approved.code, 0, approved.said);
  model.answer = () => "welcome";
  fake.dm(bob, "and now?");
  await fake.until("the answer", () => answers(fake, dm.id).some((m) => m.content === "welcome"));
  assert.equal(answers(fake, dm.id).length, 2, "the code was told once");
  fake.somebodyLetIn = bob;
});

test("a long answer comes in messages of at most 2,000 characters and 17 lines, in order", async () => {
  const lines = Array.from({ length: 60 }, (_, i) => `line ${i} ${"x".repeat(60)}`);
  model.answer = () => lines.join("\n");
  const had = answers(fake, CHANNELS.daily).length;
  fake.say({ channel: CHANNELS.daily, author: ALICE.id, content: "all of it" });
  const text = () => answers(fake, CHANNELS.daily).slice(had).map((m) => m.content);
  await fake.until("the last line", () => text().join("\n").includes("line 59"));
  assert.equal(text().join("\n"), lines.join("\n"));
  for (const part of text()) assert.ok(part.length <= 2000 && part.split("\n").length <= 17);
});

test("drop, op 7, op 9, no ack in the middle of a turn: each answer comes once", async () => {
  const faults = { drop: () => fake.dropAll(), reconnect: () => fake.reconnect(), "invalid, resumable": () => fake.invalidateSession(true), "4000": () => fake.closeAll(4000) };
  for (const [name, break_it] of Object.entries(faults)) {
    model.answer = () => ({ text: `through ${name}`, delayMs: 300 });
    fake.say({ channel: CHANNELS.general, author: ALICE.id, content: `before ${name}` });
    await fake.until("the model was asked", () => model.requests.some((r) => FakeModel.said(r).includes(`before ${name}`)));
    break_it();
    await fake.until(`the answer through ${name}`, () => answers(fake, CHANNELS.general).some((m) => m.content === `through ${name}`), 20000);
    await fake.until("connected again", async () => (await rig.status()).channelAccounts.discord[0].connected === true, 20000);
    assert.equal(answers(fake, CHANNELS.general).filter((m) => m.content === `through ${name}`).length, 1);
    console.log(`# ${name}: answered once; identifies ${fake.counts.identifies}, resumes ${fake.counts.resumes}`);
  }
});

test("429, 5xx and an answer lost on the way: nothing is lost, nothing doubled", async () => {
  const faults = {
    "429": () => fake.limitNext(3, { retryAfter: 0.3 }),
    "502": () => {
      let n = 2;
      fake.faults.rest = (req) => (req.method === "POST" && req.path.endsWith("/messages") && n-- > 0 ? { status: 502, body: "<html>", headers: { "Content-Type": "text/html" } } : undefined);
    },
    "stored, then cut": () => {
      let n = 1;
      fake.faults.rest = (req) => (req.method === "POST" && req.path.endsWith("/messages") && n-- > 0 ? { cutAfter: true } : undefined);
    },
  };
  for (const [name, break_it] of Object.entries(faults)) {
    model.answer = () => `after ${name}`;
    break_it();
    fake.say({ channel: CHANNELS.english, author: ALICE.id, content: `with ${name}` });
    await fake.until(`the answer after ${name}`, () => answers(fake, CHANNELS.english).some((m) => m.content === `after ${name}`), 20000);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    fake.faults.rest = undefined;
    assert.equal(answers(fake, CHANNELS.english).filter((m) => m.content === `after ${name}`).length, 1);
    console.log(`# ${name}: answered once`);
  }
});

test("killed in the middle of a turn, the gateway answers when it is back, once", async () => {
  model.answer = () => ({ text: "survived", delayMs: 1000 });
  fake.say({ channel: CHANNELS.deutsch, author: ALICE.id, content: "do not forget" });
  await fake.until("the model was asked", () => model.requests.some((r) => FakeModel.said(r).includes("do not forget")));
  await rig.kill();
  await rig.up();
  await fake.until("the answer", () => answers(fake, CHANNELS.deutsch).some((m) => m.content === "survived"), 20000);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(answers(fake, CHANNELS.deutsch).filter((m) => m.content === "survived").length, 1);
});

test("an agent speaks up in another channel and through a webhook, without seeing its URL", async () => {
  const calls = [
    { name: "message", args: { action: "send", target: `channel:${CHANNELS.alerts}`, message: "look at the disk" } },
    { name: "message", args: { action: "send", target: "webhook:deutsch", message: "Guten Morgen!" } },
    { name: "message", args: { action: "read", target: `channel:${CHANNELS.alerts}`, limit: 1 } },
    { name: "message", args: { action: "send", target: "webhook:nobody", message: "x" } },
    { name: "message", args: { action: "send", target: `channel:${CHANNELS.alerts}`, message: "an undeclared argument", path: process.env.GW_CONFIG } },
    { name: "message", args: { action: "send", target: `channel:${CHANNELS.alerts}`, message: "outside", media: "../../../../etc/hostname" } },
    { name: "write", args: { path: "report.txt", content: "the report" } },
    { name: "message", args: { action: "send", target: `channel:${CHANNELS.alerts}`, message: "with a file", media: "report.txt" } },
  ];
  const before = model.requests.length;
  model.answer = () => (calls.length ? { call: calls.shift() } : "done with it");
  fake.say({ channel: CHANNELS.general, author: ALICE.id, content: "tell the others" });
  await fake.until("the answer", () => answers(fake, CHANNELS.general).some((m) => m.content === "done with it"));
  assert.ok(answers(fake, CHANNELS.alerts).some((m) => m.content === "look at the disk"));
  assert.ok(fake.messages(CHANNELS.deutsch).some((m) => m.content === "Guten Morgen!" && m.webhook_id === hook.id));
  const results = model.requests.at(-1).messages.filter((m) => m.role === "tool").map((m) => m.content);
  assert.match(results[0], /messageIds/);
  assert.match(results[2], /look at the disk/);
  assert.match(results[3], /no webhook of that name/);
  assert.ok(!JSON.stringify(model.requests.slice(before)).includes(hook.token), "the URL is nobody's to see");
  const alerts = answers(fake, CHANNELS.alerts);
  assert.equal(alerts.find((m) => m.content === "an undeclared argument").attachments.length, 0, "no file of the host leaves it");
  assert.ok(!alerts.some((m) => m.content === "outside"), results[5]);
  const [file] = alerts.find((m) => m.content === "with a file").attachments;
  assert.equal(file.filename, "report.txt");
  assert.equal(await (await fetch(file.url)).text(), "the report");
});

test("commands: those who may get an answer, the others are told", async () => {
  const asked = model.requests.length;
  fake.say({ channel: CHANNELS.general, author: ALICE.id, content: "/status" });
  await fake.until("the refusal", () => answers(fake, CHANNELS.general).some((m) => m.content === "You are not authorized to use this command."));
  const bob = fake.somebodyLetIn;
  fake.dm(bob, "/status");
  const dm = fake.dmChannel(bob).data;
  await fake.until("the card", () => answers(fake, dm.id).some((m) => m.content.includes("OpenClaw")));
  fake.dm(bob, "/config set messages.ackReactionScope=off");
  await fake.until("the change", () => answers(fake, dm.id).some((m) => m.content === "⚙️ Config updated: messages.ackReactionScope"));
  fake.say({ channel: CHANNELS.general, author: ALICE.id, content: "/config show gateway" });
  await fake.until("the second refusal", () => answers(fake, CHANNELS.general).filter((m) => m.content === "You are not authorized to use this command.").length === 2);
  fake.dm(bob, "/commands");
  await fake.until("the list", () => answers(fake, dm.id).some((m) => m.content.includes("/weather - skill of weather")));
  assert.equal(model.requests.length, asked, "no model was asked");
});

test("a sub-agent's result that cannot be passed on is told as that", async () => {
  for (const length of [120, 121]) { /* what is shown of a task is cut behind 120 bytes */
    const task = `look at the disk ${length} `.padEnd(length, "x");
    let steps = 0;
    model.answer = (request) => {
      const said = FakeModel.said(request);
      if (said.includes("[Subagent Task]")) return "the disk is full";
      if (said.includes("A subagent task")) return { status: 400, text: "told to fail" };
      return steps++ === 0 ? { call: { name: "sessions_spawn", args: { task } } } : "somebody looks";
    };
    fake.say({ channel: CHANNELS.general, author: ALICE.id, content: `have disk ${length} looked at` });
    const told = `⚠️ The result of the sub-agent task "${task.slice(0, 120)}" could not be passed on: `;
    await fake.until("the failure", () => answers(fake, CHANNELS.general).some((m) => m.content.startsWith(told)));
  }
  model.answer = () => "ok";
});

test("Discord's rules were kept all the while", () => {
  assert.deepEqual(fake.violations, []);
});

test("a token that is not valid stops the account, and says so", async () => {
  const other = await discord();
  const lone = await Rig.start({ config: customerConfig(), model, env: { DISCORD_API_BASE: other.apiBase, DISCORD_BOT_TOKEN: "not-a-token" } });
  await other.until("the refusal", () => other.counts.invalid > 0);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const [account] = (await lone.status()).channelAccounts.discord;
  assert.equal(account.running, false);
  assert.match(account.lastError, /token/);
  assert.equal(other.requests.length, 1, "asked once, and no more");
  await lone.stop();
  await other.stop();
});
