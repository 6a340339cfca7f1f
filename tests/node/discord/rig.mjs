// A gateway between a fake Discord and a fake model: what the tests about channels share.
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { end, freePort, start, until } from "../process.mjs";

const TOKEN = "discord-test-token-0123456789";

/** A model that speaks OpenAI's stream. `answer(request)` gives the text, or {delayMs, text, status, call: {name, args}}. */
export class FakeModel {
  constructor() {
    this.requests = [];
    this.answer = () => "ok";
  }

  async listen() {
    this.server = createServer((req, res) => this.serve(req, res)).listen(0, "127.0.0.1");
    await once(this.server, "listening");
    this.url = `http://127.0.0.1:${this.server.address().port}/v1`;
    return this;
  }

  async serve(req, res) {
    let body = "";
    for await (const piece of req) body += piece;
    const request = JSON.parse(body);
    this.requests.push(request);
    const given = await this.answer(request);
    const { text, delayMs = 0, status = 200, call } = typeof given === "string" ? { text: given } : given;
    if (delayMs) await new Promise((resolve) => setTimeout(resolve, delayMs));
    if (status !== 200) {
      res.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify({ error: { message: text } }));
      return;
    }
    res.writeHead(200, { "Content-Type": "text/event-stream" });
    const chunk = (delta, finish = null) =>
      res.write(`data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: request.model, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`);
    if (call) chunk({ role: "assistant", tool_calls: [{ index: 0, id: `call_${this.requests.length}`, type: "function", function: { name: call.name, arguments: JSON.stringify(call.args) } }] });
    else chunk({ role: "assistant", content: text });
    chunk({}, call ? "tool_calls" : "stop");
    res.write(`data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: request.model, choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } })}\n\n`);
    res.end("data: [DONE]\n\n");
  }

  /** What the last user message of a request says. */
  static said(request) {
    const last = request.messages.filter((m) => m.role === "user").at(-1);
    return typeof last.content === "string" ? last.content : last.content.map((p) => p.text ?? "").join("");
  }

  static system(request) {
    return request.messages[0].content;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

export class Rig {
  /** @param config  of the gateway, without its model; @param env  besides what the rig sets */
  static async start({ config, model, env = {}, state, wait = true }) {
    const rig = new Rig();
    rig.state = state ?? mkdtempSync(join(tmpdir(), "openclaw-channel-"));
    rig.model = model;
    rig.port = await freePort();
    rig.config = config;
    rig.env = env;
    mkdirSync(rig.state, { recursive: true });
    await rig.up(wait);
    return rig;
  }

  write() {
    const providers = { fake: { baseUrl: this.model.url, apiKey: "k", api: "openai-completions", models: [{ id: "m", name: "m", input: ["text", "image"] }] } };
    const config = { ...this.config, models: { providers } };
    config.gateway = { ...config.gateway, auth: { mode: "token", token: TOKEN } };
    writeFileSync(join(this.state, "openclaw.json"), JSON.stringify(config, null, 2));
  }

  environment() {
    return { HOME: this.state, OPENCLAW_STATE_DIR: this.state, OPENCLAW_GATEWAY_PORT: String(this.port), OPENCLAW_GATEWAY_TOKEN: TOKEN, ...this.env };
  }

  async up(wait = true) {
    this.write();
    this.gateway = start(process.env.GW_OPENCLAW, ["gateway", "--port", String(this.port)], this.environment());
    if (wait) await until("the gateway", async () => (await fetch(`http://127.0.0.1:${this.port}/health`).catch(() => null))?.ok, () => this.gateway.said);
  }

  async kill() {
    this.gateway.kill("SIGKILL");
    if (this.gateway.exitCode === null && this.gateway.signalCode === null) await once(this.gateway, "exit");
  }

  /** Run a command of the program next to the gateway. */
  async cli(...args) {
    const child = start(process.env.GW_OPENCLAW, args, this.environment());
    const [code] = await once(child, "exit");
    return { code, said: child.said };
  }

  async status() {
    const { said } = await this.cli("channels", "status", "--json");
    return JSON.parse(said);
  }

  async stop(keep = false) {
    await end(this.gateway);
    if (!keep) rmSync(this.state, { recursive: true, force: true });
  }
}

/** A gateway with one account on a fake Discord, once it is connected. @param token  of the account's bot */
export async function startOnDiscord(fake, token, { config, model }) {
  const rig = await Rig.start({ config, model, env: { DISCORD_API_BASE: fake.apiBase, DISCORD_BOT_TOKEN: token } });
  await fake.until("READY", () => fake.sessions.length > 0);
  return rig;
}

/** End what has been started of them. */
export async function endAll(rig, model, fake) {
  await rig?.stop();
  model?.close();
  await fake?.stop();
}
