// A thousand messages over fifty channels at once: order in each kept, Discord's limits never broken, memory flat.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FakeDiscord } from "../../fakes/discord/fake_discord.mjs";
import { FakeModel, Rig } from "./rig.mjs";

const CHANNELS = 50, MESSAGES = 20;
const GUILD = "1475145705847914700";
const idOf = (i) => String(1475145700000000000n + BigInt(i));

const residentMib = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;

test("a thousand messages over fifty channels", async () => {
  const fake = await FakeDiscord.start({
    bots: [{ token: "a-token", id: "1475000000000000001", username: "claw", applicationId: "1475000000000000002" }],
    guilds: [{ id: GUILD, name: "homelab", channels: Array.from({ length: CHANNELS }, (_, i) => ({ id: idOf(i), name: `c${i}` })) }],
  });
  const alice = fake.addUser({ username: "alice", guilds: [GUILD] });
  const model = await new FakeModel().listen();
  model.answer = (request) => `re ${/number (\d+)/.exec(FakeModel.said(request).split("```").at(-1))[1]}`;
  const rig = await Rig.start({
    config: {
      agents: { defaults: { model: { primary: "fake/m" } }, list: [{ id: "main", default: true }] },
      messages: { queue: { mode: "followup", cap: 100 } },
      channels: { discord: { groupPolicy: "open", guilds: { [GUILD]: { requireMention: false } } } },
    },
    model, env: { DISCORD_API_BASE: fake.apiBase, DISCORD_BOT_TOKEN: "a-token" },
  });
  try {
    await fake.until("READY", () => fake.sessions.length > 0);
    const before = residentMib(rig.gateway.pid), began = Date.now();
    for (let n = 0; n < MESSAGES; n++) for (let c = 0; c < CHANNELS; c++) fake.say({ channel: idOf(c), author: alice, content: `number ${n}` });
    const count = () => Array.from({ length: CHANNELS }, (_, c) => fake.messages(idOf(c), { bot: true }).length).reduce((a, b) => a + b, 0);
    await fake.until("every answer", () => count() >= CHANNELS * MESSAGES, 100000);
    const took = (Date.now() - began) / 1000, afterwards = residentMib(rig.gateway.pid);
    for (let c = 0; c < CHANNELS; c++) {
      assert.deepEqual(fake.messages(idOf(c), { bot: true }).map((m) => m.content), Array.from({ length: MESSAGES }, (_, n) => `re ${n}`));
    }
    assert.deepEqual(fake.violations, []);
    console.log(`# discord_burst_seconds ${took.toFixed(1)}, discord_burst_limited ${fake.counts.limited}, resident ${before.toFixed(1)} -> ${afterwards.toFixed(1)} MiB`);
  } finally {
    await rig.stop();
    model.close();
    await fake.stop();
  }
});
