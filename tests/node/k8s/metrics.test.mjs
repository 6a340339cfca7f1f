// GET /metrics: the format, what is counted, and that alerts and dashboard ask for nothing that is not there.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { FakeModel } from "../discord/rig.mjs";
import { end, freePort, start, until } from "../process.mjs";

const HERE = dirname(fileURLToPath(import.meta.url)), ROOT = join(HERE, "../../..");
const TOKEN = "token-of-the-metrics-test";
let gateway, port, state, priced;

const get = (path, token = TOKEN) => fetch(`http://127.0.0.1:${port}${path}`, { headers: token ? { authorization: `Bearer ${token}` } : {} });
const ask = (agent = "main") => fetch(`http://127.0.0.1:${port}/v1/chat/completions`, { method: "POST", headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", "x-openclaw-agent-id": agent }, body: JSON.stringify({ model: "openclaw", messages: [{ role: "user", content: "hello" }] }) });

/** @returns Map of family to {kind, samples: Map of name{labels} to value}; throws where the text is not what Prometheus reads */
function read(text) {
  const families = new Map();
  let current;
  assert.ok(text.endsWith("\n"));
  for (const line of text.trimEnd().split("\n")) {
    const head = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (head?.[1] === "HELP") {
      assert.ok(!families.has(head[2]), `${head[2]} comes twice`);
      families.set(head[2], (current = { name: head[2], samples: new Map() }));
    } else if (head) {
      assert.equal(head[2], current.name);
      assert.match(head[3], /^(counter|gauge|histogram)$/);
      current.kind = head[3];
    } else {
      const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)+\})? (-?[0-9.e+]+)$/.exec(line);
      assert.ok(sample, `no sample: ${line}`);
      assert.ok(sample[1] === current.name || (current.kind === "histogram" && [`${current.name}_bucket`, `${current.name}_sum`, `${current.name}_count`].includes(sample[1])), line);
      assert.ok(current.kind !== "counter" || sample[1].endsWith("_total"), line);
      assert.ok(!current.samples.has(sample[1] + (sample[2] ?? "")), `twice: ${line}`);
      current.samples.set(sample[1] + (sample[2] ?? ""), Number(sample[3]));
    }
  }
  return families;
}

const scrape = async () => read(await (await get("/metrics")).text());

before(async () => {
  port = await freePort();
  state = mkdtempSync(join(tmpdir(), "openclaw-metrics-"));
  priced = await new FakeModel().listen();
  const models = { providers: { priced: { baseUrl: priced.url, apiKey: "k", api: "openai-completions", models: [{ id: "m", name: "m", cost: { input: 1000, output: 2000 } }] } } };
  writeFileSync(join(state, "openclaw.json"), JSON.stringify({ gateway: { auth: { mode: "token", token: TOKEN } }, models, agents: { defaults: { model: { primary: "demo/demo" } }, list: [{ id: "main", default: true }, { id: "paid", model: "priced/m" }] } }));
  gateway = start(process.env.GW_OPENCLAW, ["gateway", "--port", String(port)], { HOME: state, OPENCLAW_STATE_DIR: state });
  await until("the gateway", async () => (await get("/readyz").catch(() => null))?.ok, () => gateway.said);
});

after(async () => {
  await end(gateway);
  priced?.close();
  rmSync(state, { recursive: true, force: true });
});

test("it is for those who have the token, in Prometheus' format", async () => {
  assert.equal((await get("/metrics", null)).status, 401);
  const answer = await get("/metrics");
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.ok(read(await answer.text()).size > 25);
});

test("turns are counted, with their times, tokens and providers", async () => {
  for (let i = 0; i < 3; i++) assert.equal((await ask()).status, 200);
  const m = await scrape(), of = (family, sample = family) => m.get(family).samples.get(sample);
  assert.equal(of("openclaw_message_queued_total"), 3);
  assert.equal(of("openclaw_message_processed_total", 'openclaw_message_processed_total{channel="http",outcome="done"}'), 3);
  assert.equal(of("openclaw_model_attempts_total", 'openclaw_model_attempts_total{provider="demo",result="ok"}'), 3);
  assert.equal(of("openclaw_run_duration_ms", "openclaw_run_duration_ms_count"), 3);
  assert.ok(of("openclaw_tokens_total", 'openclaw_tokens_total{type="input"}') > 0);
  assert.equal(of("openclaw_sessions"), 3);
  assert.equal(of("openclaw_scrape_complete"), 1);
  assert.ok(of("process_resident_memory_bytes") > 1e6);
  assert.equal(of("openclaw_actor_up", 'openclaw_actor_up{actor="store"}'), 1);
  const buckets = [...m.get("openclaw_run_duration_ms").samples].filter(([name]) => name.includes("_bucket")).map(([, value]) => value);
  assert.deepEqual(buckets, [...buckets].sort((a, b) => a - b), "buckets add up");
  assert.equal(buckets.at(-1), 3);
});

test("alerts and dashboard ask for what is there, and each alert has a runbook", async () => {
  const m = await scrape(), folder = join(ROOT, "k8s/components/monitoring");
  const known = new Set([...m.values()].flatMap((f) => [f.name, ...(f.kind === "histogram" ? [`${f.name}_bucket`] : [])]));
  // Without Discord there is no sample of it; the family is told all the same.
  const alerts = parse(readFileSync(join(folder, "alerts.yaml"), "utf8")).spec.groups.flatMap((g) => g.rules);
  const panels = JSON.parse(readFileSync(join(folder, "dashboard.json"), "utf8")).panels;
  const exprs = [...alerts.map((a) => a.expr), ...panels.flatMap((p) => p.targets.map((t) => t.expr))];
  const runbooks = readFileSync(join(ROOT, "docs/troubleshooting.md"), "utf8").split("\n").filter((l) => l.startsWith("#")).map((l) => l.replace(/^#+ /, "").toLowerCase().replaceAll(/[^a-z0-9 -]/g, "").replaceAll(" ", "-"));
  for (const expr of exprs) {
    for (const [name] of expr.matchAll(/\b(openclaw|process)_[a-z0-9_]+/g)) assert.ok(known.has(name), `${name} of: ${expr}`);
    assert.equal(expr.split("(").length, expr.split(")").length, expr);
  }
  for (const alert of alerts) {
    assert.match(alert.labels.severity, /^(info|warning|critical)$/);
    const [, heading] = alert.annotations.runbook.split("#");
    assert.ok(runbooks.includes(heading), `${alert.alert}: docs/troubleshooting.md has no heading for #${heading}`);
  }
  assert.ok(alerts.length >= 8 && panels.length >= 10);
});

test("what models cost is counted by the prices of the configuration", async () => {
  const paid = async () => (await scrape()).get("openclaw_cost_usd_total").samples.get("openclaw_cost_usd_total");
  assert.equal(await paid(), 0);
  assert.equal((await ask("paid")).status, 200); // 10 tokens in, 5 out
  assert.equal(await paid(), 0.02);
});
