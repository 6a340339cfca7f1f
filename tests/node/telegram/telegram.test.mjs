// The gateway on a strict fake Telegram: pairing, groups, long answers, faults, kill -9.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { FakeTelegram } from "../../fakes/telegram/fake_telegram.mjs";
import { FakeModel, Rig } from "../discord/rig.mjs";

const ALICE = { id: 4201, is_bot: false, first_name: "Alice", username: "alice" }, BOB = { id: 4202, is_bot: false, first_name: "Bob" };
const DM = { id: ALICE.id, type: "private", first_name: "Alice" }, GROUP = { id: -1001234567890, type: "supergroup", title: "Homelab" };
const OTHER = { id: -1009999999999, type: "supergroup", title: "Strangers" };

let fake, model, rig;

before(async () => {
  fake = await new FakeTelegram().listen();
  model = await new FakeModel().listen();
  const config = {
    agents: { defaults: { model: { primary: "fake/m" } }, list: [{ id: "main", default: true }, { id: "ops" }] },
    bindings: [{ agentId: "ops", match: { channel: "telegram", peer: { kind: "group", id: String(GROUP.id) } } }],
    messages: { queue: { mode: "followup" } },
    channels: { telegram: { enabled: true, replyToMode: "first", groups: { [GROUP.id]: { systemPrompt: "You are in the homelab's group." } } } },
  };
  rig = await Rig.start({ config, model, env: { TELEGRAM_API_BASE: fake.base, TELEGRAM_BOT_TOKEN: fake.token } });
  await fake.until("a poll", () => fake.polls > 0);
});

after(async () => {
  await rig?.stop();
  model?.close();
  fake?.close();
  assert.deepEqual(fake.violations, []);
});

const mention = (text) => ({ text, entities: [{ type: "mention", offset: text.indexOf("@"), length: "@claw_bot".length }] });

test("a stranger gets a code, and once approved an answer with typing before it and none after", async () => {
  const before = model.requests.length;
  fake.say({ chat: DM, from: ALICE, text: "hello" });
  await fake.until("the code", () => fake.sent(ALICE.id).length === 1);
  const code = /Pairing code: ([A-Z0-9]{8})/.exec(fake.sent(ALICE.id)[0].text)[1];
  fake.say({ chat: DM, from: ALICE, text: "hello?" });
  assert.equal(model.requests.length, before);
  const listed = await rig.cli("pairing", "list", "telegram");
  assert.ok(listed.said.includes(code), listed.said);
  assert.equal((await rig.cli("pairing", "approve", "telegram", code)).code, 0);
  model.answer = () => ({ text: "hello Alice", delayMs: 1500 });
  fake.say({ chat: DM, from: ALICE, text: "hello now" });
  await fake.until("the answer", () => fake.sent(ALICE.id).some((m) => m.text === "hello Alice"));
  const answer = fake.sent(ALICE.id).find((m) => m.text === "hello Alice");
  assert.ok(fake.typing.some((t) => t.chat_id === ALICE.id && t.at <= answer.at));
  assert.ok(answer.reply_parameters.message_id > 0);
  const said = FakeModel.said(model.requests[before]);
  assert.match(said, /Conversation info \(untrusted metadata\):/);
  assert.match(said, /"username": "alice"/);
  assert.match(said, /hello now$/);
  const typed = fake.typing.length;
  await new Promise((resolve) => setTimeout(resolve, 5200));
  assert.equal(fake.typing.length, typed);
});

test("in groups it answers who names it or replies to it, as the group's agent and with its prompt; other groups not at all", async () => {
  model.answer = () => "at your service";
  const before = model.requests.length;
  fake.say({ chat: GROUP, from: BOB, text: "nobody is asked" });
  fake.say({ chat: OTHER, from: ALICE, ...mention("@claw_bot hello") });
  fake.say({ chat: GROUP, from: BOB, ...mention("🦀 hey @claw_bot, status?") }); // an emoji before it: Telegram counts UTF-16
  await fake.until("the answer", () => fake.sent(GROUP.id).length === 1);
  const system = FakeModel.system(model.requests[before]);
  assert.ok(system.includes("You are in the homelab's group.") && system.includes("agent=ops"));
  const mine = { message_id: 1, from: fake.bot, chat: GROUP, text: "at your service" };
  fake.say({ chat: GROUP, from: BOB, text: "thanks", reply_to_message: mine });
  await fake.until("an answer to the reply", () => fake.sent(GROUP.id).length === 2);
  assert.match(FakeModel.said(model.requests[before + 1]), /Replied message \(untrusted, for context\):/);
  fake.say({ chat: GROUP, from: BOB, ...mention("@claw_bot in a topic"), is_topic_message: true, message_thread_id: 77 });
  await fake.until("the topic's answer", () => fake.sent(GROUP.id).length === 3);
  assert.equal(fake.sent(GROUP.id)[2].message_thread_id, 77);
  assert.equal(model.requests[before + 2].messages.filter((m) => m.role === "user").length, 1, "a topic is a conversation of its own");
  assert.equal(fake.sent(OTHER.id).length, 0);
  assert.equal(model.requests.length, before + 3);
});

