// Servers with rules: mentions, history, people and roles, threads, files, reactions, slash commands; and codes that end a connection.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { FakeDiscord, INTENT } from "../../fakes/discord/fake_discord.mjs";
import { FakeModel, Rig, endAll, startOnDiscord } from "./rig.mjs";

const GUILD = "1475145705847914700", ROLE = "1475145705847914799";
const C = { mention: "1475145706875654301", free: "1475145706875654302", picked: "1475145706875654303", threads: "1475145706875654304" };
const BOT = { token: "bot-token-for-tests", id: "1475000000000000001", username: "claw", applicationId: "1475000000000000002" };
const ERIN = "1475000000000000777";
const agents = { defaults: { model: { primary: "fake/m" } }, list: [{ id: "main", default: true, identity: { name: "Claw" } }] };
const config = {
  agents,
  session: { dmScope: "per-channel-peer" },
  channels: {
    discord: {
      replyToMode: "first", dmHistoryLimit: 2, dms: { [ERIN]: { historyLimit: 1 } },
      guilds: {
        homelab: {
          channels: {
            mention: {}, free: { requireMention: false }, picked: { requireMention: false, users: ["alice"], roles: [ROLE] },
            threads: { requireMention: false, systemPrompt: "THREADS HERE" },
          },
        },
      },
    },
  },
};

let fake, model, rig, alice, bob;
const answers = (channel) => fake.messages(channel, { bot: true });
const answered = (channel, text) => fake.until(`"${text}"`, () => answers(channel).find((m) => m.content === text));

before(async () => {
  fake = await FakeDiscord.start({
    bots: [BOT], heartbeatInterval: 1000,
    guilds: [{ id: GUILD, name: "Homelab", roles: [{ id: ROLE, name: "ops" }], channels: Object.entries(C).map(([name, id]) => ({ id, name })) }],
    zlib: "split-suffix",
  });
  alice = fake.addUser({ username: "alice", guilds: [GUILD] });
  bob = fake.addUser({ username: "bob", guilds: [GUILD] });
  model = await new FakeModel().listen();
  rig = await startOnDiscord(fake, BOT.token, { config, model });
});

after(() => endAll(rig, model, fake));

test("without a mention it is silent, and shows what was said with the next answer", async () => {
  model.answer = () => "I was called";
  fake.say({ channel: C.mention, author: alice, content: "the disk is full" });
  fake.say({ channel: C.mention, author: bob, content: "@everyone really?" });
  fake.say({ channel: C.mention, author: alice, content: `<@${BOT.id}> what now?`, mentions: [fake.user(BOT.id)] });
  await answered(C.mention, "I was called");
  assert.equal(answers(C.mention).length, 1);
  const said = FakeModel.said(model.requests.at(-1));
  assert.match(said, /Chat history since last reply \(untrusted, for context\):/);
  assert.match(said, /the disk is full/);
  assert.match(said, /"was_mentioned": true/);
  assert.equal(answers(C.mention)[0].message_reference.message_id, fake.messages(C.mention).find((m) => m.content.includes("what now")).id);
  await fake.until("the eyes", () => fake.requests.some((r) => r.method === "PUT" && r.path.includes("/reactions/%F0%9F%91%80/@me") && r.status === 204));
  model.answer = () => "by name";
  fake.say({ channel: C.mention, author: alice, content: "hey claw, again" });
  await answered(C.mention, "by name");
  assert.ok(!FakeModel.said(model.requests.at(-1)).includes("Chat history"), "it is shown once");
});

test("of a direct chat so many turns are shown as dmHistoryLimit and dms say; /compact works there", async () => {
  const people = [{ author: fake.addUser({ username: "dave", guilds: [GUILD] }), limit: 2 }, { author: fake.addUser({ id: ERIN, username: "erin", guilds: [GUILD] }), limit: 1 }];
  for (const { author, limit } of people) {
    const { channel_id: dm } = fake.dm(author, "may I?");
    await fake.until("the code", () => answers(dm).length > 0);
    await rig.cli("pairing", "approve", "discord", /Pairing code: ([A-Z0-9]{8})/.exec(answers(dm)[0].content)[1]);
    for (const word of ["first", "second", "third", "fourth"]) {
      model.answer = () => `after ${word}`;
      fake.dm(author, `${word} word`);
      await answered(dm, `after ${word}`);
    }
    const users = model.requests.at(-1).messages.filter((m) => m.role === "user").map((m) => JSON.stringify(m.content));
    assert.equal(users.length, limit);
    assert.match(users.at(-1), /fourth word/);
    model.answer = () => "Words were counted.";
    fake.dm(author, "/compact the words");
    await fake.until("the compaction", () => answers(dm).find((m) => /^⚙️ Compacted \(\d+k? before\) • Context /.test(m.content)));
    const asked = JSON.stringify(model.requests.at(-1));
    assert.match(asked, /Additional focus: the words/);
    assert.match(asked, /first word/, "all of it is summed up, not only what was shown");
  }
});

test("only listed people and roles are answered where some are listed", async () => {
  const carol = fake.addUser({ username: "carol", guilds: [GUILD], roles: [ROLE] });
  model.answer = () => "for you";
  const before = model.requests.length;
  fake.say({ channel: C.picked, author: bob, content: "me?" });
  fake.say({ channel: C.picked, author: carol, content: "I have the role" });
  await fake.until("an answer", () => answers(C.picked).length === 1);
  fake.say({ channel: C.picked, author: alice, content: "I am listed" });
  await fake.until("another", () => answers(C.picked).length === 2);
  assert.equal(model.requests.length, before + 2);
});

