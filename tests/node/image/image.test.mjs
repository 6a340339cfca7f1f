// The slim image as the pod runs it, without an engine: uid 1000, root file system and configuration read-only, /data writable, 64 MiB.
// scripts/prove-image.sh has made the root file system (GW_ROOT).
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync, createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmdirSync, rmSync, symlinkSync, writeFileSync, chownSync, chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { FakeModel } from "../discord/rig.mjs";
import { freePort, until } from "../process.mjs";
import { connect as dial } from "../ws_client.mjs";

const ROOT = process.env.GW_ROOT, TOKEN = "token-of-the-pod-in-the-image-test", MIB = 1024 * 1024;

let dir, model, gateway, port, config, group, serial = 0;

/** Run a command as the pod would: kubectl exec. The mounts end with it. */
function inside(...command) {
  const mounts = `mount --bind "$0" "$0"; mount --bind "$1/data" "$0/data"; mount --bind "$1/config" "$0/config"; mount -t tmpfs -o mode=1777 tmp "$0/tmp"; mount -t proc proc "$0/proc"; mount --rbind /dev "$0/dev"; mount -o remount,ro,bind "$0/config"; mount -o remount,ro,bind "$0"; root=$0; shift; exec chroot --userspec=1000:1000 "$root" "$@"`;
  const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/data/home", OPENCLAW_STATE_DIR: "/data", OPENCLAW_CONFIG_PATH: "/config/openclaw.json", OPENCLAW_GATEWAY_TOKEN: TOKEN, OPENCLAW_GATEWAY_PORT: String(port), TERM: "dumb" };
  return { command: "unshare", args: ["--mount", "sh", "-euc", mounts, ROOT, dir, ...command], env };
}

function exec(...words) {
  const { command, args, env } = inside(...words);
  return spawnSync(command, args, { encoding: "utf8", env });
}

const openclaw = (...words) => {
  const { status, stdout, stderr } = exec("openclaw", ...words);
  assert.equal(status, 0, stdout + stderr);
  return stdout;
};

/** As the kubelet does it: a new folder, then one rename. */
function writeConfig() {
  const folder = join(dir, "config"), name = `..${++serial}`;
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, "openclaw.json"), JSON.stringify(config));
  symlinkSync(name, join(folder, "..new"));
  renameSync(join(folder, "..new"), join(folder, "..data"));
  if (serial === 1) symlinkSync("..data/openclaw.json", join(folder, "openclaw.json"));
}

/** A memory cgroup of 64 MiB, where such can be made. */
function makeGroup() {
  for (const [folder, limit, peak] of [["/sys/fs/cgroup/memory/openclaw-test", "memory.limit_in_bytes", "memory.max_usage_in_bytes"], ["/sys/fs/cgroup/openclaw-test", "memory.max", "memory.peak"]]) {
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, limit), String(64 * MIB));
      return { folder, peak: () => Number(readFileSync(join(folder, peak), "utf8")) };
    } catch {
      try { rmdirSync(folder); } catch { /* was not made */ }
    }
  }
  return null;
}

async function up() {
  const { command, args, env } = inside("openclaw", "gateway", "--allow-unconfigured", "--bind", "lan");
  gateway = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  gateway.said = "";
  for (const stream of [gateway.stdout, gateway.stderr]) stream.on("data", (bytes) => (gateway.said += bytes));
  if (group) writeFileSync(join(group.folder, "cgroup.procs"), String(gateway.pid));
  await until("the gateway", async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null))?.ok, () => gateway.said);
}

async function down() {
  const begun = Date.now(), ended = new Promise((resolve) => gateway.once("exit", resolve));
  gateway.kill("SIGTERM");
  assert.equal(await ended, 0, gateway.said);
  return Date.now() - begun;
}

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32), deviceId = createHash("sha256").update(raw).digest("hex");

const device = { id: deviceId, publicKey: raw.toString("base64url"), privateKey };
const connect = () => dial({ port, token: TOKEN, device });

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "openclaw-pod-"));
  for (const name of ["data", "config"]) mkdirSync(join(dir, name));
  mkdirSync(join(dir, "data/home"));
  for (const name of ["data", "data/home"]) chownSync(join(dir, name), 1000, 1000);
  chmodSync(dir, 0o755);
  chmodSync(join(dir, "data"), 0o700);
  model = await new FakeModel().listen();
  port = await freePort();
  config = {
    gateway: { trustedProxies: ["127.0.0.1"] },
    agents: { list: [{ id: "main", default: true }], defaults: { model: { primary: "fake/m" }, subagents: { maxConcurrent: 4, maxChildrenPerAgent: 3, maxSpawnDepth: 2 } } },
    models: { providers: { fake: { baseUrl: model.url, apiKey: "k", api: "openai-completions", models: [{ id: "m", name: "m" }] } } },
  };
  writeConfig();
  group = makeGroup();
  await up();
});

after(async () => {
  if (gateway?.exitCode === null && gateway.signalCode === null) await down().catch(() => gateway.kill("SIGKILL"));
  model?.close();
  if (group) try { rmdirSync(group.folder); } catch { /* the kernel is still at it */ }
  rmSync(dir, { recursive: true, force: true });
});

