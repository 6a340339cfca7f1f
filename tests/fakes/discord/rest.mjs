// The REST half of the fake: reads requests, judges them, answers.
import { Limits } from "./limits.mjs";
import { badCommands } from "./commands.mjs";
import { CHANNEL, channelFields, digest, emojiKey, fullMember, guildFields, holdsMessages, illFormed, isDm, isId, isThread, parseEmoji, snowflake } from "./world.mjs";

const MAX_BODY = 120 << 20;
const MAX_FILE = 10 << 20;
const INTERACTION_TOKEN_MS = 15 * 60 * 1000;
const ARCHIVE_MINUTES = [60, 1440, 4320, 10080];

export class ApiError extends Error {
  constructor(status, code, message, errors) {
    super(message);
    Object.assign(this, { status, code, errors });
  }
}

const MESSAGES = {
  10003: [404, "Unknown Channel"], 10004: [404, "Unknown Guild"], 10007: [404, "Unknown Member"], 10008: [404, "Unknown Message"], 10013: [404, "Unknown User"], 10014: [400, "Unknown Emoji"],
  10015: [404, "Unknown Webhook"], 10062: [404, "Unknown interaction"], 10063: [404, "Unknown application command"], 30010: [400, "Maximum number of reactions reached (20)"],
  30032: [400, "Maximum number of application commands reached (100)."], 40005: [413, "Request entity too large"], 40060: [400, "Interaction has already been acknowledged."],
  50001: [403, "Missing Access"], 50005: [403, "Cannot edit a message authored by another user"], 50006: [400, "Cannot send an empty message"],
  50007: [403, "Cannot send messages to this user"], 50008: [400, "Cannot send messages in a non-text channel"], 50013: [403, "Missing Permissions"], 50027: [401, "Invalid Webhook Token"],
  50033: [400, "Invalid Recipient(s)"], 50083: [400, "Thread is archived"], 50109: [400, "The request body contains invalid JSON."], 160004: [400, "A thread has already been created for this message"],
};

export function fail(code) {
  const [status, message] = MESSAGES[code];
  throw new ApiError(status, code, message);
}

/** 400 with the field that is wrong. @param path  "content" or "embeds.0.title" */
export function badForm(path, code, message) {
  let errors = { _errors: [{ code, message }] };
  for (const key of path.split(".").reverse()) errors = { [key]: errors };
  throw new ApiError(400, 50035, "Invalid Form Body", errors);
}

const unauthorized = () => new ApiError(401, 0, "401: Unauthorized");

// ---- Bodies ----------------------------------------------------------------------------------------------------

function decodeJson(bytes) {
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ApiError(400, 50109, "The request body contains invalid JSON. (not UTF-8)");
  }
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    fail(50109);
  }
  if (illFormed(value)) throw new ApiError(400, 50109, "The request body contains invalid JSON. (lone surrogate)");
  return value;
}

/** multipart/form-data: payload_json and the files. */
function decodeMultipart(bytes, type) {
  const bad = (why) => {
    throw new ApiError(400, 50035, `Invalid Form Body (${why})`);
  };
  const boundary = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i.exec(type);
  if (!boundary) bad("multipart without boundary");
  const mark = Buffer.from(`--${boundary[1] ?? boundary[2]}`);
  let at = bytes.indexOf(mark);
  if (at !== 0) bad("multipart does not begin with its boundary");
  const files = new Map();
  let payload;
  for (;;) {
    at += mark.length;
    if (bytes.subarray(at, at + 2).toString() === "--") break;
    if (bytes.subarray(at, at + 2).toString() !== "\r\n") bad("boundary without CRLF");
    const headEnd = bytes.indexOf("\r\n\r\n", at);
    // The mark with CRLF before it: the same bytes inside of a line belong to the file.
    const next = headEnd < 0 ? -1 : bytes.indexOf(Buffer.concat([Buffer.from("\r\n"), mark]), headEnd + 2);
    if (next < 0) bad("multipart without its end");
    const head = bytes.subarray(at + 2, headEnd).toString();
    const body = bytes.subarray(headEnd + 4, Math.max(next, headEnd + 4));
    const disposition = /^content-disposition:\s*form-data(.*)$/im.exec(head)?.[1] ?? bad("part without Content-Disposition");
    const name = /;\s*name="([^"]*)"/i.exec(disposition)?.[1];
    const filename = /;\s*filename="([^"]*)"/i.exec(disposition)?.[1];
    const contentType = /^content-type:\s*(.*?)\s*$/im.exec(head)?.[1] ?? null;
    const file = /^files\[(\d+)\]$/.exec(name ?? "");
    if (name === "payload_json") payload = decodeJson(body);
    else if (!file) bad(`part with the name ${name}`);
    else if (!filename) bad(`${name} without filename`);
    else if (files.has(Number(file[1]))) bad(`${name} twice`);
    else files.set(Number(file[1]), { name, filename, contentType, data: Buffer.from(body) });
    at = next + 2;
  }
  if (files.size > 10) bad("more than 10 files");
  for (const { data } of files.values()) if (data.length > MAX_FILE) fail(40005);
  return { payload: payload ?? {}, files };
}

// ---- What may be in a message ----------------------------------------------------------------------------------

