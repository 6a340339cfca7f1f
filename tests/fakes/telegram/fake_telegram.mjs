// Telegram's Bot API as a strict server: what the real one would refuse is refused, and counted.
// Source: https://core.telegram.org/bots/api (getMe, getUpdates, sendMessage, sendChatAction, setMyCommands), read 2026-11.
import { createServer } from "node:http";

export class FakeTelegram {
  constructor({ token = "123456:test-token", bot = { id: 123456, is_bot: true, first_name: "Claw", username: "claw_bot" } } = {}) {
    Object.assign(this, { token, bot, updates: [], messages: [], typing: [], violations: [], calls: [], commands: null, polls: 0, fault: undefined });
    this.nextUpdate = 1000;
    this.nextMessage = 1;
    this.waiting = null; // the long poll in progress
  }

  async listen() {
    this.server = createServer((req, res) => this.serve(req, res));
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.base = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** Somebody says something. */
  say({ chat, from, text, ...rest }) {
    const message = { message_id: this.nextMessage++, from, chat, date: Math.floor(Date.now() / 1000), text, ...rest };
    this.updates.push({ update_id: this.nextUpdate++, message });
    this.flush();
    return message;
  }

  sent(chat) {
    return this.messages.filter((m) => m.chat_id === chat);
  }

  async until(what, test, ms = 15000) {
    const end = Date.now() + ms;
    while (!test()) {
      if (Date.now() > end) throw new Error(`waited for ${what}: ${JSON.stringify(this.messages.slice(-3))}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  flush() {
    if (!this.waiting || this.updates.length === 0) return;
    const { res, timer } = this.waiting;
    clearTimeout(timer);
    this.waiting = null;
    this.ok(res, this.updates.slice(0, 100));
  }

  ok(res, result) {
    res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ ok: true, result }));
  }

  refuse(res, code, description, parameters) {
    res.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify({ ok: false, error_code: code, description, ...(parameters && { parameters }) }));
  }

  async serve(req, res) {
    let body = "";
    for await (const piece of req) body += piece;
    const [, token, method] = /^\/bot([^/]+)\/(\w+)$/.exec(req.url) ?? [];
    this.calls.push(method);
    if (token !== this.token) return this.refuse(res, 401, "Unauthorized");
    let params;
    try {
      params = JSON.parse(body || "{}");
    } catch {
      this.violations.push(`${method}: no JSON`);
      return this.refuse(res, 400, "Bad Request: can't parse JSON");
    }
    const fault = this.fault?.(method, params);
    if (fault === "cut") return res.destroy();
    if (fault) return this.refuse(res, fault.code, fault.description ?? "fault", fault.parameters);
    const handler = { getMe: this.getMe, getUpdates: this.getUpdates, sendMessage: this.sendMessage, sendChatAction: this.sendChatAction, setMyCommands: this.setMyCommands }[method];
    if (!handler) {
      this.violations.push(`unknown method ${method}`);
      return this.refuse(res, 404, "Not Found: method not found");
    }
    return handler.call(this, params, res);
  }

  getMe(params, res) {
    this.ok(res, this.bot);
  }

  getUpdates({ offset, timeout = 0, allowed_updates }, res) {
    this.polls++;
    if (this.waiting) {
      const { res: older, timer } = this.waiting;
      clearTimeout(timer);
      this.waiting = null;
      this.refuse(older, 409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running");
    }
    if (!Array.isArray(allowed_updates)) this.violations.push("allowed_updates is no list");
    if (offset) this.updates = this.updates.filter((u) => u.update_id >= offset); // confirmed
    if (this.updates.length) return this.ok(res, this.updates.slice(0, 100));
    const timer = setTimeout(() => {
      this.waiting = null;
      this.ok(res, []);
    }, timeout * 1000);
    this.waiting = { res, timer };
    res.on("close", () => {
      if (this.waiting?.res === res) {
        clearTimeout(timer);
        this.waiting = null;
      }
    });
  }

  sendMessage(params, res) {
    const { chat_id, text } = params;
    if (!Number.isInteger(chat_id)) return this.violate(res, "Bad Request: chat not found");
    if (typeof text !== "string" || text.trim() === "") return this.violate(res, "Bad Request: message text is empty");
    if (text.length > 4096) return this.violate(res, "Bad Request: message is too long");
    const message = { message_id: this.nextMessage++, ...params, at: Date.now() };
    this.messages.push(message);
    this.ok(res, { message_id: message.message_id, chat: { id: chat_id }, text });
  }

  violate(res, description) {
    this.violations.push(description);
    return this.refuse(res, 400, description);
  }

  sendChatAction({ chat_id, action }, res) {
    if (action !== "typing" || !Number.isInteger(chat_id)) return this.violate(res, "Bad Request: wrong parameter action in request");
    this.typing.push({ chat_id, at: Date.now() });
    this.ok(res, true);
  }

  setMyCommands({ commands }, res) {
    const wrong = !Array.isArray(commands) || commands.length > 100 || commands.find((c) => !/^[a-z0-9_]{1,32}$/.test(c.command) || !c.description || c.description.length > 256);
    if (wrong) return this.violate(res, `Bad Request: BOT_COMMAND_INVALID ${JSON.stringify(wrong)}`);
    this.commands = commands;
    this.ok(res, true);
  }
}
