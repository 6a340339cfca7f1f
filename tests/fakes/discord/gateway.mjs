// The WebSocket half of the fake: connections, sessions, what goes to whom.
import { randomBytes } from "node:crypto";
import { constants, createDeflate, deflateSync } from "node:zlib";
import { WebSocketServer } from "ws";
import { INTENT, KNOWN_INTENTS, channelFields, fullMember, guildFields, isThread } from "./world.mjs";

const MAX_SENT = 4096;
const SENDS_PER_MINUTE = 120;
const FATAL = new Set([4004, 4010, 4011, 4012, 4013, 4014]);
// A client that counts from its own sending is up to this early or late here.
const SLACK = 100;

class Session {
  constructor(bot, intents, shard) {
    this.id = randomBytes(16).toString("hex");
    this.bot = bot;
    this.intents = intents;
    this.shard = shard;
    this.seq = 0;
    this.log = [];
    this.connection = null;
    this.startedAt = Date.now();
    this.identifies = 1;
    this.resumes = 0;
    this.acknowledged = 0; // the greatest seq that the client said it had
    this.presence = null;
    this.expired = false; // over
    this.resumable = true;
    this.leftAt = 0;
  }

  dispatch(t, d, { replayed = true } = {}) {
    const s = ++this.seq;
    const text = JSON.stringify({ op: 0, t, s, d });
    this.log.push({ s, text: replayed ? text : null });
    this.connection?.sendText(text, s);
  }
}

class Connection {
  constructor(gateway, ws, { resumeUrl, compress }) {
    this.gateway = gateway;
    this.fake = gateway.fake;
    this.ws = ws;
    this.resumeUrl = resumeUrl;
    this.openedAt = Date.now();
    this.session = null;
    this.helloAt = 0;
    this.sends = [];
    this.sentSeqs = []; // [s, when], what the client must know after a while
    this.lastSent = 0;
    this.heartbeatAt = 0;
    this.unacked = 0; // heartbeats that we did not acknowledge
    this.askedToLeave = null;
    this.closedByUs = null;
    this.queue = Promise.resolve();
    if (compress) {
      this.deflate = createDeflate();
      this.deflated = [];
      this.deflate.on("data", (chunk) => this.deflated.push(chunk));
    }
    ws.on("message", (data, binary) => this.received(data, binary));
    ws.on("close", (code) => this.closed(code));
    ws.on("error", (error) => {
      // What the ws package refuses is a broken frame; a socket that was cut is not.
      if (error.code?.startsWith("WS_ERR")) this.fake.violation(`broken WebSocket frame: ${error.message}`);
    });
    const { helloDelayMs } = this.fake;
    if (helloDelayMs > 0) this.helloTimer = setTimeout(() => this.hello(), helloDelayMs);
    else this.hello();
  }

  hello() {
    this.helloAt = Date.now();
    this.sendText(JSON.stringify({ op: 10, d: { heartbeat_interval: this.fake.heartbeatInterval, _trace: ["[\"gateway-fake\"]"] }, s: null, t: null }));
    this.heartbeatAt = this.helloAt;
    this.watch();
  }

  /** Closes when two intervals went by without a heartbeat. */
  watch() {
    clearTimeout(this.watchTimer);
    this.watchTimer = setTimeout(() => {
      this.fake.violation("no heartbeat for two intervals");
      if (this.session) this.session.expired = true;
      this.close(4009, "Session timed out.");
    }, 2 * this.fake.heartbeatInterval + SLACK);
    this.watchTimer.unref();
  }

  sendText(text, s) {
    if (this.ws.readyState !== 1 || this.frozen) return;
    if (s) {
      this.sentSeqs.push([s, Date.now()]);
      this.lastSent = s;
    }
    if (!this.deflate) {
      if (this.compressEach) this.ws.send(deflateSync(text), { binary: true });
      else this.sendParts(Buffer.from(text), this.fake.fragments, false);
      return;
    }
    this.queue = this.queue.then(
      () =>
        new Promise((resolve) => {
          this.deflate.write(text);
          this.deflate.flush(constants.Z_SYNC_FLUSH, () => {
            const bytes = Buffer.concat(this.deflated);
            this.deflated.length = 0;
            for (const part of this.split(bytes)) if (this.ws.readyState === 1) this.ws.send(part, { binary: true });
            resolve();
          });
        }),
    );
  }