test("long answers come in pieces of at most 4,096, in order, and through 429, 500 and cut connections once", async () => {
  const words = Array.from({ length: 1800 }, (_, i) => `word${i}`).join(" ");
  model.answer = () => words;
  let left = 3;
  const faults = [{ code: 429, description: "Too Many Requests: retry after 1", parameters: { retry_after: 1 } }, { code: 502 }, { code: 500 }];
  fake.fault = (method) => (method === "sendMessage" && left > 0 ? faults[--left] : undefined);
  const before = fake.sent(ALICE.id).length;
  fake.say({ chat: DM, from: ALICE, text: "a long one" });
  await fake.until("all of it", () => fake.sent(ALICE.id).slice(before).map((m) => m.text).join(" ").length >= words.length, 30000);
  const parts = fake.sent(ALICE.id).slice(before).map((m) => m.text);
  assert.equal(parts.join(" "), words);
  assert.ok(parts.length >= 4 && parts.every((p) => p.length <= 4096));
  fake.fault = undefined;
});

test("commands are registered, and answered also with the bot's name behind them", async () => {
  await fake.until("the list", () => fake.commands?.length > 5);
  const before = fake.sent(ALICE.id).length, asked = model.requests.length;
  fake.say({ chat: DM, from: ALICE, text: "/status@claw_bot", entities: [{ type: "bot_command", offset: 0, length: 16 }] });
  await fake.until("the status", () => fake.sent(ALICE.id).length > before);
  assert.equal(model.requests.length, asked);
});

test("a message is answered once, also when the gateway is killed with it in hand", async () => {
  model.answer = (request) => ({ text: `about: ${/(are you there|while you were away)/.exec(FakeModel.said(request))[0]}`, delayMs: 700 });
  const before = fake.sent(ALICE.id).length;
  fake.say({ chat: DM, from: ALICE, text: "are you there?" });
  await new Promise((resolve) => setTimeout(resolve, 150));
  await rig.kill();
  fake.say({ chat: DM, from: ALICE, text: "while you were away" });
  await rig.up();
  await fake.until("both answers", () => fake.sent(ALICE.id).length >= before + 2, 30000);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  assert.deepEqual(fake.sent(ALICE.id).slice(before).map((m) => m.text), ["about: are you there", "about: while you were away"]);
  assert.equal(fake.updates.length, 0, "all of it is confirmed");
});

test("a job may speak up on Telegram, and a wrong token is told", async () => {
  model.answer = () => "a reminder";
  const added = JSON.parse((await rig.cli("cron", "add", "--name", "r", "--every", "100d", "--message", "remind", "--channel", "telegram", "--to", `chat:${GROUP.id}`, "--json")).said);
  assert.equal(JSON.parse((await rig.cli("cron", "run", added.id)).said).ran, true);
  await fake.until("the reminder", () => fake.sent(GROUP.id).some((m) => m.text === "a reminder"));
  let status = await rig.status();
  assert.equal(status.channelAccounts.telegram[0].running, true);
  const probed = JSON.parse((await rig.cli("channels", "status", "--probe", "--json")).said);
  assert.equal(probed.channelAccounts.telegram[0].probe.bot.username, "claw_bot");
  fake.token = "999:other";
  fake.fault = undefined;
  fake.say({ chat: DM, from: BOB, text: "wakes the poll" });
  await fake.until("another poll", () => fake.calls.length > 0);
  const until = Date.now() + 15000;
  do {
    await new Promise((resolve) => setTimeout(resolve, 200));
    status = await rig.status();
  } while (status.channelAccounts.telegram[0].running && Date.now() < until);
  assert.match(status.channelAccounts.telegram[0].lastError, /does not know this token/);
  assert.ok(!JSON.stringify(status).includes("test-token"), "no secret is told");
});
