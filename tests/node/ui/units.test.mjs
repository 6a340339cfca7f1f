// The parts of the Control UI that need no browser: bundled as they are, and asked.
import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const { build } = createRequire(join(root, "ui/package.json"))("esbuild");

async function load(file) {
  const { outputFiles } = await build({ entryPoints: [join(root, "ui/src", file)], bundle: true, write: false, format: "esm", platform: "neutral", mainFields: ["module", "main"], logLevel: "silent" });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}

test("a device signs what the gateway checks", async () => {
  const { loadDevice, signDevice } = await load("lib/device.ts");
  const device = loadDevice();
  const claim = { clientId: "openclaw-control-ui", clientMode: "webchat", role: "operator", scopes: ["operator.admin", "operator.pairing"], token: "tok", nonce: "n-1" };
  const signed = signDevice(device, claim, 1795352953869);
  const raw = Buffer.from(signed.publicKey, "base64url");
  assert.equal(raw.length, 32);
  assert.equal(signed.id, createHash("sha256").update(raw).digest("hex"));
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: signed.publicKey }, format: "jwk" });
  const text = `v2|${signed.id}|openclaw-control-ui|webchat|operator|operator.admin,operator.pairing|1795352953869|tok|n-1`;
  assert.ok(verify(null, Buffer.from(text), key, Buffer.from(signed.signature, "base64url")));
  assert.doesNotMatch(signed.publicKey + signed.signature, /[+/=]/);
  assert.equal(loadDevice().id, device.id, "the key is kept");
});

test("what the gateway puts before a person's words is hidden", async () => {
  const { cleanUserText } = await load("chat/history.ts");
  const block = 'Conversation info (untrusted metadata):\n```json\n{\n  "message_id": "m",\n  "sender": "openclaw-control-ui"\n}\n```\n\n';
  assert.equal(cleanUserText(`${block}[Sun 2026-11-22 13:23 UTC] hello`), "hello");
  assert.equal(cleanUserText("[Sun 2026-11-22 13:23 UTC] hello"), "hello");
  assert.equal(cleanUserText("hello"), "hello");
  assert.equal(cleanUserText("see [Sun 2026-11-22 13:23 UTC] hello"), "see [Sun 2026-11-22 13:23 UTC] hello");
  assert.equal(cleanUserText(`say\n${block}`), `say\n${block}`);
});

test("calls of tools are shown with their results", async () => {
  const { itemsOf } = await load("chat/history.ts");
  const items = itemsOf([
    { role: "user", content: [{ type: "text", text: "x" }], timestamp: 1 },
    { role: "assistant", content: [{ type: "text", text: "a" }, { type: "toolCall", id: "c1", name: "exec", arguments: { command: "ls" } }, { type: "toolCall", id: "c2", name: "read", arguments: {} }], timestamp: 2 },
    { role: "toolResult", toolCallId: "c1", content: [{ type: "text", text: "files" }], isError: false, timestamp: 3 },
    { role: "assistant", content: [], stopReason: "error", errorMessage: "no", timestamp: 4 },
  ]);
  assert.deepEqual(items.map((item) => item.kind), ["user", "agent", "tool", "tool", "agent"]);
  assert.equal(items[2].tool.result, "files");
  assert.equal(items[3].tool.done, false);
  assert.equal(items[4].error, "no");
  assert.equal(new Set(items.map((item) => item.key)).size, items.length);
});

test("of a streamed text only what is not on record is shown", async () => {
  const { unrecorded } = await load("chat/history.ts");
  assert.equal(unrecorded("one two", []), "one two");
  assert.equal(unrecorded("one\n\ntwo", ["one"]), "two");
  assert.equal(unrecorded("one", ["one"]), "");
  assert.equal(unrecorded("on", ["one"]), "");
  assert.equal(unrecorded("two", ["one"]), "two");
});