  /** One payload over several WebSocket messages, if wanted even cut inside of its 00 00 FF FF. */
  split(bytes) {
    const how = this.fake.zlib;
    if (how === "split") {
      const middle = Math.max(1, bytes.length >> 1);
      return [bytes.subarray(0, middle), bytes.subarray(middle)];
    }
    if (how === "split-suffix") return [bytes.subarray(0, -4), bytes.subarray(-4, -2), bytes.subarray(-2)];
    return [bytes];
  }

  /** One WebSocket message in several frames. */
  sendParts(bytes, parts, binary) {
    if (!(parts > 1)) return this.ws.send(bytes, { binary });
    const size = Math.ceil(bytes.length / parts);
    for (let at = 0; at < bytes.length; at += size) {
      this.ws.send(bytes.subarray(at, at + size), { binary, fin: at + size >= bytes.length });
    }
  }

  send(op, d) {
    this.sendText(JSON.stringify({ op, d, s: null, t: null }));
  }

  close(code, reason = "") {
    this.closedByUs ??= code;
    clearTimeout(this.watchTimer);
    if (FATAL.has(code) && this.token !== undefined) this.fake.fatal.set(this.token, code);
    const act = () => this.ws.close(code, reason);
    if (this.deflate) this.queue = this.queue.then(act);
    else act();
  }

  /** Closes for what the client did wrong. */
  refuse(code, why) {
    this.fake.violation(`${why} (closed with ${code})`);
    this.close(code, why);
  }

  closed(code) {
    clearTimeout(this.watchTimer);
    clearTimeout(this.helloTimer);
    clearTimeout(this.leaveTimer);
    this.deflate?.close();
    this.gateway.connections.delete(this);
    const { session } = this;
    if (session?.connection === this) {
      session.connection = null;
      session.leftAt = Date.now();
    }
    const byClient = this.closedByUs === null;
    this.fake.closes.push({ code, byClient, at: Date.now(), session: session?.id ?? null });
    if (byClient && (code === 1000 || code === 1001)) {
      if (session) session.expired = true;
      if (this.askedToLeave) this.fake.violation(`closed with ${code} after ${this.askedToLeave}, which ends the session`);
      if (this.unacked > 0) this.fake.violation(`closed a zombie connection with ${code}, which ends the session`);
    }
    this.fake.emit("close", code, session);
  }

  received(data, binary) {
    if (this.closedByUs !== null) return;
    const now = Date.now();
    if (data.length > MAX_SENT) return this.refuse(4002, `payload of ${data.length} bytes, ${MAX_SENT} are allowed`);
    if (binary) return this.refuse(4002, "binary frame with encoding=json");
    let payload;
    try {
      payload = JSON.parse(data.toString());
    } catch {
      return this.refuse(4002, "payload is not JSON");
    }
    this.fake.received.push({ at: now, payload, connection: this });
    if (!this.helloAt) return this.refuse(4003, `op ${payload?.op} before HELLO`);
    this.sends = this.sends.filter((at) => now - at < 60000);
    this.sends.push(now);
    if (this.sends.length > SENDS_PER_MINUTE) return this.refuse(4008, `more than ${SENDS_PER_MINUTE} events in 60 s`);
    if (payload === null || typeof payload !== "object" || !Number.isInteger(payload.op)) return this.refuse(4002, "payload without op");
    switch (payload.op) {
      case 1: return this.heartbeat(payload.d, now);
      case 2: return this.identify(payload.d, now);
      case 6: return this.resume(payload.d, now);
      case 3: case 4: case 8:
        if (!this.session) return this.refuse(4003, `op ${payload.op} before IDENTIFY`);
        if (payload.op === 3) return this.presence(payload.d);
        if (payload.op === 8) return this.members(payload.d);
        return;
      default: return this.refuse(4001, `unknown op ${payload.op}`);
    }
  }