test("it runs as user 1000; nothing but /data and /tmp can be written", () => {
  assert.match(exec("id").stdout, /uid=1000.*gid=1000/);
  assert.equal(exec("sh", "-c", "touch /x 2>/dev/null || touch /usr/x 2>/dev/null || touch /config/x 2>/dev/null || echo no").stdout, "no\n");
  assert.equal(exec("sh", "-c", "touch /data/x && rm /data/x && touch /tmp/x && echo yes").stdout, "yes\n");
  const status = readFileSync(`/proc/${gateway.pid}/status`, "utf8");
  assert.match(status, /^Uid:\t1000\t1000\t1000\t1000$/m);
  assert.match(status, /^CapEff:\t0+$/m);
});

test("a browser from elsewhere is let in by a command in the pod, without flags", async () => {
  const first = await connect();
  assert.equal(first.hello.ok, false);
  const { code, reason } = await first.closed;
  assert.equal(code, 1008);
  assert.match(reason, /pairing required/);
  const list = JSON.parse(openclaw("devices", "list", "--json"));
  const { requestId } = list.pending.find((d) => d.deviceId === deviceId);
  openclaw("devices", "approve", requestId);
  const second = await connect();
  assert.equal(second.hello.ok, true, JSON.stringify(second.hello.error));
  second.ws.close();
});

test("it answers, over WebSocket and HTTP", async () => {
  model.answer = () => "good day";
  const client = await connect();
  assert.match(JSON.stringify((await client.say("main", "my name is Ada")).payload), /good day/);
  client.ws.close();
  const answer = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, { method: "POST", headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" }, body: JSON.stringify({ model: "openclaw", messages: [{ role: "user", content: "hello" }] }) });
  assert.equal((await answer.json()).choices[0].message.content, "good day");
});

test("a changed ConfigMap comes into force by itself; a broken one changes nothing", async () => {
  const ids = async () => (await (await fetch(`http://127.0.0.1:${port}/v1/models`, { headers: { authorization: `Bearer ${TOKEN}` } })).json()).data.map((m) => m.id);
  config.agents.list.push({ id: "helper" });
  writeConfig();
  await until("the new agent", async () => (await ids()).some((id) => id.includes("helper")), () => gateway.said);
  const good = config;
  config = { agents: { list: 7 } };
  writeConfig();
  await until("the complaint", async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 503 || /config/.test(gateway.said), () => gateway.said);
  assert.ok((await ids()).some((id) => id.includes("helper")), "the last good one stays");
  config = good;
  writeConfig();
  await until("it is ready", async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok, () => gateway.said);
});

test("four sub-agents run inside 64 MiB", async () => {
  let running = 0, most = 0;
  model.answer = async (request) => {
    const text = JSON.stringify(request.messages.at(-1).content);
    if (text.includes("WORK AT IT")) {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1500));
      running--;
      return "worked";
    }
    const spawned = request.messages.filter((m) => m.role === "tool").length, wanted = Number(/SPAWN (\d)/.exec(JSON.stringify(request.messages))?.[1] ?? 0);
    return spawned < wanted && !text.includes("worked") ? { call: { name: "sessions_spawn", args: { task: "WORK AT IT" } } } : "all are at it";
  };
  const client = await connect();
  await Promise.all([client.say("agent:main:a", "SPAWN 2"), client.say("agent:main:b", "SPAWN 2")]);
  await until("four at once", () => most === 4, () => `${most} ran; ${gateway.said}`);
  await until("their end", () => running === 0);
  client.ws.close();
  const peak = group ? group.peak() : Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${gateway.pid}/status`, "utf8"))[1]) * 1024;
  console.log(`peak with four sub-agents: ${(peak / MIB).toFixed(1)} MiB (${group ? "of a memory cgroup of 64 MiB" : "resident; no cgroup could be made"})`);
  assert.ok(peak <= 64 * MIB);
});

test("doctor finds nothing critical", () => {
  const report = JSON.parse(openclaw("doctor", "--json"));
  assert.deepEqual(report.findings.filter((f) => f.severity === "critical"), []);
});

test("a backup is taken beside it, and a restart loses nothing", async () => {
  const { path } = JSON.parse(openclaw("backup", "--json"));
  assert.match(path, /^\/data\/backups\/openclaw-.*\.tar\.gz$/);
  assert.ok(existsSync(join(dir, path)));
  const took = await down();
  assert.ok(took < 5000, `it took ${took} ms to stop`);
  await up();
  const client = await connect();
  assert.equal(client.hello.ok, true, "the device is still paired");
  model.answer = () => "you are Ada";
  await client.say("main", "who am I?");
  assert.match(JSON.stringify(model.requests.at(-1).messages), /my name is Ada/);
  client.ws.close();
  await down();
  assert.match(openclaw("restore", path, "--force"), /is restored from/);
  await up();
  assert.ok(readdirSync(join(dir, "data")).some((name) => name.startsWith("before-restore-")));
});
