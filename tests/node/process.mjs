// Programs that a test starts and ends.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

/** Start a program. What it says is collected in `said`. */
export function start(command, args, env) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  child.said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (child.said += bytes));
  return child;
}

export async function end(child) {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Wait until `look` finds something. @param said  what to tell beside it when it does not come */
export async function until(what, look, said = () => "") {
  const deadline = Date.now() + 20000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`${what} did not come\n${said()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