test("a thread is as its channel, and has a session of its own", async () => {
  model.answer = () => "in the thread";
  const thread = fake.createThread({ channel: C.threads, name: "a topic", owner: alice });
  fake.say({ channel: thread.id, author: alice, content: "here" });
  await answered(thread.id, "in the thread");
  assert.match(FakeModel.system(model.requests.at(-1)), /THREADS HERE/);
  assert.match(FakeModel.said(model.requests.at(-1)), /thread_label/);
});

test("text files are shown to the model", async () => {
  model.answer = () => "read it";
  const file = fake.attach(C.free, { filename: "notes.txt", data: "line of the file", content_type: "text/plain" });
  fake.say({ channel: C.free, author: alice, content: "see the file", attachments: [file] });
  await answered(C.free, "read it");
  assert.match(FakeModel.said(model.requests.at(-1)), /line of the file/);
});

test("a reaction is told with the next turn, and starts none", async () => {
  const before = model.requests.length;
  const own = answers(C.free).at(-1);
  fake.react({ message: own.id, user: alice, emoji: "🔥" });
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(model.requests.length, before);
  model.answer = () => "thanks";
  fake.say({ channel: C.free, author: alice, content: "and?" });
  await answered(C.free, "thanks");
  assert.match(FakeModel.said(model.requests.at(-1)), /System: \[[^\]]+ UTC\] Discord reaction added: 🔥 by alice on homelab #free msg \d+/);
});

test("slash commands are registered, acknowledged at once, and answered to those who may", async () => {
  await fake.until("the commands", () => fake.requests.some((r) => r.method === "PUT" && r.path.endsWith("/commands") && r.status === 200));
  const refused = fake.interact({ name: "status", channel: C.free, user: bob });
  const answer = (interaction) => fake.until("the answer", () => fake.requests.find((r) => r.method === "PATCH" && r.path.includes(interaction.token)));
  assert.equal((await answer(refused)).body.content, "You are not authorized to use this command.");
  const allowed = fake.interact({ name: "status", channel: C.picked, user: alice });
  assert.match((await answer(allowed)).body.content, /OpenClaw/);
});

test("edits and deletions change nothing; broken events neither", async () => {
  const before = model.requests.length;
  fake.editMessage(fake.messages(C.free)[0].id, { content: "changed" });
  fake.deleteMessage(fake.messages(C.free).at(-1).id);
  fake.dispatch("MESSAGE_CREATE", {});
  fake.dispatch("MESSAGE_CREATE", { id: null, author: null, channel_id: C.free });
  fake.dispatch("SOMETHING_NEW", { a: 1 });
  model.answer = () => "still here";
  fake.say({ channel: C.free, author: alice, content: "alive?" });
  await answered(C.free, "still here");
  assert.equal(model.requests.length, before + 1);
});

test("no ack, op 9 false and 4009 lead to a new connection", async () => {
  const connected = () => fake.until("connected", async () => (await rig.status()).channelAccounts.discord[0].connected, 20000);
  const resumes = fake.counts.resumes;
  fake.muteAcks = true;
  await fake.until("a resume", () => fake.counts.resumes > resumes, 15000);
  fake.muteAcks = false;
  await connected();
  for (const [name, break_it] of [["op 9 false", () => fake.invalidateSession(false)], ["4009", () => fake.closeAll(4009)]]) {
    const identifies = fake.counts.identifies;
    break_it();
    await fake.until(`a new session after ${name}`, () => fake.counts.identifies > identifies, 20000);
    await connected();
  }
  model.answer = () => "back again";
  fake.say({ channel: C.free, author: alice, content: "there?" });
  await answered(C.free, "back again");
});

test("no rule was broken", () => assert.deepEqual(fake.violations, []));

test("intents that are not enabled stop the account with a remedy", async () => {
  const other = await FakeDiscord.start({ bots: [{ ...BOT, intents: INTENT.GUILDS | INTENT.GUILD_MESSAGES }], guilds: [] });
  const lone = await Rig.start({ config, model, env: { DISCORD_API_BASE: other.apiBase, DISCORD_BOT_TOKEN: BOT.token } });
  const account = await other.until("the end", async () => (await lone.status()).channelAccounts.discord.find((a) => /4014/.test(a.lastError ?? "")), 15000);
  assert.equal(account.running, false);
  assert.match(account.lastError, /developer portal/);
  const sockets = other.counts.sockets;
  await new Promise((resolve) => setTimeout(resolve, 2500));
  assert.equal(other.counts.sockets, sockets, "it does not try again");
  await lone.stop();
  await other.stop();
});

test("one account with a bad token leaves the other up; a better token connects it without a restart", async () => {
  const second = { token: "second-token", id: "1475000000000000011", username: "second", applicationId: "1475000000000000012" };
  const other = await FakeDiscord.start({ bots: [BOT, second], guilds: [{ id: GUILD, name: "Homelab", channels: [{ id: C.free, name: "free" }] }] });
  const accounts = { good: { token: BOT.token }, bad: { token: "no-token-at-all" } };
  const both = await Rig.start({ config: { agents, channels: { discord: { accounts } } }, model, env: { DISCORD_API_BASE: other.apiBase } });
  const of = async (id) => (await both.status()).channelAccounts.discord.find((a) => a.accountId === id);
  await other.until("the good one", async () => (await of("good")).connected);
  const bad = await other.until("the bad one's end", async () => (/token/.test((await of("bad")).lastError ?? "") ? of("bad") : null));
  assert.equal(bad.running, false);
  assert.equal((await of("good")).connected, true);
  accounts.bad.token = second.token;
  accounts.third = { token: "nor-this-one" };
  both.write();
  await other.until("it connects", async () => (await of("bad")).connected, 20000);
  assert.equal((await of("third")).running, false, "a new account is there, too");
  assert.deepEqual(other.violations, []);
  await both.stop();
  await other.stop();
});
