// A strict stand-in for Discord: the gateway and the REST API on 127.0.0.1, a small world behind them, and records of
// what a client did. What a client must not do is in `violations`, which a test expects to be empty.
import { randomBytes } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import { Gateway, withoutContent } from "./gateway.mjs";
import { Rest } from "./rest.mjs";
import {
  CHANNEL, INTENT, KNOWN_INTENTS, PRIVILEGED, channelFields, digest, emojiKey, fullMember, idOf, isDm, isThread, makeRole, makeUser, memberFields, parseEmoji, snowflake, timestamp,
} from "./world.mjs";

export { CHANNEL, INTENT, snowflake };

const ANSWER_MS = 3000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** A property that does not show in JSON. */
const mark = (object, key) => Object.defineProperty(object, key, { value: true, configurable: true });

export class FakeDiscord extends EventEmitter {
  /** See the constructor for the options. */
  static async start(options) {
    const fake = new FakeDiscord(options);
    await fake.listen();
    return fake;
  }

  /**
   * @param bots  [{token, id, username, applicationId, intents: those allowed, flags}]
   * @param guilds  [{id, name, roles: [{id, name}], members: [{user | username, roles, nick}], channels: [{id, type, name, topic, parent, forbidden, readOnly}], emojis, bots: ids}]
   * @param zlib  "stream", "split" or "split-suffix" (one payload over several WebSocket messages), "off" (none to be had)
   * @param rateLimits  {messages: {limit, per}, edits, deletes, reactions, typing, webhooks, other, global}
   */
  constructor({
    bots = [{ token: "bot-token" }], guilds = [{ name: "Guild" }], heartbeatInterval = 41250, identifyGapMs = 5000, invalidWaitMs = 1000, resumeWindowMs = 300000,
    nonceWindowMs = 300000, sessionStart = {}, rateLimits = {}, zlib = "stream",
  } = {}) {
    super();
    Object.assign(this, { heartbeatInterval, identifyGapMs, invalidWaitMs, resumeWindowMs, nonceWindowMs, zlib });
    this.sessionStart = { total: 1000, remaining: 1000, ...sessionStart };
    // Faults that a test sets.
    this.faults = { rest: undefined };
    this.muteAcks = false;
    this.helloDelayMs = 0;
    this.refuseConnections = 0;
    this.fragments = 1;
    // Records.
    this.requests = [];
    this.violations = [];
    this.typing = []; // {channelId, userId, at}
    this.sessions = [];
    this.connections = []; // every WebSocket request: {at, url, resumeUrl, status}
    this.received = []; // every payload of a client: {at, payload}
    this.closes = []; // {code, byClient, at, session}
    this.counts = { identifies: 0, resumes: 0, heartbeats: 0, gatewayBot: 0, limited: 0, invalid: 0, sockets: 0 };
    this.deduplicated = 0;
    // The world.
    this.users = new Map();
    this.guilds = new Map();
    this.channels = new Map();
    this.webhooks = new Map();
    this.interactions = new Map();
    this.attached = new Map();
    this.nonces = new Map();
    this.refusing = new Set(); // users that take no DM
    this.fatal = new Map(); // tokens that were told a fatal close code
    this.gateway = new Gateway(this);
    this.rest = new Rest(this, rateLimits);
    this.bots = bots.map((bot) => this.makeBot(bot));
    for (const guild of guilds) this.addGuild(guild);
  }

  makeBot({ token, id = snowflake(), username = "bot", applicationId = snowflake(), intents = (KNOWN_INTENTS & ~PRIVILEGED) | INTENT.MESSAGE_CONTENT, flags }) {
    // The limited flags: the app is in fewer than 100 guilds.
    const own = (intents & INTENT.MESSAGE_CONTENT ? 1 << 19 : 0) | (intents & INTENT.GUILD_MEMBERS ? 1 << 15 : 0) | (intents & INTENT.GUILD_PRESENCES ? 1 << 13 : 0);
    const user = makeUser({ id, username, bot: true });
    this.users.set(id, user);
    return { id, user, token, applicationId, intents, flags: flags ?? own, owner: makeUser({ username: "owner" }), commands: new Map() };
  }

