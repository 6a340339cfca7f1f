// `kubectl kustomize k8s` without a network: schemas, our rules, and that each rule notices when it is broken.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { one, rules } from "./rules.mjs";
import { schemaProblems } from "./schema.mjs";

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "../../../k8s");

function render(folder) {
  const { status, stdout, stderr } = spawnSync("kubectl", ["kustomize", folder], { encoding: "utf8", env: { ...process.env, HOME: "/nonexistent", https_proxy: "http://127.0.0.1:1" } });
  assert.equal(status, 0, stderr);
  return parseAllDocuments(stdout).map((doc) => doc.toJSON());
}

function files(folder, name) {
  const { status, stdout, stderr } = spawnSync("cat", [join(folder, name)], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return parseAllDocuments(stdout).map((doc) => doc.toJSON());
}

const objects = render(FOLDER);

test("every object is as its schema says", async () => {
  const extra = [...files(FOLDER, "argocd/openclaw-app.yaml"), ...files(FOLDER, "components/monitoring/servicemonitor.yaml"), ...files(FOLDER, "components/monitoring/alerts.yaml")];
  const problems = (await Promise.all([...objects, ...extra].map(schemaProblems))).flat();
  assert.deepEqual(problems, []);
  assert.equal(objects.length, 17);
});

test("the schemas notice a wrong value and a wrong name", async () => {
  const broken = structuredClone(one(objects, "Deployment"));
  broken.spec.replicas = "one";
  broken.spec.template.spec.containers[0].readinesProbe = broken.spec.template.spec.containers[0].readinessProbe;
  const problems = await schemaProblems(broken);
  assert.match(problems.join("\n"), /replicas must be integer/);
  assert.match(problems.join("\n"), /\/spec\/template\/spec\/containers\/0\/readinesProbe: no such member/);
});

test("the rules hold, and each notices when it is broken", () => {
  const table = [];
  for (const [name, holds, breaks] of rules) {
    assert.ok(holds(objects), name);
    const broken = structuredClone(objects);
    breaks(broken);
    let noticed = false;
    try {
      noticed = !holds(broken);
    } catch {
      noticed = true; // what it is about is gone
    }
    table.push(`${noticed ? "noticed" : "MISSED "}  ${name}`);
  }
  console.log(table.join("\n"));
  assert.deepEqual(table.filter((line) => line.startsWith("MISSED")), []);
});

test("the ConfigMap's content is a configuration that loads, with its nine jobs", () => {
  const { data } = one(objects, "ConfigMap", "openclaw-config");
  const folder = mkdtempSync(join(tmpdir(), "openclaw-k8s-"));
  for (const [name, text] of Object.entries(data)) writeFileSync(join(folder, name), text);
  const env = { PATH: process.env.PATH, HOME: folder, OPENCLAW_STATE_DIR: folder, OPENCLAW_CONFIG_PATH: join(folder, "openclaw.json"), OPENCLAW_GATEWAY_TOKEN: "t".repeat(40) };
  const good = spawnSync(process.env.GW_OPENCLAW, ["config", "validate"], { encoding: "utf8", env });
  assert.equal(good.status, 0, good.stderr);
  assert.match(good.stdout, /is valid: 9 agents/);
  const jobs = spawnSync(process.env.GW_OPENCLAW, ["config", "get", "cron.jobs", "--json"], { encoding: "utf8", env });
  assert.equal(JSON.parse(jobs.stdout).length, 9);
  writeFileSync(join(folder, "openclaw.json"), data["openclaw.json"].replace('"maxConcurrent": 4', '"maxConcurrent": "four"'));
  const bad = spawnSync(process.env.GW_OPENCLAW, ["config", "validate"], { encoding: "utf8", env });
  assert.notEqual(bad.status, 0, "a broken one is refused");
  assert.match(bad.stdout + bad.stderr, /maxConcurrent/);
  rmSync(folder, { recursive: true });
});

test("an overlay adds monitoring", (t) => {
  if (/v1\.(1|20)\b/.test(spawnSync("kubectl", ["version", "--client"], { encoding: "utf8" }).stdout)) return t.skip("this kubectl knows no components");
  const folder = mkdtempSync(join(tmpdir(), "openclaw-overlay-"));
  cpSync(FOLDER, join(folder, "k8s"), { recursive: true });
  mkdirSync(join(folder, "mine"));
  writeFileSync(join(folder, "mine/kustomization.yaml"), "resources: [../k8s]\ncomponents: [../k8s/components/monitoring]\n");
  const monitor = one(render(join(folder, "mine")), "ServiceMonitor");
  const service = one(objects, "Service");
  assert.equal(monitor.spec.endpoints[0].port, service.spec.ports[0].name);
  for (const [key, value] of Object.entries(monitor.spec.selector.matchLabels)) assert.equal(service.metadata.labels[key], value);
  rmSync(folder, { recursive: true });
});

test("Argo CD's application is what the facts say", () => {
  const [app] = files(FOLDER, "argocd/openclaw-app.yaml");
  assert.equal(app.metadata.name, "openclaw");
  assert.equal(app.spec.project, "apps");
  assert.deepEqual(app.spec.syncPolicy.automated, { prune: true, selfHeal: true });
  assert.ok(app.spec.source.kustomize);
  assert.equal(app.spec.destination.namespace, "openclaw");
});
