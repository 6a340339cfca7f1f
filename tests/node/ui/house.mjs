// What the test of the Control UI stands on: a fake provider, the gateway, a proxy that makes its clients remote, the command line.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { end, freePort, start, until } from "../process.mjs";

export const TOKEN = "gateway-token-of-the-tests";
const KEY = "sk-or-test-key";
const REMOTE = "203.0.113.9";
let dir, fake, fakePort, gateway, port, proxy;

function environment() {
  return { OPENCLAW_CONFIG_PATH: process.env.GW_CONFIG, OPENCLAW_STATE_DIR: join(dir, "state"), OPENCLAW_GATEWAY_TOKEN: TOKEN, OPENCLAW_GATEWAY_PORT: `${port}`, HOME: dir };
}

/** Start the gateway (again). */
export async function startGateway() {
  gateway = start(process.env.GW_OPENCLAW, ["gateway", "--port", `${port}`, "--bind", "loopback", "--allow-unconfigured"], {
    ...environment(),
    OPENROUTER_BASE_URL: `http://127.0.0.1:${fakePort}/api/v1`,
    OPENROUTER_API_KEY: KEY,
  });
  await until("/health", () => fetch(`http://127.0.0.1:${port}/health`).then((r) => r.ok, () => false), () => gateway.said);
}

export async function stopGateway() {
  await end(gateway);
}

/** How the provider answers the next requests: docs/testing.md lists the behaviours. */
export async function control(behaviours) {
  const reply = await fetch(`http://127.0.0.1:${fakePort}/__control`, { method: "POST", body: JSON.stringify(behaviours) });
  if (reply.status !== 200) throw new Error(await reply.text());
}

/** A command of openclaw beside the gateway. @return what it printed */
export async function openclaw(...args) {
  const child = start(process.env.GW_OPENCLAW, args, environment());
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`openclaw ${args.join(" ")}: exit ${code}\n${child.said}`);
  return child.said;
}

/** A reverse proxy as people put before it: the gateway takes its clients for remote ones. */
async function startProxy() {
  const forwarded = (message) => ({ hostname: "127.0.0.1", port, method: message.method, path: message.url, headers: { ...message.headers, "x-forwarded-for": REMOTE } });
  proxy = createServer((message, answer) => {
    const onward = request(forwarded(message), (reply) => {
      answer.writeHead(reply.statusCode, reply.headers);
      reply.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    message.pipe(onward);
  });
  proxy.on("upgrade", (message, socket, head) => {
    const onward = request(forwarded(message));
    onward.on("error", () => socket.destroy());
    onward.on("response", () => socket.destroy());
    onward.on("upgrade", (reply, far, farHead) => {
      const lines = [`HTTP/1.1 101 ${reply.statusMessage}`];
      for (let at = 0; at < reply.rawHeaders.length; at += 2) lines.push(`${reply.rawHeaders[at]}: ${reply.rawHeaders[at + 1]}`);
      socket.write(`${lines.join("\r\n")}\r\n\r\n`);
      socket.write(farHead);
      far.write(head);
      for (const [from, to] of [[socket, far], [far, socket]]) {
        from.on("error", () => to.destroy());
        from.on("close", () => to.destroy());
        from.pipe(to);
      }
    });
    onward.end();
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
}

export async function open() {
  dir = mkdtempSync(join(tmpdir(), "openclaw-ui-"));
  fake = start(process.env.GW_FAKE_OPENAI, ["--port", "0", "--key", KEY], {});
  fakePort = await until("the fake's port", () => fake.said.match(/^port (\d+)$/m)?.[1]);
  port = await freePort();
  await startGateway();
  await startProxy();
  return { near: `http://127.0.0.1:${port}`, far: `http://127.0.0.1:${proxy.address().port}` };
}

export async function close() {
  proxy?.closeAllConnections?.();
  proxy?.close();
  await end(gateway);
  await end(fake);
  rmSync(dir, { recursive: true, force: true });
}