  async listen() {
    const servers = [false, true].map((resumeUrl) => {
      const server = createServer((request, response) => {
        if (resumeUrl) {
          this.violation(`${request.method} ${request.url} on the resume url`);
          response.writeHead(404).end();
          return;
        }
        this.rest.serve(request, response).catch((error) => {
          this.violation(`the fake itself failed at ${request.method} ${request.url}: ${error.stack}`);
          if (!response.headersSent) response.writeHead(500);
          response.end("<html><body>500</body></html>");
        });
      });
      server.keepAliveTimeout = 60000;
      server.on("connection", () => this.counts.sockets++);
      server.on("upgrade", (request, socket, head) => this.gateway.upgrade(request, socket, head, resumeUrl));
      server.on("clientError", (error, socket) => {
        if (error.code?.startsWith("HPE_")) this.violation(`broken HTTP: ${error.message}`);
        socket.destroy();
      });
      return server.listen(0, "127.0.0.1");
    });
    await Promise.all(servers.map((server) => once(server, "listening")));
    this.servers = servers;
    const [port, resumePort] = servers.map((server) => server.address().port);
    this.origin = `http://127.0.0.1:${port}`;
    this.apiBase = `${this.origin}/api/v10`;
    this.gatewayUrl = `ws://127.0.0.1:${port}`;
    this.resumeGatewayUrl = `ws://127.0.0.1:${resumePort}`;
  }

  async stop() {
    for (const { timer } of this.interactions.values()) clearTimeout(timer);
    this.gateway.stop();
    await Promise.all(
      this.servers.map((server) => {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        return closed;
      }),
    );
  }

  violation(text) {
    this.violations.push(text);
    this.emit("violation", text);
  }