  heartbeat(d, now) {
    const { heartbeatInterval } = this.fake;
    this.fake.counts.heartbeats++;
    if (d !== null && !Number.isInteger(d)) return this.refuse(4002, "heartbeat whose d is neither null nor a number");
    if (d > this.lastSent) this.fake.violation(`heartbeat with seq ${d}, sent was ${this.lastSent}`);
    // What was sent three seconds ago must have come.
    const known = this.sentSeqs.findLast(([, at]) => now - at > 3000)?.[0] ?? 0;
    if ((d ?? 0) < known) this.fake.violation(`heartbeat with seq ${d}, but ${known} was sent 3 s before`);
    const gap = now - this.heartbeatAt;
    if (gap > heartbeatInterval + Math.max(heartbeatInterval / 4, 1000)) this.fake.violation(`heartbeat after ${gap} ms, the interval is ${heartbeatInterval} ms`);
    if (this.unacked > 0 && gap > heartbeatInterval * 0.8) this.fake.violation("heartbeat on a connection whose last heartbeat was not acknowledged");
    this.heartbeatAt = now;
    if (this.session && d !== null) this.session.acknowledged = Math.max(this.session.acknowledged, Math.min(d, this.lastSent));
    this.watch();
    this.fake.emit("heartbeat", this.session);
    if (this.fake.muteAcks) this.unacked++;
    else {
      this.unacked = 0;
      this.sendText('{"op":11,"d":null,"s":null,"t":null}');
    }
  }

  identify(d, now) {
    const { fake } = this;
    fake.counts.identifies++;
    fake.emit("identify", d);
    if (this.session) return this.refuse(4005, "IDENTIFY on a connection that has a session");
    if (d === null || typeof d !== "object") return this.refuse(4002, "IDENTIFY without d");
    const { token, intents, properties, shard, presence, large_threshold, compress } = d;
    if (typeof token !== "string") return this.refuse(4002, "IDENTIFY without token");
    this.token = token;
    if (this.resumeUrl) fake.violation("IDENTIFY on the resume url");
    if (fake.fatal.has(token)) fake.violation(`IDENTIFY again after the fatal close code ${fake.fatal.get(token)}`);
    if (/^Bot /i.test(token)) fake.violation("IDENTIFY whose token begins with \"Bot \"");
    const bot = fake.botOf(token);
    if (!bot) return this.close(4004, "Authentication failed.");
    if (!Number.isSafeInteger(intents) || intents < 0) return this.refuse(4013, `IDENTIFY with intents ${JSON.stringify(intents)}`);
    const bits = BigInt(intents);
    if (bits & ~BigInt(KNOWN_INTENTS)) return this.refuse(4013, `IDENTIFY with unknown intents ${intents}`);
    if (bits & ~BigInt(bot.intents)) return this.close(4014, "Disallowed intent(s).");
    for (const key of ["os", "browser", "device"]) {
      if (typeof properties?.[key] !== "string") return this.refuse(4002, `IDENTIFY without properties.${key}`);
    }
    if (large_threshold !== undefined && !(large_threshold >= 50 && large_threshold <= 250)) return this.refuse(4002, "IDENTIFY with a large_threshold outside of 50..250");
    if (shard !== undefined && !(Array.isArray(shard) && shard.length === 2 && shard.every(Number.isInteger) && shard[0] >= 0 && shard[0] < shard[1])) {
      return this.refuse(4010, `IDENTIFY with shard ${JSON.stringify(shard)}`);
    }
    if (presence !== undefined && presence !== null && this.badPresence(presence)) return this.refuse(4002, `IDENTIFY with a bad presence: ${this.badPresence(presence)}`);
    if (compress) {
      if (this.deflate) fake.violation("IDENTIFY with compress on a compressed connection");
      else this.compressEach = true;
    }
    const sinceLast = now - (bot.identifiedAt ?? -Infinity);
    if (sinceLast < fake.identifyGapMs - SLACK) {
      fake.violation(`IDENTIFY ${sinceLast} ms after the one before, one per ${fake.identifyGapMs} ms is allowed`);
      return this.send(9, false);
    }
    const sinceInvalid = now - (bot.invalidatedAt ?? -Infinity);
    if (sinceInvalid < fake.invalidWaitMs - SLACK) fake.violation(`IDENTIFY ${sinceInvalid} ms after INVALID_SESSION`);
    if (fake.sessionStart.remaining <= 0) {
      fake.violation("IDENTIFY with no session start left, the token is reset");
      bot.token = null;
      return this.close(4004, "Authentication failed.");
    }
    fake.sessionStart.remaining--;
    bot.identifiedAt = now;
    const session = new Session(bot, intents, shard ?? [0, 1]);
    session.presence = presence ?? null;
    fake.sessions.push(session);
    this.attach(session);
    const guilds = fake.guildsOf(bot).filter((guild) => inShard(session, guild));
    session.dispatch("READY", {
      v: 10, user_settings: {}, user: { ...bot.user, verified: true, mfa_enabled: false, email: null, flags: 0 }, session_type: "normal", session_id: session.id,
      resume_gateway_url: fake.resumeGatewayUrl, relationships: [], private_channels: [], presences: [], guild_join_requests: [], geo_ordered_rtc_regions: [],
      guilds: guilds.map(({ id }) => ({ id, unavailable: true })), application: { id: bot.applicationId, flags: bot.flags }, auth: {}, _trace: ["[\"gateway-fake\"]"],
      ...(shard ? { shard } : {}),
    });
    if (intents & INTENT.GUILDS) for (const guild of guilds) session.dispatch("GUILD_CREATE", this.gateway.guildCreate(guild, bot));
    fake.emit("ready", session);
  }