function checkAllowedMentions(mentions) {
  if (mentions === undefined || mentions === null) return;
  const at = (key) => `allowed_mentions.${key}`;
  if (typeof mentions !== "object" || Array.isArray(mentions)) badForm("allowed_mentions", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType");
  for (const key of Object.keys(mentions)) if (!["parse", "users", "roles", "replied_user"].includes(key)) badForm(at(key), "UNKNOWN_FIELD", "not a field of allowed_mentions");
  const parse = mentions.parse ?? [];
  if (!Array.isArray(parse) || parse.some((what) => !["users", "roles", "everyone"].includes(what))) badForm(at("parse"), "BASE_TYPE_CHOICES", "Value must be one of ('everyone', 'roles', 'users').");
  for (const key of ["users", "roles"]) {
    const ids = mentions[key] ?? [];
    if (!Array.isArray(ids) || !ids.every(isId)) badForm(at(key), "NUMBER_TYPE_COERCE", "Value is not snowflake.");
    if (ids.length > 100) badForm(at(key), "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.");
    if (ids.length && parse.includes(key)) badForm("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", `parse:["${key}"] and ${key}: [ids...] are mutually exclusive.`);
  }
  if (mentions.replied_user !== undefined && typeof mentions.replied_user !== "boolean") badForm(at("replied_user"), "BOOLEAN_TYPE_CONVERT", "Must be either true or false.");
}

function checkEmbeds(embeds) {
  if (embeds === undefined || embeds === null) return;
  if (!Array.isArray(embeds)) badForm("embeds", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType");
  if (embeds.length > 10) badForm("embeds", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.");
  let total = 0;
  embeds.forEach((embed, i) => {
    for (const [key, text, max] of [
      ["title", embed?.title, 256], ["description", embed?.description, 4096], ["footer.text", embed?.footer?.text, 2048], ["author.name", embed?.author?.name, 256],
      ...(embed?.fields ?? []).flatMap((field, j) => [[`fields.${j}.name`, field?.name, 256], [`fields.${j}.value`, field?.value, 1024]]),
    ]) {
      if (text === undefined || text === null) continue;
      if (typeof text !== "string") badForm(`embeds.${i}.${key}`, "STRING_TYPE_CONVERT", "Could not interpret as string.");
      if ([...text].length > max) badForm(`embeds.${i}.${key}`, "BASE_TYPE_MAX_LENGTH", `Must be ${max} or fewer in length.`);
      total += [...text].length;
    }
    if ((embed?.fields?.length ?? 0) > 25) badForm(`embeds.${i}.fields`, "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.");
  });
  if (total > 6000) badForm("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000");
}

/** Checks a message's body. @param fake  for what Discord lets pass but we do not want */
function checkMessage(fake, body, files, { edit = false } = {}) {
  if (body === null || typeof body !== "object" || Array.isArray(body)) fail(50109);
  const { content } = body;
  if (content !== undefined && content !== null) {
    if (typeof content !== "string") badForm("content", "STRING_TYPE_CONVERT", "Could not interpret content as string.");
    if ([...content].length > 2000) badForm("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.");
    if (content.length > 2000) fake.violation(`content of ${content.length} UTF-16 units`);
  }
  const { nonce } = body;
  if (nonce !== undefined && nonce !== null && !Number.isSafeInteger(nonce) && !(typeof nonce === "string" && nonce.length <= 25)) {
    badForm("nonce", "NONCE_TYPE_COERCE", "An integer or a string of up to 25 characters.");
  }
  for (const key of ["enforce_nonce", "tts"]) if (key in body && typeof body[key] !== "boolean") badForm(key, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.");
  if (body.enforce_nonce && (nonce === undefined || nonce === null || nonce === "")) badForm("enforce_nonce", "BASE_TYPE_REQUIRED", "enforce_nonce needs a nonce.");
  if (body.flags !== undefined && body.flags !== null && !(Number.isSafeInteger(body.flags) && body.flags >= 0)) badForm("flags", "NUMBER_TYPE_COERCE", "Value is not int.");
  checkAllowedMentions(body.allowed_mentions);
  checkEmbeds(body.embeds);
  const { components, attachments } = body;
  if (components !== undefined && components !== null) {
    if (!Array.isArray(components)) badForm("components", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType");
    if (components.length > (body.flags & 32768 ? 40 : 5)) badForm("components", "BASE_TYPE_MAX_LENGTH", "Must be 5 or fewer in length.");
  }
  if (attachments !== undefined && attachments !== null) {
    if (!Array.isArray(attachments)) badForm("attachments", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType");
    for (const [i, { id } = {}] of attachments.entries()) {
      if (!files.has(Number(id)) && !(edit && isId(id))) badForm(`attachments.${i}.id`, "ATTACHMENT_NOT_FOUND", `no files[${id}] in this request`);
    }
  }
  const reference = body.message_reference;
  if (reference !== undefined && reference !== null) {
    if (!isId(reference.message_id)) badForm("message_reference.message_id", "NUMBER_TYPE_COERCE", "Value is not snowflake.");
    if ("fail_if_not_exists" in reference && typeof reference.fail_if_not_exists !== "boolean") badForm("message_reference.fail_if_not_exists", "BOOLEAN_TYPE_CONVERT", "Must be either true or false.");
  }
  const given = (list) => Array.isArray(list) && list.length > 0;
  const something = (content ?? "").trim() !== "" || given(body.embeds) || given(components) || given(body.sticker_ids) || files.size > 0 || body.poll || reference?.type === 1;
  if (!something && !edit) fail(50006);
  if (edit && typeof content === "string" && content !== "" && content.trim() === "" && !given(body.embeds)) fail(50006);
}

function checkThread(body) {
  if (body === null || typeof body !== "object" || Array.isArray(body)) fail(50109);
  if (typeof body.name !== "string") badForm("name", "BASE_TYPE_REQUIRED", "This field is required");
  const length = [...body.name.trim()].length;
  if (length < 1 || [...body.name].length > 100) badForm("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.");
  const minutes = body.auto_archive_duration;
  if (minutes !== undefined && minutes !== null && !ARCHIVE_MINUTES.includes(minutes)) badForm("auto_archive_duration", "BASE_TYPE_CHOICES", "Value must be one of {60, 1440, 4320, 10080}.");
}

// ---- Routes ----------------------------------------------------------------------------------------------------

/** A whole number of the query. */
function numberOf(query, name, min, max, otherwise) {
  if (!query.has(name)) return otherwise;
  const value = query.get(name);
  if (!/^\d{1,9}$/.test(value) || Number(value) < min || Number(value) > max) badForm(name, "NUMBER_TYPE_MAX", `int value should be between ${min} and ${max}.`);
  return Number(value);
}

/** A channel that the bot may see. */
function channelFor(fake, bot, id) {
  const channel = fake.channels.get(id);
  if (!channel) fail(10003);
  if (isDm(channel) ? channel.bot !== bot : !fake.inGuild(bot, fake.guilds.get(channel.data.guild_id))) fail(50001);
  if (channel.forbidden || fake.channels.get(channel.data.parent_id)?.forbidden) fail(50001);
  return channel;
}

function guildFor(fake, bot, id) {
  const guild = fake.guilds.get(id);
  if (!guild || !fake.inGuild(bot, guild)) fail(10004);
  return guild;
}

function messageFor(channel, id) {
  return channel.messages.get(id) ?? fail(10008);
}

/** A channel to which the bot may write. */
function writableFor(fake, bot, id) {
  const channel = channelFor(fake, bot, id);
  if (!holdsMessages(channel)) fail(50008);
  if (channel.readOnly || fake.channels.get(channel.data.parent_id)?.readOnly) fail(50013);
  if (channel.data.type === CHANNEL.DM && fake.refusing.has(channel.data.recipients[0].id)) fail(50007);
  if (isThread(channel)) {
    const { locked, archived } = channel.data.thread_metadata;
    if (locked) fail(50083);
    if (archived) fake.updateChannel(channel.data.id, { thread_metadata: { ...channel.data.thread_metadata, archived: false } });
  }
  return channel;
}

/** The fields of a message that come from a request's body. */
function fromBody(body, files) {
  const attachments = [...files].map(([n, file]) => {
    const described = (body.attachments ?? []).find(({ id }) => Number(id) === n);
    return { filename: described?.filename ?? file.filename, description: described?.description, content_type: file.contentType, data: file.data };
  });
  return {
    content: (body.content ?? "").trim(), embeds: (body.embeds ?? []).map((embed) => ({ type: "rich", ...embed })), components: body.components ?? [], tts: body.tts ?? false,
    flags: (body.flags ?? 0) & (4 | 4096 | 8192 | 32768), attachments, allowed: body.allowed_mentions ?? null, nonce: body.nonce ?? undefined,
  };
}

function create(fake, bot, channel, body, files) {
  const author = bot.user;
  const key = `${author.id}/${channel.data.id}/${body.nonce}`;
  if (body.enforce_nonce) {
    const earlier = fake.nonces.get(key);
    if (earlier && Date.now() - earlier.at < fake.nonceWindowMs && channel.messages.has(earlier.id)) {
      fake.deduplicated++;
      const message = channel.messages.get(earlier.id);
      if (message.content !== (body.content ?? "").trim()) fake.violation(`nonce ${body.nonce} used for two different messages`);
      return message;
    }
  }
  const { message_reference: reference } = body;
  let target = null;
  if (reference) {
    if (reference.channel_id && reference.channel_id !== channel.data.id && reference.type !== 1) badForm("message_reference", "REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL", "Cannot reply to a message in another channel");
    target = channel.messages.get(reference.message_id);
    if (!target && reference.fail_if_not_exists !== false) badForm("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message");
    if (target && ![0, 19, 20, 23].includes(target.type)) badForm("message_reference", "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", "Cannot reply to a system message");
  }
  const message = fake.post(channel, { ...fromBody(body, files), author, target });
  if (body.nonce !== undefined && body.nonce !== null) fake.nonces.set(key, { id: message.id, at: Date.now() });
  fake.emit("message", message, channel.data);
  return message;
}

function edit(fake, message, channel, body, files, edited = true) {
  const changes = { edited };
  if ("content" in body) changes.content = (body.content ?? "").trim();
  for (const key of ["embeds", "components"]) if (key in body) changes[key] = body[key] ?? [];
  if ("flags" in body) changes.flags = (message.flags & ~4) | (body.flags & 4);
  const added = fromBody(body, files).attachments.map((given) => fake.attach(channel.data.id, given));
  if (added.length || body.attachments) {
    const kept = body.attachments ? message.attachments.filter(({ id }) => body.attachments.some((given) => given.id === id)) : message.attachments;
    changes.attachments = [...kept, ...added];
  }
  return fake.change(channel, message, changes, body.allowed_mentions ?? null);
}

function reactionRoute(add) {
  return ({ fake, bot, params: [c, m, text] }) => {
    const channel = channelFor(fake, bot, c);
    const message = messageFor(channel, m);
    const emoji = parseEmoji(text, fake.guilds.get(channel.data.guild_id)) ?? fail(10014);
    if (add && channel.readOnly) fail(50013);
    if (add && (message.reactions?.length ?? 0) >= 20 && !message.reactions.some((r) => emojiKey(r.emoji) === emojiKey(emoji))) fail(30010);
    fake.setReaction(channel, message, emoji, bot.user, add);
    return { status: 204 };
  };
}

function putCommands({ fake, bot, params: [app, g], body }) {
  if (app !== bot.applicationId) throw new ApiError(403, 20012, "You are not authorized to perform this action on this application");
  if (g) guildFor(fake, bot, g);
  const bad = badCommands(body);
  if (bad === 30032) fail(30032);
  if (bad) badForm(...bad);
  const key = g ?? "global";
  const old = bot.commands.get(key) ?? [];
  const stored = body.map((command) => {
    const type = command.type ?? 1;
    const id = old.find((other) => other.name === command.name && other.type === type)?.id ?? snowflake();
    return {
      id, application_id: app, version: snowflake(), default_member_permissions: null, type, name: command.name, name_localizations: null,
      description: command.description ?? "", description_localizations: null, dm_permission: true, nsfw: false, integration_types: [0], contexts: null,
      ...(command.options ? { options: command.options } : {}), ...(g ? { guild_id: g } : {}),
    };
  });
  bot.commands.set(key, stored);
  fake.emit("commands", stored, key);
  return { body: stored };
}

function getCommands({ bot, params: [app, g] }) {
  if (app !== bot.applicationId) throw new ApiError(403, 20012, "You are not authorized to perform this action on this application");
  return { body: bot.commands.get(g ?? "global") ?? [] };
}

function application({ fake, bot }) {
  return {
    body: {
      id: bot.applicationId, name: bot.user.username, icon: null, description: "", summary: "", type: null, bot: bot.user, bot_public: true, bot_require_code_grant: false,
      verify_key: digest(bot.applicationId) + digest(bot.id), flags: bot.flags, hook: true, approximate_guild_count: fake.guildsOf(bot).length,
      owner: { id: bot.owner.id, username: bot.owner.username, discriminator: "0", avatar: null, global_name: null, public_flags: 0 }, team: null,
      interactions_endpoint_url: null, redirect_uris: [], tags: [],
    },
  };
}

function listMessages({ fake, bot, params: [c], query }) {
  const channel = channelFor(fake, bot, c);
  if (!holdsMessages(channel)) fail(50008);
  const limit = numberOf(query, "limit", 1, 100, 50);
  const marks = ["before", "after", "around"].filter((key) => query.has(key));
  for (const key of marks) if (!/^\d{1,20}$/.test(query.get(key))) badForm(key, "NUMBER_TYPE_COERCE", "Value is not snowflake.");
  if (marks.length > 1) badForm(marks[1], "BASE_TYPE_EXCLUSIVE", "before, after and around exclude each other");
  let found = [...channel.messages.values()];
  if (marks.length) {
    const mark = BigInt(query.get(marks[0]));
    const older = found.filter(({ id }) => BigInt(id) < mark);
    const newer = found.filter(({ id }) => BigInt(id) > mark);
    const half = Math.floor(limit / 2);
    if (marks[0] === "before") found = older.slice(-limit);
    else if (marks[0] === "after") found = newer.slice(0, limit);
    else found = [...older.slice(half ? -half : older.length), ...found.filter(({ id }) => BigInt(id) === mark), ...newer.slice(0, half)];
  } else found = found.slice(-limit);
  return { body: found.reverse().map((message) => fake.shown(message, bot)) };
}

function threadRoute({ fake, bot, params: [c, m], body, files }) {
  const parent = channelFor(fake, bot, c);
  if (isThread(parent) || isDm(parent) || parent.data.type === CHANNEL.CATEGORY) throw new ApiError(400, 50024, "Cannot execute action on this channel type");
  if (parent.readOnly) fail(50013);
  checkThread(body);
  const forum = parent.data.type === CHANNEL.FORUM || parent.data.type === CHANNEL.MEDIA;
  if (m) {
    const message = messageFor(parent, m);
    if (message.thread) fail(160004);
    return { status: 201, body: fake.createThread({ channel: c, message: m, name: body.name, owner: bot.user, minutes: body.auto_archive_duration }) };
  }
  if (forum) {
    if (!body.message) badForm("message", "BASE_TYPE_REQUIRED", "This field is required");
    checkMessage(fake, body.message, files);
  } else if (body.message) badForm("message", "UNKNOWN_FIELD", "only in forum and media channels");
  const type = forum ? CHANNEL.THREAD : (body.type ?? CHANNEL.PRIVATE_THREAD);
  if (![10, 11, 12].includes(type)) badForm("type", "BASE_TYPE_CHOICES", "Value must be one of {10, 11, 12}.");
  const thread = fake.createThread({ channel: c, name: body.name, owner: bot.user, minutes: body.auto_archive_duration, type });
  if (!forum) return { status: 201, body: thread };
  const channel = fake.channels.get(thread.id);
  // The first message of a post has the id of its thread.
  const message = fake.post(channel, { ...fromBody(body.message, files), author: bot.user, id: thread.id });
  fake.emit("message", message, channel.data);
  return { status: 201, body: { ...channelFields(channel), message } };
}

function patchChannel({ fake, bot, params: [c], body }) {
  const channel = channelFor(fake, bot, c);
  if (isDm(channel)) fail(50013);
  const changes = {};
  if ("name" in body) {
    checkThread({ name: body.name });
    changes.name = body.name;
  }
  if ("topic" in body) changes.topic = body.topic;
  if (isThread(channel)) {
    const meta = { ...channel.data.thread_metadata };
    for (const key of ["archived", "locked", "auto_archive_duration"]) if (key in body) meta[key] = body[key];
    changes.thread_metadata = meta;
  }
  return { body: fake.updateChannel(c, changes) };
}

// ---- Interactions and webhooks ---------------------------------------------------------------------------------

function callback({ fake, params: [id, token], query, body, files }) {
  const interaction = fake.interactions.get(id);
  if (!interaction || interaction.token !== token) fail(10062);
  const age = Date.now() - interaction.at;
  if (age > 3000) {
    if (!interaction.acknowledgedAt) fake.violation(`interaction ${id} answered after ${age} ms`);
    fail(10062);
  }
  if (interaction.acknowledgedAt) fail(40060);
  const { type, data } = body ?? {};
  const kind = interaction.payload.type;
  const allowed = { 2: [4, 5, 9], 3: [4, 5, 6, 7, 9], 4: [8], 5: interaction.payload.message ? [4, 5, 6, 7] : [4, 5] }[kind];
  if (!allowed.includes(type)) badForm("type", "BASE_TYPE_CHOICES", `Value must be one of {${allowed.join(", ")}}.`);
  const { bot } = interaction;
  const channel = fake.channels.get(interaction.payload.channel_id);
  if (type === 4 || type === 7) checkMessage(fake, data ?? {}, files, { edit: type === 7 });
  if (type === 5 && data) for (const key of Object.keys(data)) if (key !== "flags") badForm(`data.${key}`, "UNKNOWN_FIELD", "a deferred answer has flags only");
  if (type === 5 && data?.flags && data.flags & ~64) badForm("data.flags", "BASE_TYPE_CHOICES", "a deferred answer may be ephemeral only");
  if (type === 8 && !(Array.isArray(data?.choices) && data.choices.length <= 25)) badForm("data.choices", "BASE_TYPE_BAD_LENGTH", "Must be between 0 and 25 in length.");
  if (type === 9 && !(typeof data?.custom_id === "string" && typeof data.title === "string" && [...data.title].length <= 45)) badForm("data", "BASE_TYPE_REQUIRED", "a modal has custom_id and title");
  interaction.acknowledgedAt = Date.now();
  interaction.callback = body;
  clearTimeout(interaction.timer);
  if (type === 4 || type === 5) {
    interaction.original = answer(fake, interaction, type === 4 ? data : {}, files, { flags: (data?.flags ?? 0) & 64, loading: type === 5 });
  } else if (type === 6) interaction.original = interaction.payload.message;
  else if (type === 7) interaction.original = edit(fake, channel.messages.get(interaction.payload.message.id), channel, data ?? {}, files);
  fake.emit("callback", interaction);
  if (query.get("with_response") !== "true") return { status: 204 };
  const message = interaction.original;
  return {
    body: {
      interaction: { id, type: kind, ...(message ? { response_message_id: message.id, response_message_loading: type === 5, response_message_ephemeral: Boolean(message.flags & 64) } : {}) },
      ...(message ? { resource: { type, message: fake.shown(message, bot) } } : {}),
    },
  };
}

/** A message that answers an interaction; an ephemeral one is not in the channel's list. */
function answer(fake, interaction, body, files, { flags, loading }) {
  const { payload, bot } = interaction;
  const channel = fake.channels.get(payload.channel_id);
  const user = payload.member?.user ?? payload.user;
  const name = { type: payload.type, id: payload.id, user, authorizing_integration_owners: {}, ...(payload.type === 2 ? { name: payload.data.name } : {}) };
  const message = fake.post(channel, {
    ...fromBody(body, files), author: bot.user, type: payload.type === 2 ? (payload.data.type === 1 ? 20 : 23) : 0, application_id: bot.applicationId, webhook_id: bot.applicationId,
    interaction_metadata: name, flags: (fromBody(body, files).flags | flags | (loading ? 128 : 0)), hidden: Boolean(flags & 64),
  });
  interaction.messages.set(message.id, message);
  if (!loading) fake.emit("message", message, channel.data);
  return message;
}

function hookFor(fake, id, token) {
  const interaction = [...fake.interactions.values()].find((other) => other.token === token && other.bot.applicationId === id);
  if (interaction) {
    if (Date.now() - interaction.at > INTERACTION_TOKEN_MS) fail(50027);
    // Nothing to follow up before there is an answer.
    if (!interaction.acknowledgedAt) fail(10015);
    return { interaction, bot: interaction.bot, channel: fake.channels.get(interaction.payload.channel_id) };
  }
  const webhook = fake.webhooks.get(id);
  if (!webhook) fail(10015);
  if (webhook.token !== token) fail(50027);
  return { webhook, channel: fake.channels.get(webhook.channel_id) };
}

function executeHook({ fake, params: [id, token], query, body, files }) {
  const hook = hookFor(fake, id, token);
  checkMessage(fake, body, files);
  if (hook.interaction) {
    const { interaction } = hook;
    const { original } = interaction;
    let message;
    // The first follow-up of a deferred answer becomes that answer.
    if (original && original.flags & 128) message = finish(fake, interaction, body, files);
    else {
      message = answer(fake, interaction, body, files, { flags: (body.flags ?? 0) & 64, loading: false });
      interaction.followups.push(message);
    }
    return { body: message };
  }
  let { channel } = hook;
  if (query.has("thread_id")) {
    const thread = fake.channels.get(query.get("thread_id"));
    if (!thread || thread.data.parent_id !== channel.data.id) fail(10003);
    channel = thread;
  } else if (!holdsMessages(channel)) throw new ApiError(400, 220001, "Webhooks posted to forum channels must have a thread_name or thread_id");
  const username = body.username ?? hook.webhook.name;
  if (typeof username !== "string" || [...username].length < 1 || [...username].length > 80 || /discord|clyde/i.test(username)) badForm("username", "USERNAME_INVALID_CONTAINS", "not a name for a webhook");
  const author = { id, username, global_name: null, avatar: null, discriminator: "0000", public_flags: 0, flags: 0, bot: true };
  const message = fake.post(channel, { ...fromBody(body, files), author, webhook_id: id });
  fake.emit("message", message, channel.data);
  return query.get("wait") === "true" ? { body: message } : { status: 204 };
}

/** The deferred answer gets its text. */
function finish(fake, interaction, body, files) {
  const { original } = interaction;
  const channel = fake.channels.get(interaction.payload.channel_id);
  const wasLoading = Boolean(original.flags & 128);
  original.flags &= ~128;
  edit(fake, original, channel, body, files, !wasLoading);
  if (wasLoading) fake.emit("message", original, channel.data);
  fake.emit("original", interaction);
  return original;
}

function hookMessage(method) {
  return ({ fake, params: [id, token, which], body, files }) => {
    const { interaction, channel, webhook } = hookFor(fake, id, token);
    let message;
    if (interaction) message = which === "@original" ? interaction.original : interaction.messages.get(which);
    else message = [...fake.channels.values()].map(({ messages }) => messages.get(which)).find((found) => found?.webhook_id === webhook.id);
    if (!message || message.deleted) fail(10008);
    if (method === "GET") return { body: message };
    const place = fake.channels.get(message.channel_id) ?? channel;
    if (method === "DELETE") {
      fake.remove(place, message);
      return { status: 204 };
    }
    checkMessage(fake, body, files, { edit: true });
    if (interaction && message === interaction.original) return { body: finish(fake, interaction, body, files) };
    return { body: edit(fake, message, place, body, files) };
  };
}

// ---- The table -------------------------------------------------------------------------------------------------

const channelKey = (params) => params[0];
const routes = [];
/** @param o.bucket  its rule; o.key  what tells its buckets apart; o.open  no Authorization; o.body  needed */
function route(method, path, handler, o = {}) {
  const pattern = new RegExp(`^${path.replace(/:e\b/g, "([^/]+)").replace(/:t\b/g, "([^/]+)").replace(/:w\b/g, "(@original|\\d+)").replace(/:\w+/g, "(\\d{1,20})")}$`);
  routes.push({ method, path, pattern, handler, ...o });
}

route("GET", "/gateway/bot", ({ fake }) => {
  fake.counts.gatewayBot++;
  return { body: { url: fake.gatewayUrl, shards: 1, session_start_limit: { total: fake.sessionStart.total, remaining: fake.sessionStart.remaining, reset_after: fake.sessionStart.resetAfter ?? 14400000, max_concurrency: 1 } } };
});
route("GET", "/users/@me", ({ bot }) => ({ body: { ...bot.user, verified: true, mfa_enabled: false, locale: "en-US", email: null, flags: 0 } }));
route("GET", "/users/@me/guilds", ({ fake, bot, query }) => {
  const limit = numberOf(query, "limit", 1, 200, 200);
  const after = BigInt(query.get("after") ?? 0);
  const found = fake.guildsOf(bot).filter(({ id }) => BigInt(id) > after).sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
  return { body: found.slice(0, limit).map(({ id, name }) => ({ id, name, icon: null, banner: null, owner: false, permissions: "274878286912", features: [] })) };
});
route("POST", "/users/@me/channels", ({ fake, bot, body }) => {
  if (!isId(body?.recipient_id)) badForm("recipient_id", "NUMBER_TYPE_COERCE", "Value is not snowflake.");
  const user = fake.users.get(body.recipient_id);
  if (!user || user.bot) fail(50033);
  return { body: channelFields(fake.dmChannel(user, bot)) };
}, { body: true });
route("GET", "/users/:u", ({ fake, params: [u] }) => ({ body: fake.users.get(u) ?? fail(10013) }));
route("GET", "/oauth2/applications/@me", application);
route("GET", "/applications/@me", application);
route("GET", "/guilds/:g", ({ fake, bot, params: [g] }) => ({ body: guildFields(guildFor(fake, bot, g)) }), { key: channelKey });
route("GET", "/guilds/:g/channels", ({ fake, bot, params: [g] }) => {
  guildFor(fake, bot, g);
  return { body: [...fake.channels.values()].filter((channel) => channel.data.guild_id === g && !isThread(channel)).map((channel) => channelFields(channel)) };
}, { key: channelKey });
route("GET", "/guilds/:g/roles", ({ fake, bot, params: [g] }) => ({ body: guildFor(fake, bot, g).roles }), { key: channelKey });
route("GET", "/guilds/:g/threads/active", ({ fake, bot, params: [g] }) => {
  guildFor(fake, bot, g);
  const threads = [...fake.channels.values()].filter((channel) => channel.data.guild_id === g && isThread(channel) && !channel.data.thread_metadata.archived);
  return { body: { threads: threads.map((channel) => channelFields(channel)), members: [] } };
}, { key: channelKey });
route("GET", "/guilds/:g/members/search", ({ fake, bot, params: [g], query }) => {
  const guild = guildFor(fake, bot, g);
  const text = query.get("query");
  if (!text) badForm("query", "BASE_TYPE_REQUIRED", "This field is required");
  const limit = numberOf(query, "limit", 1, 1000, 1);
  const starts = (name) => name?.toLowerCase().startsWith(text.toLowerCase());
  const found = [...guild.members.values()].filter(({ user, nick }) => starts(user.username) || starts(user.global_name) || starts(nick));
  return { body: found.slice(0, limit).map(fullMember) };
}, { key: channelKey });
route("GET", "/guilds/:g/members/:u", ({ fake, bot, params: [g, u] }) => ({ body: fullMember(guildFor(fake, bot, g).members.get(u) ?? fail(10007)) }), { key: channelKey });
route("GET", "/channels/:c", ({ fake, bot, params: [c] }) => ({ body: channelFields(channelFor(fake, bot, c)) }), { key: channelKey });
route("PATCH", "/channels/:c", patchChannel, { key: channelKey, body: true });
route("GET", "/channels/:c/messages", listMessages, { key: channelKey });
route("GET", "/channels/:c/messages/:m", ({ fake, bot, params: [c, m] }) => ({ body: fake.shown(messageFor(channelFor(fake, bot, c), m), bot) }), { key: channelKey });
route("POST", "/channels/:c/messages", ({ fake, bot, params: [c], body, files }) => {
  const channel = writableFor(fake, bot, c);
  checkMessage(fake, body, files);
  return { body: create(fake, bot, channel, body, files) };
}, { bucket: "messages", key: channelKey, body: true });
route("PATCH", "/channels/:c/messages/:m", ({ fake, bot, params: [c, m], body, files }) => {
  const channel = channelFor(fake, bot, c);
  const message = messageFor(channel, m);
  if (message.author.id !== bot.id) fail(50005);
  checkMessage(fake, body, files, { edit: true });
  return { body: edit(fake, message, channel, body, files) };
}, { bucket: "edits", key: channelKey, body: true });
route("DELETE", "/channels/:c/messages/:m", ({ fake, bot, params: [c, m] }) => {
  const channel = channelFor(fake, bot, c);
  const message = messageFor(channel, m);
  if (message.author.id !== bot.id && (isDm(channel) || !channel.manageMessages)) fail(50013);
  fake.remove(channel, message);
  return { status: 204 };
}, { bucket: "deletes", key: channelKey });
route("GET", "/channels/:c/messages/:m/reactions/:e", ({ fake, bot, params: [c, m, text] }) => {
  const channel = channelFor(fake, bot, c);
  const emoji = parseEmoji(text, fake.guilds.get(channel.data.guild_id)) ?? fail(10014);
  return { body: fake.reactors(messageFor(channel, m), emoji) };
}, { key: channelKey });
route("PUT", "/channels/:c/messages/:m/reactions/:e/@me", reactionRoute(true), { bucket: "reactions", key: channelKey });
route("DELETE", "/channels/:c/messages/:m/reactions/:e/@me", reactionRoute(false), { bucket: "reactions", key: channelKey });
route("POST", "/channels/:c/messages/:m/threads", threadRoute, { key: channelKey, body: true });
route("POST", "/channels/:c/threads", ({ params: [c], ...rest }) => threadRoute({ ...rest, params: [c, undefined] }), { key: channelKey, body: true });
route("PUT", "/channels/:c/thread-members/@me", ({ fake, bot, params: [c] }) => {
  if (!isThread(channelFor(fake, bot, c))) throw new ApiError(400, 50024, "Cannot execute action on this channel type");
  return { status: 204 };
}, { key: channelKey });
route("POST", "/channels/:c/typing", ({ fake, bot, params: [c] }) => {
  const channel = writableFor(fake, bot, c);
  fake.typed(channel, bot.user);
  return { status: 204 };
}, { bucket: "typing", key: channelKey });
for (const scope of ["", "/guilds/:g"]) {
  route("PUT", `/applications/:a${scope}/commands`, putCommands, { key: (params) => params.join("/"), body: true });
  route("GET", `/applications/:a${scope}/commands`, getCommands, { key: (params) => params.join("/") });
}
route("POST", "/interactions/:i/:t/callback", callback, { open: true, free: true, body: true });
const hook = { open: true, bucket: "webhooks", key: (params) => `${params[0]}/${params[1]}` };
route("POST", "/webhooks/:i/:t", executeHook, { ...hook, body: true });
for (const method of ["GET", "PATCH", "DELETE"]) route(method, "/webhooks/:i/:t/messages/:w", hookMessage(method), { ...hook, body: method === "PATCH" });

// ---- One request -----------------------------------------------------------------------------------------------

export class Rest {
  constructor(fake, rateLimits) {
    this.fake = fake;
    this.limits = new Limits(rateLimits);
    this.unauthorized = new Map();
    this.refusedNonces = new Set();
    this.agents = new Set();
  }

  async serve(request, response) {
    const { fake } = this;
    const now = Date.now();
    const url = new URL(request.url, fake.origin);
    if (url.pathname.startsWith("/attachments/") && request.method === "GET") return this.attachment(url, response);
    const record = { method: request.method, path: url.pathname.replace(/^\/api\/v10/, ""), query: url.searchParams, url: request.url, headers: request.headers, body: undefined, files: [], at: now, status: 0, bot: null };
    fake.requests.push(record);
    const chunks = [];
    let size = 0;
    try {
      for await (const chunk of request) {
        size += chunk.length;
        if (size <= MAX_BODY) chunks.push(chunk);
      }
    } catch {
      return; // cut by the client
    }
    record.raw = Buffer.concat(chunks);
    record.ms = Date.now() - now;
    this.peek(record);
    const fault = await fake.faults.rest?.(record);
    if (fault?.delayMs) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    if (fault?.cutBefore) return request.socket.destroy();
    let result;
    if (fault?.status) {
      const { body } = fault;
      result = { status: fault.status, headers: fault.headers ?? {}, body };
    } else result = this.judge(request, record, url, now);
    if (fault?.cutAfter) {
      record.status = result.status;
      record.cut = true;
      fake.emit("request", record);
      return request.socket.destroy();
    }
    const { status = 200, headers = {}, body, exhausted } = result;
    record.status = status;
    record.answer = body;
    const isText = typeof body === "string" || Buffer.isBuffer(body);
    const bytes = body === undefined ? undefined : isText ? body : JSON.stringify(body);
    if (fault?.delayAnswerMs) await new Promise((resolve) => setTimeout(resolve, fault.delayAnswerMs));
    if (response.destroyed) return;
    response.writeHead(status, { ...(bytes === undefined ? {} : { "Content-Type": isText ? "text/html" : "application/json", "Content-Length": Buffer.byteLength(bytes) }), ...headers });
    response.end(bytes);
    if (exhausted) this.limits.tell(exhausted, Date.now());
    fake.emit("request", record);
  }

  /** What a test wants to see of the body, even when the request is not let in. */
  peek(record) {
    try {
      const type = record.headers["content-type"] ?? "";
      if (!record.raw.length) return;
      if (/^multipart\/form-data\b/i.test(type)) {
        const { payload, files } = decodeMultipart(record.raw, type);
        record.body = payload;
        record.files = [...files.values()];
      } else record.body = decodeJson(record.raw);
    } catch {
      record.body = record.raw.toString();
    }
  }

  judge(request, record, url, now) {
    const { fake } = this;
    const what = `${record.method} ${record.path}`;
    let headers = {};
    try {
      const result = this.handle(request, record, url, now, (given) => (headers = given));
      return { ...result, headers };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { status, code, message, errors } = error;
      if (status === 429) {
        fake.counts.limited++;
        if (error.scope !== "shared") fake.counts.invalid++;
        return { status, headers: { ...headers, ...error.headers }, body: error.body };
      }
      if (status === 401 || status === 403) fake.counts.invalid++;
      if (status === 400) fake.violation(`${what} answered with 400, ${code} ${message}${errors ? ` ${JSON.stringify(errors)}` : ""}`);
      if (status < 500 && record.body?.nonce != null) this.refusedNonces.add(`${record.path} ${record.body.nonce}`);
      return { status, headers, body: { message, code, ...(errors ? { errors } : {}) } };
    }
  }

  handle(request, record, url, now, setHeaders) {
    const { fake } = this;
    const { method } = record;
    const what = `${method} ${record.path}`;
    // What the edge of Discord looks at.
    const agent = request.headers["user-agent"] ?? "";
    if (!/^DiscordBot \([^\s,()]+, [^\s,()]+\)(?: |$)/.test(agent) && !this.agents.has(agent)) {
      this.agents.add(agent);
      fake.violation(`User-Agent "${agent}" is not of the form DiscordBot (url, version)`);
    }
    if (/[^\x21-\x7e]/.test(request.url)) fake.violation(`${what}: the path is not percent-encoded`);
    if (method !== "GET" && method !== "DELETE" && request.headers["content-length"] === undefined && request.headers["transfer-encoding"] === undefined) {
      fake.violation(`${what} without Content-Length`);
      throw new ApiError(411, 0, "411: Length Required");
    }
    if (!url.pathname.startsWith("/api/v10/")) {
      fake.violation(`${method} ${url.pathname}: not below /api/v10`);
      throw new ApiError(404, 0, "404: Not Found");
    }
    let params;
    let path;
    try {
      path = url.pathname.slice("/api/v10".length);
      const found = routes.find((candidate) => {
        if (candidate.method !== method) return false;
        const match = candidate.pattern.exec(path.replaceAll("%40", "@"));
        if (match) params = match.slice(1).map(decodeURIComponent);
        return match;
      });
      if (!found) {
        fake.violation(`${what}: no such route`);
        throw new ApiError(404, 0, "404: Not Found");
      }
      return this.run(found, params, request, record, url, now, setHeaders);
    } catch (error) {
      if (error instanceof URIError) throw new ApiError(400, 0, "400: Bad Request");
      throw error;
    }
  }

  run(found, params, request, record, url, now, setHeaders) {
    const { fake } = this;
    const what = `${record.method} ${record.path}`;
    const authorization = request.headers.authorization ?? "";
    const token = /^Bot (\S+)$/.exec(authorization)?.[1];
    const bot = token === undefined ? undefined : fake.botOf(token);
    record.bot = bot?.id ?? null;
    if (!found.open && !bot) {
      if (authorization && fake.botOf(authorization)) fake.violation(`${what}: Authorization without "Bot "`);
      const times = (this.unauthorized.get(authorization) ?? 0) + 1;
      this.unauthorized.set(authorization, times);
      if (times === 4) fake.violation("goes on calling with a token that was answered with 401");
      throw unauthorized();
    }
    const bucket = found.free ? null : { name: found.bucket ?? found.path, key: found.key?.(params) ?? record.bot };
    const { headers, limited, ignored, exhausted } = this.limits.take(bucket, found.open ? null : bot.id, now);
    for (const why of ignored) fake.violation(`${what} came too early (${why})`);
    setHeaders(headers);
    if (limited) throw this.tooMany(limited);
    if (record.body?.nonce != null && this.refusedNonces.has(`${record.path} ${record.body.nonce}`)) fake.violation(`${what}: tried again what was refused`);
    let body;
    let files = new Map();
    if (record.raw.length) {
      const type = request.headers["content-type"] ?? "";
      if (/^application\/json(?:\s*;|$)/i.test(type)) body = decodeJson(record.raw);
      else if (/^multipart\/form-data\s*;/i.test(type)) ({ payload: body, files } = decodeMultipart(record.raw, type));
      else throw new ApiError(400, 50035, "Invalid Form Body", { _errors: [{ code: "CONTENT_TYPE_INVALID", message: `Expected "Content-Type" header to be one of {'application/json'}, not "${type}".` }] });
      if (record.method === "GET") fake.violation(`${what} with a body`);
    } else if (found.body) throw new ApiError(400, 50109, "The request body contains invalid JSON. (empty)");
    const result = found.handler({ fake, bot, params, query: url.searchParams, body, files });
    return { status: result.status ?? 200, body: result.body, exhausted };
  }

  tooMany({ retryAfter, global, scope, html }) {
    const error = new ApiError(429, 0, "You are being rate limited.");
    error.scope = scope;
    if (html) {
      error.headers = { "Retry-After": `${Math.ceil(retryAfter)}` };
      error.body = "<html><body>You are being rate limited</body></html>";
      return error;
    }
    error.headers = { "Retry-After": `${Math.ceil(retryAfter)}`, "X-RateLimit-Scope": scope, ...(global ? { "X-RateLimit-Global": "true" } : {}) };
    error.body = { message: error.message, retry_after: Math.ceil(retryAfter * 1000) / 1000, global };
    return error;
  }

  attachment(url, response) {
    const file = this.fake.attached.get(url.pathname);
    // The links are signed and end.
    if (!file || url.searchParams.get("hm") !== file.hm || Date.now() > file.expires) {
      response.writeHead(404, { "Content-Type": "text/plain" });
      return response.end("This content is no longer available.");
    }
    response.writeHead(200, { "Content-Type": file.contentType, "Content-Length": file.data.length });
    response.end(file.data);
  }
}