test("each refusal has its words and its next step", async () => {
  globalThis.location = { origin: "http://far.example" };
  const { explainRefusal, explainClose } = await load("lib/problem.ts");
  const steps = {
    "unauthorized: gateway token missing (open the dashboard URL and paste the token in Control UI settings)": "ask",
    "unauthorized: gateway password missing (enter the password in Control UI settings)": "ask",
    "unauthorized: device token mismatch (rotate/reissue device token)": "ask",
    "unauthorized: too many failed authentication attempts (retry later)": "slow",
    "unauthorized: gateway token not configured on gateway (set gateway.auth.token)": "stop",
    unauthorized: "ask",
    "origin not allowed (open the Control UI from the gateway host or allow it in gateway.controlUi.allowedOrigins)": "slow",
    "control ui requires HTTPS or localhost (secure context)": "stop",
    "protocol mismatch": "stop",
    "device signature expired": "slow",
    "device nonce mismatch": "retry",
    "something new": "retry",
  };
  for (const [message, next] of Object.entries(steps)) assert.equal(explainRefusal({ message }).next, next, message);
  const pairing = explainRefusal({ message: "pairing required", requestId: "r-1" });
  assert.equal(pairing.next, "pair");
  assert.equal(pairing.command, "openclaw devices approve r-1");
  assert.match(explainRefusal({ message: "origin not allowed" }).text, /http:\/\/far\.example/);
  assert.match(explainClose(1012, "service restart").title, /restarting/);
  assert.match(explainClose(1008, "slow consumer").title, /slow/);
  assert.equal(explainClose(1008, "pairing required").next, "pair");
  assert.match(explainClose(1006, "").title, /cannot be reached/);
});

test("a chain of models says what is inherited", async () => {
  const { chainOf } = await load("lib/models.ts");
  const config = {
    agents: {
      defaults: { model: { primary: "a/1", fallbacks: ["b/2", "fast"] }, models: { "c/3": { alias: "fast" } } },
      list: [{ id: "plain" }, { id: "text", model: "d/4" }, { id: "own", model: { primary: "d/4", fallbacks: ["e/5"] } }, { id: "none", model: { primary: "d/4", fallbacks: [] } }],
    },
  };
  const chain = (id) => chainOf(config, id).map((link) => link.ref + (link.inherited ? "*" : ""));
  assert.deepEqual(chain("plain"), ["a/1*", "b/2*", "c/3*"]);
  assert.deepEqual(chain("text"), ["d/4", "b/2*", "c/3*"]);
  assert.deepEqual(chain("own"), ["d/4", "e/5"]);
  assert.deepEqual(chain("none"), ["d/4"]);
  assert.deepEqual(chainOf({}, "x"), []);
});

test("a difference of texts is one that leads from one to the other", async () => {
  const { diffLines, hunks } = await load("lib/diff.ts");
  const texts = ["", "a", "a\nb\nc", "a\nc", "x\na\nb\ny\nc", "a\na\nb\nb", "c\nb\na"];
  for (const before of texts)
    for (const after of texts) {
      const lines = diffLines(before, after);
      assert.equal(lines.filter((line) => line.kind !== "in").map((line) => line.text).join("\n"), before);
      assert.equal(lines.filter((line) => line.kind !== "out").map((line) => line.text).join("\n"), after);
    }
  const many = Array.from({ length: 40 }, (_, at) => `line ${at}`);
  const shown = hunks(diffLines(many.join("\n"), many.map((line) => (line === "line 20" ? "new" : line)).join("\n")));
  assert.deepEqual([shown.length, shown[0], shown[9]], [10, null, null]);
});

test("lines of both kinds of log are read", async () => {
  const { parseLine } = await load("lib/logline.ts");
  const json = parseLine(JSON.stringify({ 0: '{"subsystem":"gateway/ws"}', 1: "res ok", _meta: { date: "2026-11-22T13:09:14.846Z", logLevelName: "WARN" }, time: "2026-11-22T13:09:14.846Z" }));
  assert.deepEqual(json, { at: Date.parse("2026-11-22T13:09:14.846Z"), level: "warn", source: "gateway/ws", text: "res ok" });
  const plain = parseLine('ts=2026-11-22T13:09:14.846Z level=error actor=router event=turn_failed reason="a \\"b\\""');
  assert.equal(plain.level, "error");
  assert.equal(plain.source, "router");
  assert.equal(plain.text, 'event=turn_failed reason="a \\"b\\""');
  assert.equal(parseLine("not a line").text, "not a line");
});

test("nothing but DOMPurify writes markup", () => {
  for (const file of ["parts/markdown.tsx", "chat/message.tsx", "app.tsx"]) assert.doesNotMatch(readFileSync(join(root, "ui/src", file), "utf8"), /innerHTML|outerHTML|insertAdjacentHTML|document\.write/);
});