  attach(session) {
    const old = session.connection;
    session.connection = this;
    this.session = session;
    if (!old || old === this) return;
    old.session = null;
    if (old.frozen) old.ws.terminate();
    else old.close(4000, "Resumed elsewhere.");
  }

  resume(d, now) {
    const { fake } = this;
    fake.counts.resumes++;
    fake.emit("resume", d);
    if (this.session) return this.refuse(4005, "RESUME on a connection that has a session");
    if (typeof d?.token !== "string" || typeof d.session_id !== "string" || !Number.isInteger(d.seq)) return this.refuse(4002, "RESUME without token, session_id or seq");
    this.token = d.token;
    if (!this.resumeUrl) fake.violation("RESUME on the ordinary url");
    const bot = fake.botOf(d.token);
    if (!bot) return this.close(4004, "Authentication failed.");
    const session = fake.sessions.find(({ id }) => id === d.session_id);
    const left = session && !session.connection && now - session.leftAt > fake.resumeWindowMs;
    if (!session || session.bot !== bot || session.expired || !session.resumable || left) {
      if (!session) fake.violation(`RESUME of a session ${d.session_id} that never was`);
      return this.invalidate(false, bot);
    }
    if (d.seq > session.seq || d.seq < 1) {
      session.expired = true;
      return this.refuse(4007, `RESUME with seq ${d.seq}, the session is at ${session.seq}`);
    }
    if (d.seq < session.acknowledged) fake.violation(`RESUME with seq ${d.seq}, a heartbeat has told ${session.acknowledged}`);
    session.resumes++;
    this.lastSent = d.seq;
    this.attach(session);
    for (const { s, text } of session.log) if (s > d.seq && text !== null) this.sendText(text, s);
    session.dispatch("RESUMED", { _trace: ["[\"gateway-fake\"]"] }, { replayed: false });
    fake.emit("resumed", session);
  }

  invalidate(resumable, bot = this.session?.bot) {
    if (!resumable) {
      if (this.session) {
        this.session.expired = true;
        this.session.connection = null;
        this.session = null;
      }
      if (bot) bot.invalidatedAt = Date.now();
    } else this.leaveSoon("INVALID_SESSION true");
    this.send(9, resumable);
  }

  /** Asked to go; who stays is put out. */
  leaveSoon(what) {
    this.askedToLeave = what;
    this.leaveTimer = setTimeout(() => {
      this.fake.violation(`still connected 5 s after ${what}`);
      this.close(4000, "Unknown error.");
    }, 5000);
    this.leaveTimer.unref();
  }

  badPresence(d) {
    if (d === null || typeof d !== "object") return "not an object";
    if (d.since !== null && d.since !== undefined && !Number.isInteger(d.since)) return "since";
    if (!Array.isArray(d.activities)) return "activities";
    if (d.activities.some((a) => typeof a?.name !== "string" || !Number.isInteger(a.type) || a.type < 0 || a.type > 5)) return "an activity without name or type";
    if (!["online", "dnd", "idle", "invisible", "offline"].includes(d.status)) return "status";
    if (typeof d.afk !== "boolean") return "afk";
    return null;
  }

  presence(d) {
    const bad = this.badPresence(d);
    if (bad) return this.refuse(4002, `bad presence: ${bad}`);
    this.session.presence = d;
    this.fake.emit("presence", this.session, d);
  }

  members(d) {
    const guild = this.fake.guilds.get(d?.guild_id);
    if (!guild || !this.fake.inGuild(this.session.bot, guild)) return;
    let found = [...guild.members.values()];
    if (d.user_ids) found = found.filter(({ user }) => [d.user_ids].flat().includes(user.id));
    else if (d.query) found = found.filter(({ user }) => user.username.toLowerCase().startsWith(d.query.toLowerCase()));
    else if (!(this.session.intents & INTENT.GUILD_MEMBERS)) found = found.filter(({ user }) => user.id === this.session.bot.id);
    if (d.limit) found = found.slice(0, d.limit);
    this.session.dispatch("GUILD_MEMBERS_CHUNK", { guild_id: guild.id, members: found.map(fullMember), chunk_index: 0, chunk_count: 1, ...(d.nonce ? { nonce: d.nonce } : {}) });
  }
}

