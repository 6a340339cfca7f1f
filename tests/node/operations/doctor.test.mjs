// `openclaw doctor` on installations with one fault each: it is found, its fix is named, and --fix mends what it may.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { end, freePort, start, until } from "../process.mjs";

const GUILD = "1475145705847914700", CHANNEL = "1475145706875654359", HIDDEN = "1475145706875654360";
const ROOT = process.getuid() === 0;
const SECRETS = ["sk-secret-of-the-test", "discord-token-of-the-test", "t".repeat(40)];

let outside, answers, sound;

const base = () => ({
  gateway: { auth: { mode: "token", token: SECRETS[2] } },
  models: { providers: { fake: { baseUrl: `${outside}/v1`, apiKey: SECRETS[0], api: "openai-completions", models: [{ id: "m", name: "m" }] } } },
  agents: { list: [{ id: "main", default: true }], defaults: { model: { primary: "fake/m" } } },
});

/** An installation without a fault. */
function make() {
  const dir = mkdtempSync(join(tmpdir(), "openclaw-doctor-")), state = join(dir, "state"), config = join(dir, "openclaw.json");
  mkdirSync(join(state, "workspace"), { recursive: true, mode: 0o700 });
  mkdirSync(join(state, "backups"), { mode: 0o700 });
  writeFileSync(join(state, "workspace/AGENTS.md"), "# Main\n");
  writeFileSync(join(state, "openclaw.sqlite"), sound, { mode: 0o600 });
  writeFileSync(join(state, "backups/openclaw-20260101T000000Z.tar.gz"), "");
  const i = { dir, state, config, env: {}, args: [], prefix: [], uid: undefined, c: base() };
  i.write = () => writeFileSync(config, JSON.stringify(i.c), { mode: 0o600 });
  return i;
}

function prepare(i) {
  if (!existsSync(i.config)) i.write();
}

async function doctor(i, ...args) {
  const [command, ...rest] = [...i.prefix, process.env.GW_OPENCLAW, "doctor", "--json", ...i.args, ...args];
  const env = { PATH: process.env.PATH, HOME: i.dir, OPENCLAW_STATE_DIR: i.state, OPENCLAW_CONFIG_PATH: i.config, ...i.env };
  const child = spawn(command, rest, { env, uid: i.uid, gid: i.uid, stdio: ["ignore", "pipe", "pipe"] });
  let said = "", wrong = "";
  child.stdout.on("data", (bytes) => (said += bytes));
  child.stderr.on("data", (bytes) => (wrong += bytes));
  const [code] = await once(child, "close");
  assert.equal(code, 0, wrong);
  for (const secret of SECRETS) assert.ok(!said.includes(secret) && !wrong.includes(secret), "no secret is told");
  return JSON.parse(said);
}

const bad = (report) => report.findings.filter((f) => f.severity !== "ok" && !f.fixed);

before(async () => {
  const server = createServer((req, res) => {
    const { status = 200, body = {}, date } = answers(req) ?? {};
    if (date) res.setHeader("Date", date);
    res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  server.unref();
  outside = `http://127.0.0.1:${server.address().port}`;
  answers = () => ({});
  // A store as the gateway makes it.
  const dir = mkdtempSync(join(tmpdir(), "openclaw-store-")), port = await freePort();
  writeFileSync(join(dir, "openclaw.json"), JSON.stringify({ agents: { defaults: { model: { primary: "demo/demo" } } } }));
  const gateway = start(process.env.GW_OPENCLAW, ["gateway", "--port", String(port)], { HOME: dir, OPENCLAW_STATE_DIR: dir });
  await until("the gateway", async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null))?.ok, () => gateway.said);
  await end(gateway);
  sound = readFileSync(join(dir, "openclaw.sqlite"));
  rmSync(dir, { recursive: true });
});

test("an installation without a fault has none", async () => {
  const i = make();
  prepare(i);
  utimesSync(join(i.state, "backups/openclaw-20260101T000000Z.tar.gz"), new Date(), new Date());
  const report = await doctor(i, "--probe");
  assert.deepEqual(bad(report).map((f) => `${f.id}: ${f.text}`), []);
  assert.equal(report.ok, true);
});

const at = (dir, name) => join(dir, name);
const discord = (i, more = {}) => {
  i.c.channels = { discord: { guilds: { [GUILD]: { channels: { [CHANNEL]: { allow: true }, [HIDDEN]: { allow: true } } } }, ...more } };
  i.env.DISCORD_BOT_TOKEN = SECRETS[1];
  i.env.DISCORD_API_BASE = `${outside}/api`;
};
/** What a Discord without a fault says; `other` may say something else. */
const discordSays = (other) => (req) => other(req) ?? (req.url.endsWith("/applications/@me") ? { body: { name: "claw", flags: 1 << 19 } } : { body: {} });

