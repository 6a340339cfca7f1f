// A table of faults: in the middle of a turn something breaks. The answer comes once, nothing storms, and what `channels status` says of the
// connection is true at every moment that it was asked.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { FakeDiscord } from "../../fakes/discord/fake_discord.mjs";
import { FakeModel, Rig, endAll } from "./rig.mjs";

const GUILD = "1475145705847914700", CHANNEL = "1475145706875654301";
const BOT = { token: "bot-token-for-tests", id: "1475000000000000001", username: "claw", applicationId: "1475000000000000002" };
const KNOWN_AFTER_MS = 800; // so long a connection may be gone, or there again, until the status says so

let fake, model, rig, alice;
const rows = [];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

before(async () => {
  fake = await FakeDiscord.start({ bots: [BOT], heartbeatInterval: 1000, guilds: [{ id: GUILD, name: "Homelab", channels: [{ id: CHANNEL, name: "c" }] }] });
  alice = fake.addUser({ username: "alice", guilds: [GUILD] });
  model = await new FakeModel().listen();
  rig = await Rig.start({
    config: { agents: { defaults: { model: { primary: "fake/m" } }, list: [{ id: "main", default: true }] }, channels: { discord: { groupPolicy: "open", guilds: { "*": { requireMention: false } } } } },
    model, env: { DISCORD_API_BASE: fake.apiBase, DISCORD_BOT_TOKEN: BOT.token },
  });
  await fake.until("READY", () => fake.sessions.length > 0);
});

after(async () => {
  console.log(`# ${"fault".padEnd(34)} answers  identify  resume  limited  asked  untrue`);
  for (const r of rows) console.log(`# ${r.name.padEnd(34)} ${String(r.answers).padStart(7)} ${String(r.identifies).padStart(9)} ${String(r.resumes).padStart(7)} ${String(r.limited).padStart(8)} ${String(r.asked).padStart(6)} ${String(r.untrue).padStart(7)}`);
  await endAll(rig, model, fake);
});

/** Is there a session with a live connection, as the fake sees it? */
const truth = () => fake.sessions.some((s) => s.connection && s.connection.ws.readyState === 1);

/** Ask for the status again and again; a word that was wrong all the time around the question is untrue. */
function watch() {
  const seen = { asked: 0, untrue: [] };
  let on = true, since = Date.now(), last = truth();
  const look = setInterval(() => {
    if (truth() === last) return;
    last = truth();
    since = Date.now();
  }, 10);
  const done = (async () => {
    while (on) {
      const was = truth(), settled = was === last && Date.now() - since > KNOWN_AFTER_MS;
      const [account] = (await rig.status()).channelAccounts.discord;
      seen.asked++;
      if (settled && account.connected !== was && account.connected !== truth()) seen.untrue.push(`${account.state}, but ${was}`);
      await sleep(60);
    }
  })();
  return { seen, async stop() { on = false; await done; clearInterval(look); } };
}

const everyRouteOnce = () => {
  const met = new Set();
  fake.faults.rest = (req) => {
    const route = `${req.method} ${req.path.replace(/\d{17,}/g, "*")}`;
    if (met.has(route)) return undefined;
    met.add(route);
    return { status: 429, headers: { "Content-Type": "application/json", "Retry-After": "1", "X-RateLimit-Scope": "user" }, body: { message: "You are being rate limited.", retry_after: 0.2, global: false } };
  };
};
const first = (n, how) => {
  let left = n;
  fake.faults.rest = (req) => (req.method === "POST" && req.path.endsWith("/messages") && left-- > 0 ? how : undefined);
};

const FAULTS = {
  "dropped without a close": () => fake.dropAll(),
  "op 7": () => fake.reconnect(),
  "op 9 true": () => fake.invalidateSession(true),
  "op 9 false": () => fake.invalidateSession(false),
  "closed, 4009": () => fake.closeAll(4009),
  "closed, 4000": () => fake.closeAll(4000),
  "no ack": async () => {
    const resumes = fake.counts.resumes;
    fake.muteAcks = true;
    await fake.until("a resume", () => fake.counts.resumes > resumes, 15000);
    fake.muteAcks = false;
  },
  "connections refused three times": () => {
    fake.refuseConnections = 3;
    fake.dropAll();
  },
  "429 on every route": everyRouteOnce,
  "429 for everything (global)": () => fake.limitNext(1, { retryAfter: 0.5, global: true }),
  "5xx, five times": () => first(5, { status: 503, headers: { "Content-Type": "text/html" }, body: "<html>" }),
  "stored, cut before the answer": () => first(1, { cutAfter: true }),
  "cut before it was stored": () => first(2, { cutBefore: true }),
};

for (const [name, break_it] of Object.entries(FAULTS)) {
  test(name, async () => {
    const was = { ...fake.counts }, text = `through ${name}`;
    const answers = () => fake.messages(CHANNEL, { bot: true }).filter((m) => m.content === text).length;
    const watched = watch();
    model.answer = () => ({ text, delayMs: 300 });
    fake.say({ channel: CHANNEL, author: alice, content: `before ${name}` });
    await fake.until("the model was asked", () => model.requests.some((r) => FakeModel.said(r).endsWith(`before ${name}`)));
    await break_it();
    await fake.until("the answer", () => answers() > 0, 40000);
    await fake.until("a connection", truth, 20000);
    await sleep(KNOWN_AFTER_MS + 400);
    await watched.stop();
    fake.faults.rest = undefined;
    const row = {
      name, answers: answers(), identifies: fake.counts.identifies - was.identifies, resumes: fake.counts.resumes - was.resumes, limited: fake.counts.limited - was.limited,
      asked: watched.seen.asked, untrue: watched.seen.untrue.length,
    };
    rows.push(row);
    assert.equal(row.answers, 1, "neither lost nor doubled");
    assert.deepEqual(watched.seen.untrue, [], "the status was true");
    assert.ok(watched.seen.asked > 3 && row.identifies + row.resumes <= 3, "no storm");
  });
}

test("no rule was broken", () => assert.deepEqual(fake.violations, []));

test("closed, 4004: it stops, says so, and its answer waits", async () => {
  model.answer = () => ({ text: "kept", delayMs: 1500 });
  fake.say({ channel: CHANNEL, author: alice, content: "before 4004" });
  await fake.until("the model was asked", () => model.requests.some((r) => FakeModel.said(r).endsWith("before 4004")));
  fake.closeAll(4004);
  const account = await fake.until("the status", async () => (await rig.status()).channelAccounts.discord.find((a) => /4004/.test(a.lastError ?? "")));
  assert.equal(account.running, false);
  const sockets = fake.counts.sockets;
  await sleep(3000);
  assert.equal(fake.counts.sockets, sockets, "it does not come back by itself");
  fake.forgive();
  await rig.kill();
  await rig.up();
  await fake.until("the answer, with the next start", () => fake.messages(CHANNEL, { bot: true }).some((m) => m.content === "kept"), 20000);
  assert.equal(fake.messages(CHANNEL, { bot: true }).filter((m) => m.content === "kept").length, 1);
});