  /** Wait until `look` finds something. */
  async until(what, look, ms = 10000) {
    const deadline = Date.now() + ms;
    for (;;) {
      const found = await look();
      if (found) return found;
      if (Date.now() > deadline) {
        const last = this.requests.slice(-5).map(({ method, path, status }) => `${method} ${path} ${status}`);
        throw new Error(`${what} did not come in ${ms} ms\nviolations: ${JSON.stringify(this.violations)}\nlast requests: ${JSON.stringify(last)}\ncounts: ${JSON.stringify(this.counts)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  // ---- Who is where ----------------------------------------------------------------------------------------------

  botOf(token) {
    return this.bots.find((bot) => bot.token !== null && bot.token === token);
  }

  bot(which) {
    if (!which) return this.bots[0];
    return this.bots.find(({ id }) => id === idOf(which)) ?? this.unknown("bot", which);
  }

  inGuild(bot, guild) {
    return guild?.members.has(bot.id) ?? false;
  }

  guildsOf(bot) {
    return [...this.guilds.values()].filter((guild) => this.inGuild(bot, guild));
  }

  unknown(what, which) {
    throw new Error(`there is no ${what} ${JSON.stringify(idOf(which))}`);
  }

  guild(which) {
    return this.guilds.get(idOf(which)) ?? [...this.guilds.values()].find(({ name }) => name === which) ?? this.unknown("guild", which);
  }

  /** The channel's record {data, messages, forbidden, readOnly, ...} by id, object or name. */
  channel(which) {
    return this.channels.get(idOf(which)) ?? [...this.channels.values()].find(({ data }) => data.name !== undefined && data.name === which) ?? this.unknown("channel", which);
  }

  user(which) {
    return this.users.get(idOf(which)) ?? [...this.users.values()].find(({ username }) => username === which) ?? this.unknown("user", which);
  }

  /** @returns the stored messages of a channel, oldest first. @param bot  only those by bots */
  messages(channel, { bot = false } = {}) {
    return [...this.channel(channel).messages.values()].filter(({ author }) => !bot || author.bot);
  }

  message(which, channel) {
    const id = idOf(which);
    const where = channel ? [this.channel(channel)] : [...this.channels.values()];
    for (const record of where) if (record.messages.has(id)) return [record, record.messages.get(id)];
    return this.unknown("message", which);
  }

  // ---- Building the world ----------------------------------------------------------------------------------------

  addGuild({ id = snowflake(), name = "Guild", roles = [], members = [], channels = [], emojis = [], bots, owner_id } = {}) {
    const guild = { id, name, emojis: emojis.map((emoji) => ({ roles: [], require_colons: true, managed: false, animated: false, available: true, ...emoji })), roles: [], members: new Map(), owner_id };
    this.guilds.set(id, guild);
    guild.roles.push(makeRole(id, { name: "@everyone", permissions: "2251800082122304", position: 0 }), ...roles.map((role, i) => makeRole(id, { position: i + 1, ...role })));
    for (const bot of this.bots) if (!bots || bots.includes(bot.id)) this.join(guild, bot.user);
    for (const member of members) {
      const known = member.user !== undefined && (this.users.get(idOf(member.user)) ?? [...this.users.values()].find(({ username }) => username === member.user));
      this.join(guild, known || this.makePerson(typeof member.user === "object" ? member.user : member), member);
    }
    guild.owner_id ??= [...guild.members.values()].find(({ user }) => !user.bot)?.user.id ?? snowflake();
    for (const channel of channels) this.addChannel(guild, channel, { silent: true });
    this.gateway.dispatch("GUILD_CREATE", null, { guild, intents: INTENT.GUILDS }, (_, session) => this.gateway.guildCreate(guild, session.bot));
    return guild;
  }

  makePerson({ refusesDm = false, ...fields }) {
    const user = makeUser(fields);
    this.users.set(user.id, user);
    if (refusesDm) this.refusing.add(user.id);
    return user;
  }

  join(guild, user, { roles = [], nick = null } = {}) {
    const ids = roles.map((role) => guild.roles.find(({ id, name }) => id === idOf(role) || name === role)?.id ?? this.unknown("role", role));
    const member = { user, roles: ids, nick, joined_at: timestamp() };
    guild.members.set(user.id, member);
    return member;
  }

  /** @param refusesDm  403/50007 for who writes to it. @param guilds  where it is a member; every guild unless given */
  addUser({ guilds, roles, nick, ...fields }) {
    const user = this.makePerson(fields);
    for (const guild of guilds ? guilds.map((which) => this.guild(which)) : this.guilds.values()) {
      const member = this.join(guild, user, { roles, nick });
      this.gateway.dispatch("GUILD_MEMBER_ADD", { ...fullMember(member), guild_id: guild.id }, { guild, intents: INTENT.GUILD_MEMBERS });
    }
    return user;
  }

  /** @param forbidden  the bot must not see it: 403/50001. @param readOnly  it may not write: 403/50013 */
  addChannel(guild, { id = snowflake(), type = CHANNEL.TEXT, name = "channel", topic = null, parent = null, forbidden = false, readOnly = false, manageMessages = false, threads = [], ...rest } = {}, { silent = false } = {}) {
    const home = this.guild(guild);
    const parentId = parent === null ? null : this.channel(parent).data.id;
    const forum = type === CHANNEL.FORUM || type === CHANNEL.MEDIA;
    const data = {
      id, type, name, topic, guild_id: home.id, parent_id: parentId, position: this.channels.size, permission_overwrites: [], nsfw: false, rate_limit_per_user: 0, flags: 0, last_message_id: null,
      ...(forum ? { available_tags: [], default_reaction_emoji: null, default_sort_order: null, default_forum_layout: 0 } : {}), ...rest,
    };
    const record = { data, messages: new Map(), forbidden, readOnly, manageMessages };
    this.channels.set(id, record);
    if (!silent) this.gateway.dispatch("CHANNEL_CREATE", channelFields(record), { guild: home, channel: record, intents: INTENT.GUILDS });
    for (const thread of threads) this.createThread({ channel: id, silent, ...thread });
    return data;
  }

  updateChannel(which, changes) {
    const record = this.channel(which);
    Object.assign(record.data, changes);
    const t = isThread(record) ? "THREAD_UPDATE" : "CHANNEL_UPDATE";
    this.gateway.dispatch(t, channelFields(record), { guild: this.guilds.get(record.data.guild_id), channel: record, intents: INTENT.GUILDS });
    return channelFields(record);
  }

  deleteChannel(which) {
    const record = this.channel(which);
    const { id, guild_id, parent_id, type } = record.data;
    this.channels.delete(id);
    const [t, d] = isThread(record) ? ["THREAD_DELETE", { id, guild_id, parent_id, type }] : ["CHANNEL_DELETE", channelFields(record)];
    this.gateway.dispatch(t, d, { guild: this.guilds.get(guild_id), channel: record, intents: INTENT.GUILDS });
  }

  /** The guild is gone for a while: GUILD_DELETE with unavailable; `back` ends it. */
  guildOutage(which) {
    const guild = this.guild(which);
    this.gateway.dispatch("GUILD_DELETE", { id: guild.id, unavailable: true }, { guild, intents: INTENT.GUILDS });
    return { back: () => this.gateway.dispatch("GUILD_CREATE", null, { guild, intents: INTENT.GUILDS }, (_, session) => this.gateway.guildCreate(guild, session.bot)) };
  }

  dmChannel(user, bot = this.bots[0]) {
    for (const record of this.channels.values()) if (record.data.type === CHANNEL.DM && record.bot === bot && record.data.recipients[0].id === user.id) return record;
    const id = snowflake();
    const record = { data: { id, type: CHANNEL.DM, last_message_id: null, flags: 0, recipients: [user] }, messages: new Map(), bot };
    this.channels.set(id, record);
    return record;
  }

  /**
   * From a message when `message` is given. In a forum `content` is the first message.
   * @returns the thread's channel object
   */
  createThread({ channel, message, name = "thread", owner, minutes, type, content, silent = false, id, archived = false, locked = false, forbidden = false }) {
    const parent = this.channel(channel);
    const guild = this.guild(parent.data.guild_id);
    const starter = message && this.message(message, channel)[1];
    const by = owner ? this.user(owner) : this.user(guild.owner_id);
    const record = {
      data: {
        id: starter?.id ?? id ?? snowflake(), type: type ?? (parent.data.type === CHANNEL.NEWS ? CHANNEL.NEWS_THREAD : CHANNEL.THREAD), name, guild_id: guild.id, parent_id: parent.data.id, owner_id: by.id,
        last_message_id: null, message_count: 0, member_count: 1, total_message_sent: 0, rate_limit_per_user: 0, flags: 0,
        thread_metadata: { archived, locked, auto_archive_duration: minutes ?? 1440, archive_timestamp: timestamp(), create_timestamp: timestamp() },
      },
      messages: new Map(), forbidden,
    };
    this.channels.set(record.data.id, record);
    const fields = channelFields(record);
    if (!silent) this.gateway.dispatch("THREAD_CREATE", { ...fields, newly_created: true }, { guild, channel: record, intents: INTENT.GUILDS });
    if (starter) this.change(parent, starter, { thread: fields, flags: starter.flags | 32 }, undefined, { silent });
    else if (!silent && record.data.type !== CHANNEL.PRIVATE_THREAD && parent.data.type !== CHANNEL.FORUM && parent.data.type !== CHANNEL.MEDIA) {
      this.post(parent, { author: by, content: name, type: 18, message_reference: { type: 0, channel_id: record.data.id, guild_id: guild.id } });
    }
    if (content !== undefined) this.post(record, { author: by, content, id: record.data.id, silent });
    return fields;
  }

  addWebhook({ id = snowflake(), token = randomBytes(34).toString("base64url"), channel, name = "hook" }) {
    const webhook = { id, token, name, type: 1, channel_id: this.channel(channel).data.id };
    this.webhooks.set(id, webhook);
    return { ...webhook, url: `${this.apiBase}/webhooks/${id}/${token}` };
  }

  // ---- Messages --------------------------------------------------------------------------------------------------

  /** Keeps a file to be fetched by its (signed) url. @returns the attachment of a message */
  attach(channelId, { filename = "file.txt", data = "", content_type, description, ...rest }) {
    const id = snowflake();
    const bytes = Buffer.from(data);
    const name = filename.replaceAll(/[^\w.-]/g, "_");
    const path = `/attachments/${channelId}/${id}/${name}`;
    const contentType = content_type ?? "application/octet-stream";
    const expires = Date.now() + DAY_MS;
    const hm = digest(path + expires);
    this.attached.set(path, { data: bytes, contentType, hm, expires });
    const hex = (ms) => Math.floor(ms / 1000).toString(16);
    const url = `${this.origin}${path}?ex=${hex(expires)}&is=${hex(expires - DAY_MS)}&hm=${hm}`;
    return { id, filename: name, size: bytes.length, url, proxy_url: url, ...(content_type ? { content_type } : {}), ...(description ? { description } : {}), ...rest };
  }

  /** Whom a text pings. @param allowed  allowed_mentions; null: everything pings */
  pings(channel, content, allowed, target) {
    const guild = this.guilds.get(channel.data.guild_id);
    const may = (kind, id) => !allowed || (allowed.parse ?? []).includes(kind) || (allowed[kind] ?? []).includes(id);
    const found = (pattern) => [...new Set([...content.matchAll(pattern)].map((match) => match[1]))];
    const users = found(/<@!?(\d+)>/g).filter((id) => this.users.has(id) && may("users", id));
    const replied = allowed ? allowed.replied_user === true : true;
    if (target && replied && this.users.has(target.author.id) && !users.includes(target.author.id)) users.push(target.author.id);
    const roles = guild ? found(/<@&(\d+)>/g).filter((id) => guild.roles.some((role) => role.id === id) && may("roles", id)) : [];
    return { mentions: users.map((id) => this.users.get(id)), mention_roles: roles, mention_everyone: Boolean(guild) && /@(?:everyone|here)\b/.test(content) && may("everyone") };
  }

  /** Stores a message and tells the sessions. Everything that writes comes through here. */
  post(channel, { author, content = "", embeds = [], components = [], tts = false, flags = 0, attachments = [], allowed = null, nonce, target = null, reference, type, id = snowflake(), hidden = false, silent = false, ...rest }) {
    const { data } = channel;
    const message = {
      id, type: type ?? (target || reference ? 19 : 0), channel_id: data.id, author, content, timestamp: timestamp(), edited_timestamp: null, tts, ...this.pings(channel, content, allowed, target),
      attachments: attachments.map((given) => (given.url ? { id: snowflake(), size: 0, proxy_url: given.url, ...given } : this.attach(data.id, given))), embeds, pinned: false, components, flags,
      ...(nonce === undefined ? {} : { nonce }),
    };
    if (target || reference) {
      message.message_reference = { type: 0, message_id: target?.id ?? reference, channel_id: data.id, ...(data.guild_id ? { guild_id: data.guild_id } : {}) };
      // One level only, and null when it was deleted.
      message.referenced_message = target ? (({ referenced_message, ...own }) => own)(target) : null;
    }
    Object.assign(message, rest);
    if (hidden) mark(message, "hidden");
    else {
      channel.messages.set(id, message);
      data.last_message_id = id;
      if (isThread(channel)) {
        data.message_count++;
        data.total_message_sent++;
      }
      if (!silent) this.tell("MESSAGE_CREATE", channel, this.event(channel, message), withoutContent);
    }
    return message;
  }

  /** A message as the gateway tells it. */
  event(channel, message) {
    const guild = this.guilds.get(channel.data.guild_id);
    const event = { ...message, channel_type: channel.data.type };
    if (!guild) return event;
    event.guild_id = guild.id;
    const member = message.webhook_id ? null : guild.members.get(message.author.id);
    if (member) event.member = memberFields(member);
    event.mentions = message.mentions.map((user) => (guild.members.has(user.id) ? { ...user, member: memberFields(guild.members.get(user.id)) } : user));
    return event;
  }

  /** Tells those who have the intent for this kind of event in this kind of channel. */
  tell(t, channel, d, shape) {
    const kind = t.startsWith("MESSAGE_REACTION") ? "REACTIONS" : t === "TYPING_START" ? "TYPING" : "";
    const dm = isDm(channel);
    const intents = INTENT[{ REACTIONS: dm ? "DIRECT_MESSAGE_REACTIONS" : "GUILD_MESSAGE_REACTIONS", TYPING: dm ? "DIRECT_MESSAGE_TYPING" : "GUILD_MESSAGE_TYPING", "": dm ? "DIRECT_MESSAGES" : "GUILD_MESSAGES" }[kind]];
    this.gateway.dispatch(t, d, { guild: this.guilds.get(channel.data.guild_id), bot: channel.bot, channel, intents }, shape);
  }

  change(channel, message, { edited = false, ...changes }, allowed, { silent = false } = {}) {
    Object.assign(message, changes);
    if ("content" in changes) {
      const target = message.referenced_message ?? null;
      Object.assign(message, this.pings(channel, message.content, allowed ?? null, target));
    }
    if (edited) message.edited_timestamp = timestamp();
    if (!message.hidden && !silent) this.tell("MESSAGE_UPDATE", channel, this.event(channel, message), withoutContent);
    return message;
  }

  remove(channel, message) {
    mark(message, "deleted");
    channel.messages.delete(message.id);
    for (const other of channel.messages.values()) if (other.message_reference?.message_id === message.id && "referenced_message" in other) other.referenced_message = null;
    const { guild_id } = channel.data;
    if (!message.hidden) this.tell("MESSAGE_DELETE", channel, { id: message.id, channel_id: channel.data.id, ...(guild_id ? { guild_id } : {}) });
  }

  /** A message as REST shows it to a bot. */
  shown(message, bot) {
    const { nonce, ...fields } = message;
    if (fields.reactions) fields.reactions = fields.reactions.map((reaction) => ({ ...reaction, me: reaction.who.has(bot.id) }));
    return fields;
  }

  reactors(message, emoji) {
    const reaction = message.reactions?.find((other) => emojiKey(other.emoji) === emojiKey(emoji));
    return reaction ? [...reaction.who].map((id) => this.users.get(id)) : [];
  }

  setReaction(channel, message, emoji, user, add) {
    message.reactions ??= [];
    let reaction = message.reactions.find((other) => emojiKey(other.emoji) === emojiKey(emoji));
    if (!reaction) {
      reaction = { emoji, count: 0, count_details: { burst: 0, normal: 0 }, burst_colors: [], me: false, me_burst: false };
      Object.defineProperty(reaction, "who", { value: new Set() });
      message.reactions.push(reaction);
    }
    const had = reaction.who.has(user.id);
    if (add) reaction.who.add(user.id);
    else reaction.who.delete(user.id);
    reaction.count = reaction.count_details.normal = reaction.who.size;
    if (!reaction.count) message.reactions.splice(message.reactions.indexOf(reaction), 1);
    if (!message.reactions.length) delete message.reactions;
    if (had === add) return;
    const guild = this.guilds.get(channel.data.guild_id);
    const member = guild?.members.get(user.id);
    this.tell(add ? "MESSAGE_REACTION_ADD" : "MESSAGE_REACTION_REMOVE", channel, {
      user_id: user.id, channel_id: channel.data.id, message_id: message.id, emoji, burst: false, type: 0, ...(guild ? { guild_id: guild.id } : {}),
      ...(add && member ? { member: fullMember(member) } : {}), ...(add ? { message_author_id: message.author.id } : {}),
    });
  }

  typed(channel, user) {
    const { id, guild_id } = channel.data;
    this.typing.push({ channelId: id, userId: user.id, at: Date.now() });
    const member = this.guilds.get(guild_id)?.members.get(user.id);
    this.tell("TYPING_START", channel, { channel_id: id, user_id: user.id, timestamp: Math.floor(Date.now() / 1000), ...(guild_id ? { guild_id } : {}), ...(member ? { member: fullMember(member) } : {}) });
    this.emit("typing", id, user.id);
  }

  typingIn(channel) {
    const { id } = this.channel(channel).data;
    return this.typing.filter(({ channelId }) => channelId === id);
  }

  // ---- What people do --------------------------------------------------------------------------------------------

  /**
   * Somebody writes. Whom it pings follows from the text, and `mentions` names more.
   * @param reference  message (or its id, which need not exist) that it answers; `ping: false` answers without a ping
   * @param attachments  [{filename, data, content_type}], or with `url` to be taken as they are
   * @param silent  only stored, as if it had been written before the bot came
   */
  say({ channel, author, content = "", mentions = [], reference, ping = true, webhook_id, username = "hook", ...rest }) {
    const record = this.channel(channel);
    const by = webhook_id ? { id: webhook_id, username, global_name: null, avatar: null, discriminator: "0000", public_flags: 0, bot: true } : this.user(author ?? this.somebody(record));
    const target = reference ? (record.messages.get(idOf(reference)) ?? null) : null;
    const pings = this.pings(record, content, null, ping ? target : null);
    for (const user of mentions.map((which) => this.user(which))) if (!pings.mentions.includes(user)) pings.mentions.push(user);
    return this.post(record, { author: by, content, target, reference: reference && idOf(reference), ...(webhook_id ? { webhook_id } : {}), ...pings, ...rest });
  }

  somebody(record) {
    if (isDm(record)) return record.data.recipients[0];
    return [...this.guild(record.data.guild_id).members.values()].find(({ user }) => !user.bot)?.user ?? this.unknown("person", record.data.guild_id);
  }

  dm(user, content, { bot, ...rest } = {}) {
    const by = this.user(user);
    return this.say({ channel: this.dmChannel(by, this.bot(bot)).data.id, author: by, content, ...rest });
  }

  /** @param changes  the text, or fields. @param partial  MESSAGE_UPDATE has the ids only */
  editMessage(which, changes, { partial = false } = {}) {
    const [channel, message] = this.message(which);
    const fields = typeof changes === "string" ? { content: changes } : changes;
    this.change(channel, message, { edited: true, ...fields }, null, { silent: partial });
    const { guild_id } = channel.data;
    if (partial) this.tell("MESSAGE_UPDATE", channel, { id: message.id, channel_id: channel.data.id, ...(guild_id ? { guild_id } : {}) });
    return message;
  }

  deleteMessage(which) {
    this.remove(...this.message(which));
  }

  deleteMessages(list) {
    const found = list.map((which) => this.message(which));
    const [channel] = found[0];
    for (const [record, message] of found) record.messages.delete(message.id);
    const { id, guild_id } = channel.data;
    this.tell("MESSAGE_DELETE_BULK", channel, { ids: found.map(([, message]) => message.id), channel_id: id, ...(guild_id ? { guild_id } : {}) });
  }

  /** @param remove  take it back */
  react({ message, user, emoji = "👍", remove = false }) {
    const [channel, found] = this.message(message);
    const parsed = parseEmoji(emoji, this.guilds.get(channel.data.guild_id)) ?? this.unknown("emoji", emoji);
    this.setReaction(channel, found, parsed, this.user(user ?? this.somebody(channel)), !remove);
  }

  /**
   * Somebody uses a command (2), a component (3), autocomplete (4) or a modal (5).
   * @param options  {name: value} or the list of the protocol. @param message  that has the component
   * @param mayBeLate  no answer in 3 s is no violation
   * @returns {id, token, payload, acknowledgedAt, callback, original, followups}
   */
  interact({ type = 2, name, options, channel, user, customId, values, message, components, focused, bot, mayBeLate = false, data = {} }) {
    const of = this.bot(bot);
    const record = this.channel(channel);
    const by = this.user(user ?? this.somebody(record));
    const guild = this.guilds.get(record.data.guild_id);
    const interaction = { id: snowflake(), token: randomBytes(96).toString("base64url"), at: Date.now(), bot: of, followups: [], messages: new Map(), original: null, callback: null, acknowledgedAt: 0 };
    const of2 = type === 2 || type === 4 ? this.commandData(of, guild, name, options, focused) : {};
    const of3 = type === 3 || type === 5 ? { custom_id: customId, ...(type === 3 ? { component_type: values ? 3 : 2, ...(values ? { values } : {}) } : { components: components ?? [] }) } : {};
    interaction.payload = {
      id: interaction.id, application_id: of.applicationId, type, token: interaction.token, version: 1, data: { ...of2, ...of3, ...data }, channel_id: record.data.id, channel: channelFields(record),
      locale: "en-US", app_permissions: "2251800082122304", entitlements: [], authorizing_integration_owners: guild ? { 0: guild.id } : { 0: "0" }, context: guild ? 0 : 1, attachment_size_limit: 10485760,
      ...(guild ? { guild_id: guild.id, guild: { id: guild.id, locale: "en-US", features: [] }, guild_locale: "en-US" } : {}),
      ...(guild?.members.has(by.id) ? { member: { ...fullMember(guild.members.get(by.id)), permissions: "2251800082122304" } } : { user: by }),
      ...(message ? { message: this.shown(this.message(message)[1], of) } : {}),
    };
    this.interactions.set(interaction.id, interaction);
    if (!mayBeLate) interaction.timer = setTimeout(() => this.violation(`interaction ${interaction.id} (${name ?? customId}) had no answer in 3 s`), ANSWER_MS).unref();
    this.gateway.dispatch("INTERACTION_CREATE", interaction.payload, { bot: of, guild });
    return interaction;
  }

  commandData(bot, guild, name, options = {}, focused) {
    const command = [...(guild ? (bot.commands.get(guild.id) ?? []) : []), ...(bot.commands.get("global") ?? [])].find((other) => other.name === name);
    if (!command) throw new Error(`the bot has no command ${name}`);
    const list = Array.isArray(options)
      ? options
      : Object.entries(options).map(([key, value]) => {
          const option = command.options?.find((other) => other.name === key) ?? this.unknown("option", key);
          return { name: key, type: option.type, value, ...(focused === key ? { focused: true } : {}) };
        });
    return { id: command.id, name, type: command.type, ...(list.length ? { options: list } : {}), ...(command.guild_id ? { guild_id: command.guild_id } : {}) };
  }

  // ---- Faults ----------------------------------------------------------------------------------------------------

  /** The network is gone: every WebSocket ends without a close frame. */
  dropAll() {
    for (const connection of this.gateway.connections) {
      connection.closedByUs = 1006;
      connection.ws.terminate();
    }
  }

  closeAll(code, reason = "") {
    for (const connection of this.gateway.connections) {
      // 4003, 4007 and 4009 mean that the session is gone.
      if (connection.session && [4003, 4007, 4009].includes(code)) connection.session.expired = true;
      connection.close(code, reason);
    }
  }

  /** The peer is dead, TCP does not know it: nothing is read, nothing is sent, a close frame is not answered. */
  freeze() {
    for (const connection of this.gateway.connections) {
      connection.frozen = true;
      clearTimeout(connection.watchTimer);
      connection.ws.pause();
    }
  }

  /** Op 7. */
  reconnect() {
    for (const connection of this.gateway.connections) {
      connection.send(7, null);
      connection.leaveSoon("RECONNECT");
    }
  }

  /** Op 9. */
  invalidateSession(resumable) {
    for (const connection of this.gateway.connections) connection.invalidate(resumable);
  }

  /** Op 1: the server asks for a heartbeat. */
  requestHeartbeat() {
    for (const connection of this.gateway.connections) connection.send(1, null);
  }

  /** No session can be resumed any more. */
  expireSessions() {
    for (const session of this.sessions) session.resumable = false;
  }

  /** The operator has repaired the token or the intents: identifying again is no violation. */
  forgive() {
    this.fatal.clear();
    this.rest.unauthorized.clear();
  }

  /** The next n REST calls, whatever they are, are answered with 429. @param retryAfter  seconds. @param html  as the edge does it: no JSON */
  limitNext(n, { retryAfter = 0.5, global = false, scope, html = false } = {}) {
    this.rest.limits.forced = { n, retryAfter, global, scope, html };
  }

  /** Any event to every session. */
  dispatch(t, d) {
    this.gateway.dispatch(t, d);
  }

  /** Any payload (text, or an object) to every connection, outside of the sequence. @param fragments  over so many frames */
  sendRaw(payload, { fragments = 1 } = {}) {
    const text = typeof payload === "string" ? payload : JSON.stringify(payload);
    for (const connection of this.gateway.connections) {
      if (fragments > 1 && !connection.deflate) connection.sendParts(Buffer.from(text), fragments, false);
      else connection.sendText(text);
    }
  }
}
