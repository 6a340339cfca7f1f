// A command that waits for a person is asked for on Discord: with buttons, and decided by those who may.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { FakeDiscord } from "../../fakes/discord/fake_discord.mjs";
import { FakeModel, endAll, startOnDiscord } from "./rig.mjs";

const GUILD = "1475145705847914700", OPS = "1475145706875654401";
const BOT = { token: "bot-token-for-tests", id: "1475000000000000001", username: "claw", applicationId: "1475000000000000002" };

let fake, model, rig, alice, bob, serial = 0;

const all = (channel) => fake.messages(channel, { bot: true });
const questions = (channel) => all(channel).filter((m) => m.components?.length);
const buttons = (message) => message.components[0].components;
const patched = (token) => fake.requests.find((r) => r.method === "PATCH" && r.path.includes(token) && r.status === 200);

/** Alice asks for a command that leaves a file. @returns what it would leave */
function ask(text = "do it") {
  const name = `done-${++serial}`, file = join(rig.state, "workspace", name);
  model.answer = (request) => (request.messages.at(-1).role === "tool" ? `result ${serial}: ${request.messages.at(-1).content}` : { call: { name: "exec", args: { command: `touch ${name}` } } });
  fake.say({ channel: OPS, author: alice, content: text });
  return file;
}

const answered = (what) => fake.until(`an answer with ${what}`, () => all(OPS).find((m) => m.content.startsWith(`result ${serial}:`)));

before(async () => {
  fake = await FakeDiscord.start({ bots: [BOT], heartbeatInterval: 2000, guilds: [{ id: GUILD, name: "homelab", channels: [{ id: OPS, name: "ops" }] }] });
  alice = fake.addUser({ username: "alice", guilds: [GUILD] });
  bob = fake.addUser({ username: "bob", guilds: [GUILD] });
  model = await new FakeModel().listen();
  const config = {
    agents: { defaults: { model: { primary: "fake/m" } }, list: [{ id: "main", default: true }] },
    tools: { exec: { ask: "always", approvalTimeoutMs: 6000 } },
    channels: {
      discord: {
        guilds: { homelab: { channels: { ops: { requireMention: false, users: [alice.id] } } } },
        execApprovals: { enabled: true, approvers: [alice.id], target: "both" },
      },
    },
  };
  rig = await startOnDiscord(fake, BOT.token, { config, model });
});

after(() => endAll(rig, model, fake));

test("it is asked in the channel and of each approver, and one press decides both", async () => {
  const file = ask();
  const asked = await fake.until("the question", () => questions(OPS)[0]);
  assert.match(asked.content, /```sh\ntouch /);
  assert.deepEqual(buttons(asked).map((b) => [b.label, b.style]), [["Allow once", 3], ["Always allow", 1], ["Deny", 4]]);
  const dm = fake.dmChannel(alice, fake.bot()).data.id;
  const own = await fake.until("the direct one", () => questions(dm)[0]);
  assert.deepEqual(buttons(own).map((b) => b.custom_id), buttons(asked).map((b) => b.custom_id));
  assert.ok(!existsSync(file), "it waits");
  const stranger = fake.interact({ type: 3, channel: OPS, user: bob, message: asked, customId: buttons(asked)[0].custom_id });
  await fake.until("the refusal", () => stranger.callback);
  assert.equal(stranger.callback.type, 4);
  assert.equal(stranger.callback.data.flags, 64);
  assert.ok(!existsSync(file), "who is not listed decides nothing");
  const press = fake.interact({ type: 3, channel: OPS, user: alice, message: asked, customId: buttons(asked)[0].custom_id });
  await answered("the result");
  assert.ok(existsSync(file));
  assert.equal(press.callback.type, 6);
  for (const [channel, { id }] of [[OPS, asked], [dm, own]]) {
    const told = await fake.until("what was decided", () => all(channel).find((m) => m.id === id && !m.components?.length));
    assert.match(told.content, /^✅ Allowed once by discord:alice: `touch /);
  }
});

test("a denied command does not run, and an old button says that it is over", async () => {
  const file = ask();
  const asked = await fake.until("the question", () => questions(OPS)[0]);
  const [once, , deny] = buttons(asked).map((b) => b.custom_id);
  fake.interact({ type: 3, channel: OPS, user: alice, message: asked, customId: deny });
  assert.match((await answered("the refusal")).content, /exec denied: discord:alice refused this command/);
  assert.ok(!existsSync(file));
  await fake.until("the end", () => !questions(OPS).length);
  const late = fake.interact({ type: 3, channel: OPS, user: alice, message: asked, customId: once });
  const said = await fake.until("a word about it", () => patched(late.token));
  assert.match(said.body.content, /decided already/);
  assert.deepEqual(said.body.components, []);
});

test("/approve decides as a button does, from those who may give commands", async () => {
  const file = ask();
  const asked = await fake.until("the question", () => questions(OPS)[0]);
  const id = /\/approve (\S+) allow-once/.exec(asked.content)[1];
  fake.say({ channel: OPS, author: alice, content: "/approve nonsense allow-once" });
  await fake.until("no such one", () => all(OPS).find((m) => m.content.includes("unknown approval id")));
  assert.ok(!existsSync(file));
  fake.say({ channel: OPS, author: alice, content: `/approve ${id} allow-once` });
  await answered("the result");
  assert.ok(existsSync(file));
  assert.ok(all(OPS).some((m) => m.content === `✅ Exec approval allow-once submitted for ${id}.`));
});

test("when nobody decides in time the command does not run, and the question says so", async () => {
  await fake.until("a quiet channel", () => !questions(OPS).length);
  const file = ask();
  const asked = await fake.until("the question", () => questions(OPS)[0]);
  const told = await fake.until("its end", () => all(OPS).find((m) => m.id === asked.id && !m.components?.length), 15000);
  assert.match(told.content, /^(⌛ Nobody decided in time|⛔ Denied by the turn was stopped)/);
  assert.match((await answered("the refusal")).content, /nobody answered within 6 s/);
  assert.ok(!existsSync(file));
  assert.deepEqual(fake.violations, []);
});
