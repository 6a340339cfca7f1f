// A client of OpenClaw's WebSocket protocol 3 with a device key, as a browser elsewhere: behind a proxy that names its address.
import { createRequire } from "node:module";
import { randomUUID, sign } from "node:crypto";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./process.mjs";

const WebSocket = createRequire(join(dirname(fileURLToPath(import.meta.url)), "../fakes/discord/package.json"))("ws");
const SCOPES = ["operator.admin", "operator.approvals", "operator.pairing"];

/**
 * Connect and say hello.
 * @param device  {id, publicKey: base64url of its 32 bytes, privateKey}
 * @returns {ws, hello: the answer, frames: all that came, closed: promise of {code, reason}, call(method, params), say(sessionKey, text)}
 */
export async function connect({ port, token, device, address = "203.0.113.7" }) {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { "x-forwarded-for": address, origin: `http://127.0.0.1:${port}` } });
  const frames = [], waits = new Map();
  const closed = new Promise((resolve) => ws.on("close", (code, reason) => resolve({ code, reason: String(reason) })));
  ws.on("message", (bytes) => {
    const frame = JSON.parse(bytes);
    frames.push(frame);
    waits.get(frame.id)?.(frame);
  });
  const call = (method, params) => new Promise((resolve) => {
    const id = randomUUID();
    waits.set(id, resolve);
    ws.send(JSON.stringify({ type: "req", id, method, params }));
  });
  const say = async (sessionKey, message) => {
    const runId = randomUUID();
    const taken = await call("chat.send", { sessionKey, message, idempotencyKey: runId });
    if (!taken.ok) throw new Error(JSON.stringify(taken.error));
    return until(`an answer to ${message}`, () => frames.find((f) => f.event === "chat" && f.payload.runId === runId && f.payload.state === "final"));
  };
  const { payload } = await until("the challenge", () => frames.find((f) => f.event === "connect.challenge"));
  const signedAt = Date.now();
  const text = ["v2", device.id, "openclaw-control-ui", "webchat", "operator", SCOPES.join(","), String(signedAt), token, payload.nonce].join("|");
  const hello = await call("connect", {
    minProtocol: 3, maxProtocol: 3, client: { id: "openclaw-control-ui", version: "dev", platform: "Linux", mode: "webchat" }, role: "operator", scopes: SCOPES, caps: [], auth: { token },
    device: { id: device.id, publicKey: device.publicKey, signature: sign(null, Buffer.from(text), device.privateKey).toString("base64url"), signedAt, nonce: payload.nonce },
  });
  return { ws, hello, frames, closed, call, say };
}
