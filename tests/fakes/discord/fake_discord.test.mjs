// The fake itself, driven by the unchanged discord.js: what a client of the real Discord does must work here.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, GatewayIntentBits, Partials } from "discord.js";
import { FakeDiscord } from "./fake_discord.mjs";

const CHANNEL = "1475145706875654359";
let fake, client, alice;

before(async () => {
  fake = await FakeDiscord.start({
    bots: [{ token: "a-token", id: "1475000000000000001", username: "claw", applicationId: "1475000000000000001" }],
    guilds: [{ id: "1475145705847914700", name: "homelab", channels: [{ id: CHANNEL, name: "general" }] }],
    heartbeatInterval: 2000,
  });
  client = new Client({
    intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent, GatewayIntentBits.GuildMessageReactions, GatewayIntentBits.DirectMessages],
    partials: [Partials.Channel],
    rest: { api: fake.apiBase.replace(/\/v10$/, ""), version: "10" },
  });
  const ready = new Promise((resolve) => client.once("clientReady", resolve));
  await client.login("a-token");
  await ready;
  alice = fake.addUser({ username: "alice", guilds: ["1475145705847914700"] });
});

after(async () => {
  await client?.destroy();
  await fake?.stop();
});

const next = (event) => new Promise((resolve) => client.once(event, resolve));

test("it knows the server, hears a message and replies", async () => {
  assert.equal(client.guilds.cache.get("1475145705847914700").channels.cache.get(CHANNEL).name, "general");
  const heard = next("messageCreate");
  fake.say({ channel: CHANNEL, author: alice, content: "hello" });
  const message = await heard;
  assert.equal(message.content, "hello");
  await message.channel.sendTyping();
  await message.react("👀");
  await message.reply({ content: "hi", files: [{ attachment: Buffer.from("a file"), name: "a.txt" }] });
  const said = fake.messages(CHANNEL, { bot: true }).at(-1);
  assert.equal(said.content, "hi");
  assert.equal(said.attachments[0].filename, "a.txt");
  assert.equal(fake.typing.length > 0, true);
});

test("it resumes after a lost connection, and hears what it missed", async () => {
  const before = fake.counts.resumes;
  const heard = next("messageCreate");
  fake.dropAll();
  fake.say({ channel: CHANNEL, author: alice, content: "while you were away" });
  assert.equal((await heard).content, "while you were away");
  assert.equal(fake.counts.resumes, before + 1);
});

test("it waits when it is told to", async () => {
  const channel = await client.channels.fetch(CHANNEL);
  fake.limitNext(1, { retryAfter: 0.3 });
  const began = Date.now();
  await channel.send("after the limit");
  assert.ok(Date.now() - began >= 290);
  assert.equal(fake.messages(CHANNEL, { bot: true }).at(-1).content, "after the limit");
});

test("it registers commands and answers one", async () => {
  await client.application.commands.set([{ name: "status", description: "How it goes" }]);
  const asked = next("interactionCreate");
  fake.interact({ name: "status", channel: CHANNEL, user: alice });
  const interaction = await asked;
  await interaction.deferReply({ flags: 64 });
  await interaction.editReply("all is well");
});

test("it broke no rule", () => {
  assert.deepEqual(fake.violations, []);
});