// [finding, what its fix has to name, how the fault is planted, true: --fix mends it]
const faults = [
  ["config.invalid", /openclaw config validate/, (i) => writeFileSync(i.config, "{ agents: { list: 7 } }", { mode: 0o600 })],
  ["config.missing", /docs\/config\.md/, (i) => { i.env.OPENCLAW_CONFIG_PATH = at(i.dir, "nowhere.json"); }],
  ["fs.config.perms", /chmod 600/, (i) => { i.write(); chmodSync(i.config, 0o644); }, true],
  ["gateway.auth_none", /gateway\.auth\.token/, (i) => { i.c.gateway = { bind: "lan", auth: { mode: "none" } }; }],
  ["gateway.token_too_short", /openssl rand/, (i) => { i.c.gateway.auth.token = "short"; }],
  ["gateway.trusted_proxies", /gateway\.trustedProxies/, (i) => { i.c.gateway.trustedProxies = ["0.0.0.0/0"]; }],
  ["gateway.allowed_origins", /allowedOrigins/, (i) => { i.c.gateway.controlUi = { allowedOrigins: ["*"] }; }],
  ["hooks.token", /hooks\.token/, (i) => { i.c.hooks = { enabled: true, token: SECRETS[2] }; }],
  ["state.missing", /start the gateway/, (i) => rmSync(i.state, { recursive: true }), true],
  ["state.permissions", /chmod 700/, (i) => chmodSync(i.state, 0o755), true],
  ["state.not_a_directory", /OPENCLAW_STATE_DIR/, (i) => { rmSync(i.state, { recursive: true }); writeFileSync(i.state, ""); }],
  ["state.not_writable", /fsGroup/, (i) => {
    i.write();
    if (ROOT) for (const path of [i.dir, i.config, i.state]) chownSync(path, 1000, 1000);
    if (ROOT) i.uid = 1000;
    chmodSync(i.state, 0o500);
  }],
  ["state.leftover", /delete it/, (i) => mkdirSync(at(i.state, ".backup-abc")), true],
  ["store.damaged", /openclaw restore/, (i) => writeSync(openSync(at(i.state, "openclaw.sqlite"), "r+"), Buffer.alloc(4096, 0xaa), 0, 4096, 8192)],
  ["store.version", /newer program/, (i) => writeSync(openSync(at(i.state, "openclaw.sqlite"), "r+"), Buffer.from([0, 0, 3, 0xe7]), 0, 4, 60)],
  ["store.permissions", /chmod 600/, (i) => chmodSync(at(i.state, "openclaw.sqlite"), 0o644), true],
  ["store.set_aside", /from a backup/, (i) => writeFileSync(at(i.state, "openclaw.sqlite.damaged-20260101T000000Z"), "")],
  ["backup.none", /openclaw backup/, (i) => rmSync(at(i.state, "backups"), { recursive: true })],
  ["backup.old", /openclaw backup/, (i) => utimesSync(at(i.state, "backups/openclaw-20260101T000000Z.tar.gz"), 1, 1)],
  ["provider.no_key", /OPENROUTER_API_KEY/, (i) => { i.c.agents.defaults.model.fallbacks = ["openrouter/a/b"]; }],
  ["agent.no_model", /key/, (i) => { i.c.agents.defaults.model = { primary: "openrouter/a/b" }; }],
  ["agent.workspace", /make the folder/, (i) => { i.c.agents.list[0].workspace = at(i.dir, "deep/er"); }, true],
  ["agent.no_agents_md", /AGENTS\.md/, (i) => rmSync(at(i.state, "workspace/AGENTS.md"))],
  ["skill.missing", /skills\.load\.extraDirs/, (i) => { i.c.agents.list[0].skills = ["juggling"]; }],
  ["skill.not_eligible", /provide what it needs/, (i) => {
    i.c.agents.list[0].skills = ["juggling"];
    mkdirSync(at(i.state, "workspace/skills/juggling"), { recursive: true });
    writeFileSync(at(i.state, "workspace/skills/juggling/SKILL.md"), '---\nname: juggling\ndescription: Juggles. Use it for balls.\nmetadata: {"openclaw":{"requires":{"bins":["no-such-program"]}}}\n---\n# Juggling\n');
  }],
  ["skill.broken", /mend the file/, (i) => {
    mkdirSync(at(i.state, "workspace/skills/broken"), { recursive: true });
    writeFileSync(at(i.state, "workspace/skills/broken/SKILL.md"), "---\nname: [unclosed\n---\n");
  }],
  ["skills.folder", /extraDirs/, (i) => { i.c.skills = { load: { extraDirs: [at(i.dir, "not-mounted")] } }; }],
  ["binding.channel", /guilds/, (i) => { discord(i); i.c.bindings = [{ agentId: "main", match: { channel: "discord", guildId: GUILD, peer: { kind: "channel", id: "1475145706875654399" } } }]; }],
  ["cron.webhook", /set the variable/, (i) => { i.c.cron = { jobs: [{ id: "j", name: "j", schedule: { kind: "every", everyMs: 3600000 }, payload: { kind: "agentTurn", message: "hi" }, delivery: { mode: "announce", channel: "webhook", to: "deutsch" } }] }; }],
  ["discord.no_token", /DISCORD_BOT_TOKEN/, (i) => { discord(i); delete i.env.DISCORD_BOT_TOKEN; }],
  ["discord.no_guild", /channels\.discord\.guilds/, (i) => { discord(i); i.c.channels.discord.guilds = {}; }],
  ["telegram.no_token", /TELEGRAM_BOT_TOKEN/, (i) => { i.c.channels = { telegram: { dmPolicy: "pairing" } }; }],
  ["webhook.address", /copy the address/, (i) => { i.env.DISCORD_WEBHOOK_DEUTSCH = "deutsch"; }],
  ["machine.descriptors", /LimitNOFILE/, (i) => { i.prefix = ["sh", "-c", 'ulimit -n 1024; exec "$@"', "sh"]; }],
  ["provider.unreachable", /DNS/, (i) => { i.c.models.providers.fake.baseUrl = "http://127.0.0.1:9/v1"; i.args = ["--probe"]; }],
  ["provider.key_refused", /new key/, (i) => { i.args = ["--probe"]; answers = () => ({ status: 401 }); }],
  ["provider.address", /baseUrl/, (i) => { i.args = ["--probe"]; answers = () => ({ status: 404 }); }],
  ["provider.down", /fallbacks/, (i) => { i.args = ["--probe"]; answers = () => ({ status: 503 }); }],
  ["machine.clock_skew", /set-ntp/, (i) => { i.args = ["--probe"]; answers = () => ({ date: new Date(Date.now() + 600000).toUTCString() }); }],
  ["discord.token_refused", /Reset Token/, (i) => { discord(i); i.args = ["--probe"]; answers = discordSays((req) => (req.url.endsWith("/users/@me") ? { status: 401 } : null)); }],
  ["discord.intents", /Message Content Intent/, (i) => { discord(i); i.args = ["--probe"]; answers = discordSays((req) => (req.url.endsWith("/applications/@me") ? { body: { flags: 0 } } : null)); }],
  ["discord.not_in_guild", /invite the bot/, (i) => { discord(i); i.args = ["--probe"]; answers = discordSays((req) => (req.url.includes("/guilds/") ? { status: 404 } : null)); }],
  ["discord.no_access", /View Channel/, (i) => { discord(i); i.args = ["--probe"]; answers = discordSays((req) => (req.url.endsWith(HIDDEN) ? { status: 403 } : null)); }],
];