const inShard = (session, guild) => !guild || Number((BigInt(guild.id) >> 22n) % BigInt(session.shard[1])) === session.shard[0];

export class Gateway {
  constructor(fake) {
    this.fake = fake;
    this.connections = new Set();
    this.wss = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1 << 20, clientTracking: false });
  }

  /** An HTTP upgrade came in. */
  upgrade(request, socket, head, resumeUrl) {
    const { fake } = this;
    const url = new URL(request.url, "ws://fake");
    const record = { at: Date.now(), resumeUrl, url: request.url, status: 101 };
    fake.connections.push(record);
    const refuse = (status, text) => {
      record.status = status;
      socket.on("error", () => {});
      socket.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n`);
    };
    if (fake.refuseConnections > 0) {
      fake.refuseConnections--;
      return refuse(503, "Service Unavailable");
    }
    const bad = (why) => {
      fake.violation(`WebSocket request ${request.url}: ${why}`);
      refuse(400, "Bad Request");
    };
    if (url.pathname !== "/") return bad("the path is not /");
    if (request.headers["sec-websocket-protocol"]) return bad("asks for a subprotocol");
    if (url.searchParams.get("encoding") !== "json") return bad("encoding is not json");
    const compress = url.searchParams.get("compress");
    if (compress !== null && (compress !== "zlib-stream" || fake.zlib === "off")) return bad(`compress=${compress} is not known`);
    this.wss.handleUpgrade(request, socket, head, (ws) => {
      if (url.searchParams.get("v") !== "10") {
        fake.violation(`WebSocket request ${request.url}: v is not 10 (closed with 4012)`);
        ws.on("error", () => {});
        return ws.close(4012, "Invalid API version.");
      }
      this.connections.add(new Connection(this, ws, { resumeUrl, compress: compress !== null }));
    });
  }

  guildCreate(guild, bot) {
    const channels = [...this.fake.channels.values()].filter(({ data, forbidden }) => data.guild_id === guild.id && !forbidden);
    const own = guild.members.get(bot.id);
    return {
      ...guildFields(guild), joined_at: own.joined_at, large: false, unavailable: false, member_count: guild.members.size,
      channels: channels.filter((channel) => !isThread(channel)).map((channel) => channelFields(channel, true)),
      threads: channels.filter((channel) => isThread(channel) && !channel.data.thread_metadata.archived).map((channel) => channelFields(channel, true)),
      members: [fullMember(own)], voice_states: [], presences: [], stage_instances: [], guild_scheduled_events: [], soundboard_sounds: [],
    };
  }

  /**
   * Send an event to every session that is to have it, connected or not (it is replayed then).
   * @param to.guild, to.bot  whose event it is
   * @param to.intents  one of them is needed; 0: none
   * @param shape  what a session sees of it
   */
  dispatch(t, d, { guild, bot, channel, intents = 0 } = {}, shape = (data) => data) {
    for (const session of this.fake.sessions) {
      if (session.expired) continue;
      if (!session.connection && Date.now() - session.leftAt > this.fake.resumeWindowMs) continue;
      if (bot && session.bot !== bot) continue;
      if (guild && !this.fake.inGuild(session.bot, guild)) continue;
      if (channel?.forbidden) continue;
      if (!inShard(session, guild)) continue;
      if (intents && !(session.intents & intents)) continue;
      session.dispatch(t, shape(d, session));
    }
  }

  stop() {
    for (const { ws } of this.connections) ws.terminate();
  }
}

/** Without the MESSAGE_CONTENT intent only some messages are whole. */
export function withoutContent(message, session) {
  if (session.intents & INTENT.MESSAGE_CONTENT) return message;
  const { id } = session.bot;
  if (!message.guild_id || message.author?.id === id || message.mentions?.some((user) => user.id === id)) return message;
  const blank = { ...message };
  for (const [key, value] of [["content", ""], ["embeds", []], ["attachments", []], ["components", []]]) if (key in blank) blank[key] = value;
  if (blank.referenced_message) blank.referenced_message = withoutContent({ ...blank.referenced_message, guild_id: message.guild_id }, session);
  delete blank.poll;
  return blank;
}
