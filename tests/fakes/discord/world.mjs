// What Discord's objects look like: ids, users, guilds, channels, messages.
import { createHash } from "node:crypto";

const EPOCH = 1420070400000n;
let lastId = 0n;

/** A new id: a decimal string which holds the time, later ones are greater. */
export function snowflake() {
  const now = (BigInt(Date.now()) - EPOCH) << 22n;
  lastId = now > lastId ? now : lastId + 1n;
  return `${lastId}`;
}

export const isId = (value) => typeof value === "string" && /^[1-9]\d{16,19}$/.test(value);
export const idOf = (value) => (value && typeof value === "object" ? value.id : value);
export const digest = (text) => createHash("sha256").update(text).digest("hex").slice(0, 32);

/** ISO 8601 with microseconds and offset, as Discord writes it. */
export const timestamp = (ms = Date.now()) => new Date(ms).toISOString().replace(/(\.\d{3})Z$/, "$1000+00:00");

export const INTENT = {
  GUILDS: 1 << 0,
  GUILD_MEMBERS: 1 << 1,
  GUILD_PRESENCES: 1 << 8,
  GUILD_MESSAGES: 1 << 9,
  GUILD_MESSAGE_REACTIONS: 1 << 10,
  GUILD_MESSAGE_TYPING: 1 << 11,
  DIRECT_MESSAGES: 1 << 12,
  DIRECT_MESSAGE_REACTIONS: 1 << 13,
  DIRECT_MESSAGE_TYPING: 1 << 14,
  MESSAGE_CONTENT: 1 << 15,
};
export const PRIVILEGED = INTENT.GUILD_MEMBERS | INTENT.GUILD_PRESENCES | INTENT.MESSAGE_CONTENT;
// 0..16, 20, 21, 24, 25
export const KNOWN_INTENTS = 0x1ffff | (1 << 20) | (1 << 21) | (1 << 24) | (1 << 25);

export const CHANNEL = { TEXT: 0, DM: 1, VOICE: 2, GROUP_DM: 3, CATEGORY: 4, NEWS: 5, NEWS_THREAD: 10, THREAD: 11, PRIVATE_THREAD: 12, STAGE: 13, FORUM: 15, MEDIA: 16 };
export const isThread = (channel) => channel.data.type >= 10 && channel.data.type <= 12;
export const isDm = (channel) => channel.data.type === CHANNEL.DM || channel.data.type === CHANNEL.GROUP_DM;
export const holdsMessages = (channel) => ![CHANNEL.CATEGORY, CHANNEL.FORUM, CHANNEL.MEDIA].includes(channel.data.type);

export function makeUser({ id = snowflake(), username, global_name = null, bot, discriminator, avatar = null }) {
  const user = { id, username, global_name, discriminator: discriminator ?? (bot ? "0001" : "0"), avatar, public_flags: 0 };
  if (bot) user.bot = true;
  return user;
}

export function makeRole(guildId, { id = snowflake(), name, permissions = "0", position = 1, mentionable = true }) {
  return {
    id: name === "@everyone" ? guildId : id, name, permissions, position, mentionable, color: 0,
    colors: { primary_color: 0, secondary_color: null, tertiary_color: null }, hoist: false, icon: null, unicode_emoji: null, managed: false, flags: 0,
  };
}

export function memberFields(member) {
  return {
    roles: member.roles, nick: member.nick, avatar: null, banner: null, joined_at: member.joined_at, premium_since: null,
    communication_disabled_until: null, flags: 0, pending: false, deaf: false, mute: false,
  };
}

export const fullMember = (member) => ({ user: member.user, ...memberFields(member) });

/** The guild as GET /guilds/{id} shows it. */
export function guildFields(guild) {
  return {
    id: guild.id, name: guild.name, icon: null, description: null, splash: null, discovery_splash: null, banner: null, owner_id: guild.owner_id,
    afk_channel_id: null, afk_timeout: 300, application_id: null, default_message_notifications: 0, emojis: guild.emojis, stickers: [], features: [],
    explicit_content_filter: 0, mfa_level: 0, nsfw_level: 0, preferred_locale: "en-US", premium_tier: 0, premium_subscription_count: 0,
    premium_progress_bar_enabled: false, public_updates_channel_id: null, rules_channel_id: null, safety_alerts_channel_id: null,
    system_channel_flags: 0, system_channel_id: null, vanity_url_code: null, verification_level: 0, widget_enabled: false, region: "deprecated",
    max_members: 500000, max_presences: null, max_video_channel_users: 25, roles: guild.roles,
  };
}

/** The channel as the API shows it. @param inside  inside a GUILD_CREATE, where guild_id is left out */
export function channelFields(channel, inside = false) {
  const fields = { ...channel.data };
  if (inside) delete fields.guild_id;
  return fields;
}

/** Lone surrogates anywhere in it? */
export function illFormed(value) {
  if (typeof value === "string") return !value.isWellFormed();
  if (Array.isArray(value)) return value.some(illFormed);
  if (value && typeof value === "object") return Object.entries(value).some(([key, inner]) => illFormed(key) || illFormed(inner));
  return false;
}

/** Emoji of a path or of a helper's argument: `👀`, `name:id` or `{id, name}`. Null when it is none. */
export function parseEmoji(text, guild) {
  if (text && typeof text === "object") return text;
  const custom = /^([A-Za-z0-9_]{2,32}):(\d{17,20})$/.exec(text);
  if (custom) return guild?.emojis.some(({ id }) => id === custom[2]) ? { id: custom[2], name: custom[1] } : null;
  const unicode = /^(?:\p{RI}\p{RI}|[0-9#*]\u{FE0F}?\u{20E3}|\p{Extended_Pictographic}[\p{Emoji_Modifier}\u{FE0E}\u{FE0F}]*(?:\u{200D}\p{Extended_Pictographic}[\p{Emoji_Modifier}\u{FE0F}]*)*[\u{E0020}-\u{E007F}]*)$/u;
  return unicode.test(text) ? { id: null, name: text } : null;
}

// The variation selector does not make another emoji.
export const emojiKey = (emoji) => emoji.id ?? emoji.name.replace(/[\u{FE0E}\u{FE0F}]/gu, "");