test("each planted fault is found, with its fix; --fix mends what needs no decision", async (t) => {
  const table = [];
  for (const [id, fix, plant, mends] of faults) {
    answers = () => ({});
    const i = make();
    plant(i);
    prepare(i);
    const report = await doctor(i), found = report.findings.find((f) => f.id === id);
    assert.ok(found, `${id} is not found: ${JSON.stringify(bad(report))}`);
    assert.match(found.fix ?? "", fix, id);
    assert.notEqual(found.severity, "ok", id);
    assert.ok(!found.fixed, "without --fix nothing changes");
    const mended = await doctor(i, "--fix"), then = mended.findings.find((f) => f.id === id);
    assert.equal(then?.fixed ?? false, mends ?? false, `${id}: ${JSON.stringify(then)}`);
    if (mends) assert.ok(!bad(await doctor(i)).some((f) => f.id === id), `${id} is still there`);
    table.push(`${found.severity.padEnd(8)} ${mends ? "mended" : "told  "}  ${id}`);
    if (i.uid) chmodSync(i.state, 0o700);
    rmSync(i.dir, { recursive: true, force: true });
  }
  console.log(table.join("\n"));
  assert.ok(table.length >= 20);
});

test("for people it is boxes, and it ends well", () => {
  const i = make();
  prepare(i);
  chmodSync(i.state, 0o755);
  const { stdout, status } = spawnSync(process.env.GW_OPENCLAW, ["doctor", "--non-interactive"], { encoding: "utf8", env: { PATH: process.env.PATH, HOME: i.dir, OPENCLAW_STATE_DIR: i.state, OPENCLAW_CONFIG_PATH: i.config, OPENCLAW_GATEWAY_PORT: "9" } });
  assert.equal(status, 0);
  assert.match(stdout, /◇ {2}State integrity/);
  assert.match(stdout, /chmod 700 the directory/);
  assert.match(stdout, /Doctor complete\.\n$/);
  assert.equal(statSync(i.state).mode & 0o777, 0o755, "it changed nothing");
  rmSync(i.dir, { recursive: true });
});
