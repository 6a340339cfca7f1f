// Forums, threads that are made for an answer, pictures, messages that come in pieces, and heartbeats that have something to say.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { FakeDiscord } from "../../fakes/discord/fake_discord.mjs";
import { FakeModel, endAll, startOnDiscord } from "./rig.mjs";

const GUILD = "1475145705847914700";
const C = { desk: "1475145706875654501", threaded: "1475145706875654502", board: "1475145706875654503" };
const BOT = { token: "bot-token-for-tests", id: "1475000000000000001", username: "claw", applicationId: "1475000000000000002" };
const PIXEL = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");

let fake, model, rig, alice, bob;
const answers = (channel) => fake.messages(channel, { bot: true });
const answered = (channel, text) => fake.until(`"${text}"`, () => answers(channel).find((m) => m.content === text));

before(async () => {
  fake = await FakeDiscord.start({
    bots: [BOT], heartbeatInterval: 2000,
    guilds: [{ id: GUILD, name: "homelab", channels: [{ id: C.desk, name: "desk" }, { id: C.threaded, name: "threaded" }, { id: C.board, name: "board", type: 15 }] }],
  });
  alice = fake.addUser({ username: "alice", guilds: [GUILD] });
  bob = fake.addUser({ username: "bob", guilds: [GUILD] });
  model = await new FakeModel().listen();
  const config = {
    agents: { defaults: { model: { primary: "fake/m" }, heartbeat: { every: "0m" } }, list: [{ id: "main", default: true }] },
    messages: { inbound: { byChannel: { discord: 400 } } },
    session: { dmScope: "main" },
    channels: {
      discord: {
        dmPolicy: "open", allowFrom: ["*"],
        guilds: { homelab: { requireMention: false, channels: { desk: {}, threaded: { autoThread: true }, board: {} } } },
      },
    },
  };
  rig = await startOnDiscord(fake, BOT.token, { config, model });
});

after(() => endAll(rig, model, fake));

test("what one person writes in pieces is one turn; another person, a file or a command ends the wait", async () => {
  const before = model.requests.length;
  model.answer = () => "all of it";
  for (const piece of ["the disk", "of the third node", "is full"]) fake.say({ channel: C.desk, author: alice, content: piece });
  await answered(C.desk, "all of it");
  assert.equal(model.requests.length, before + 1);
  assert.match(FakeModel.said(model.requests.at(-1)), /the disk\nof the third node\nis full/);
  model.answer = (request) => `heard ${FakeModel.said(request).trim().split("\n").at(-1)}`;
  fake.say({ channel: C.desk, author: alice, content: "one" });
  fake.say({ channel: C.desk, author: bob, content: "two" });
  await answered(C.desk, "heard one");
  await answered(C.desk, "heard two");
  fake.say({ channel: C.desk, author: alice, content: "look" });
  fake.say({ channel: C.desk, author: alice, content: "at this", attachments: [{ filename: "a.txt", data: "inside", content_type: "text/plain" }] });
  await answered(C.desk, "heard look");
  await fake.until("the file's turn", () => FakeModel.said(model.requests.at(-1)).includes("inside"));
  assert.ok(!FakeModel.said(model.requests.at(-1)).includes("look\n"), "they were not joined");
});

test("a picture goes to the model as a picture", async () => {
  model.answer = () => "a pixel";
  fake.say({ channel: C.desk, author: alice, content: "what is this?", attachments: [{ filename: "pixel.png", data: PIXEL, content_type: "image/png" }] });
  await answered(C.desk, "a pixel");
  const parts = model.requests.at(-1).messages.at(-1).content;
  const picture = parts.find((p) => p.type === "image_url");
  assert.equal(picture.image_url.url, `data:image/png;base64,${PIXEL.toString("base64")}`);
});

test("where autoThread is on the answer and its session are in a thread of their own", async () => {
  model.answer = () => "in here";
  const asked = fake.say({ channel: C.threaded, author: alice, content: `<@${BOT.id}> plan the migration` });
  await fake.until("the thread", () => fake.channels.has(asked.id));
  assert.equal(fake.channel(asked.id).data.name, "plan the migration");
  await answered(asked.id, "in here");
  assert.equal(answers(C.threaded).length, 0);
  model.answer = () => "and on";
  fake.say({ channel: asked.id, author: alice, content: "and then?" });
  await answered(asked.id, "and on");
  assert.ok(model.requests.at(-1).messages.some((m) => JSON.stringify(m.content).includes("plan the migration")), "it is the same session");
});

test("in a forum a text becomes a post, named by its first line, and its further parts go below", async () => {
  const text = `# Release notes\n\n${"A line of the notes that fills some space.\n".repeat(60)}`;
  const { code, said } = await rig.cli("message", "send", "--channel", "discord", "--target", `channel:${C.board}`, "--message", text, "--json");
  assert.equal(code, 0, said);
  const thread = await fake.until("the post", () => [...fake.channels.values()].find(({ data }) => data.parent_id === C.board));
  assert.equal(thread.data.name, "Release notes");
  const posts = await fake.until("all parts", () => (answers(thread.data.id).length > 1 ? answers(thread.data.id) : null));
  assert.match(posts[0].content, /^# Release notes/);
  for (const length of [100, 101]) {
    const line = "n".repeat(length);
    await rig.cli("message", "send", "--channel", "discord", "--target", `channel:${C.board}`, "--message", line, "--json");
    const post = [...fake.channels.values()].filter(({ data }) => data.parent_id === C.board).at(-1);
    assert.equal(post.data.name, line.slice(0, 100), "the longest name that Discord takes");
    assert.equal(answers(post.data.id)[0].content, line);
  }
});

test("a heartbeat that found something says it where its session was last used, and one that did not stays silent", async () => {
  model.answer = () => "good morning";
  const before = fake.dm(alice, "hello");
  const dm = before.channel_id;
  await answered(dm, "good morning");
  mkdirSync(join(rig.state, "workspace"), { recursive: true });
  writeFileSync(join(rig.state, "workspace", "HEARTBEAT.md"), "- look at the disk\n");
  model.answer = () => "HEARTBEAT_OK";
  await rig.cli("system", "event", "--mode", "now", "--text", "first look");
  const last = async () => JSON.parse((await rig.cli("system", "heartbeat", "last", "--json")).said);
  await fake.until("a quiet beat", async () => (await last())?.status === "ok-token", 10000);
  assert.equal(answers(dm).length, 1);
  model.answer = () => "The disk of node3 is full.";
  await rig.cli("system", "event", "--mode", "now", "--text", "second look");
  await answered(dm, "The disk of node3 is full.");
  const beat = await last();
  assert.equal(beat.status, "sent");
  assert.equal(beat.channel, "discord");
  assert.equal(beat.to, `channel:${dm}`);
  assert.equal(answers(dm).at(-1).message_reference, undefined);
});

test("an answer begins with its agent's name where responsePrefix is auto; no rule was broken", async () => {
  rig.config.channels.discord.responsePrefix = "auto";
  rig.config.agents.list[0].identity = { name: "Claw" };
  rig.write();
  model.answer = () => "that is my name";
  await fake.until("the name", async () => {
    fake.say({ channel: C.desk, author: alice, content: "who are you?" });
    await new Promise((resolve) => setTimeout(resolve, 900));
    return answers(C.desk).some((m) => m.content === "[Claw] that is my name");
  });
  assert.deepEqual(fake.violations, []);
});
