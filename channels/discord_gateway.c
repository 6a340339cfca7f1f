/* The connection to Discord's gateway: hello, identify or resume, heartbeats, and coming back (reference discord 1). */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/json_read.h"
#include "base/log.h"
#include "channels/discord.h"

enum {
    HELLO_MS = 30000,
    READY_MS = 60000,
    BACKOFF_MS = 1000,
    BACKOFF_MAX_MS = 30000,
    IDENTIFY_GAP_MS = 5500, /* Discord: one in 5 s */
    INVALID_MIN_MS = 1000,  /* the pause after op 9 false is this and up to 4 s more */
    FAILED_RESUMES_MAX = 3,
    FRAMES_MAX = 110, /* in a minute; Discord closes at 120 */
    ZOMBIE_CODE = 4000,
};

#define QUERY "?v=10&encoding=json&compress=zlib-stream"

/* --- sending ---------------------------------------------------------------------------------------------------------- */

static bool send_frame(struct discord_account *a, json_t *frame, bool needed, const struct channel_now *now)
{
    char *text = frame ? json_dumps(frame, JSON_COMPACT) : NULL;
    json_decref(frame);
    if (now->mono_ms - a->frames_since_ms >= 60000) {
        a->frames_since_ms = now->mono_ms;
        a->frames = 0;
    }
    bool fits = text && strlen(text) <= DISCORD_FRAME_MAX && (needed || a->frames < FRAMES_MAX);
    if (fits) {
        a->frames++;
        a->d->host.send(a->d->host.ctx, a->index, str_of(text));
    }
    free(text);
    return fits;
}

static void beat(struct discord_account *a, const struct channel_now *now)
{
    json_t *seq = a->seq >= 0 ? json_integer(a->seq) : json_null();
    a->beat_sent_ms = now->mono_ms;
    send_frame(a, json_pack("{s:i, s:o}", "op", 1, "d", seq), true, now);
}

static json_t *presence(const struct discord_account *a)
{
    struct str activity = discord_text(a, "activity"), status = discord_text(a, "status"), url = discord_text(a, "activityUrl");
    json_t *list = json_array();
    if (activity.n) {
        int64_t type = discord_number(a, "activityType");
        json_t *item = type == 4 ? json_pack("{s:s, s:i, s:s%}", "name", "Custom Status", "type", 4, "state", activity.p, activity.n)
                                 : json_pack("{s:s%, s:I}", "name", activity.p, activity.n, "type", (json_int_t)type);
        if (type == 1 && url.n) json_object_set_new(item, "url", json_stringn(url.p, url.n));
        json_array_append_new(list, item);
    }
    if (!status.n) status = STR("online");
    return json_pack("{s:n, s:o, s:s%, s:b}", "since", "activities", list, "status", status.p, status.n, "afk", 0);
}

static void identify(struct discord_account *a, const struct channel_now *now)
{
    int64_t intents = 46593; /* reference 1.4 */
    if (discord_flag(a, "intents.presence", false)) intents |= 1 << 8;
    if (discord_flag(a, "intents.guildMembers", false)) intents |= 1 << 1;
    json_t *d = json_pack("{s:s, s:I, s:{s:s, s:s, s:s}, s:o}", "token", a->token, "intents", (json_int_t)intents, "properties", "os",
                          "linux", "browser", "openclaw", "device", "openclaw", "presence", presence(a));
    a->identified_ms = now->mono_ms;
    a->identifies++;
    if (a->starts_left > 0) a->starts_left--;
    send_frame(a, json_pack("{s:i, s:o}", "op", 2, "d", d), true, now);
}

static void resume(struct discord_account *a, const struct channel_now *now)
{
    json_t *d = json_pack("{s:s, s:s, s:I}", "token", a->token, "session_id", a->session, "seq", (json_int_t)a->seq);
    send_frame(a, json_pack("{s:i, s:o}", "op", 6, "d", d), true, now);
}

/* --- coming and going -------------------------------------------------------------------------------------------------- */

static void forget_session(struct discord_account *a)
{
    free(a->session);
    free(a->resume_url);
    a->session = a->resume_url = NULL;
    a->seq = -1;
    a->failed_resumes = 0;
}

static void set_phase(struct discord_account *a, enum discord_phase phase, int64_t due_ms)
{
    bool told = (phase == DISCORD_READY) != (a->phase == DISCORD_READY) || phase == DISCORD_FATAL;
    a->phase = phase;
    a->due_ms = due_ms;
    if (told) discord_changed(a);
}

__attribute__((format(printf, 2, 3))) static void note_error(struct discord_account *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(a->error, sizeof a->error, format, args);
    va_end(args);
    log_event(LOG_WARN, "discord_disconnected", LOG_T("account", a->id), LOG_T("reason", a->error));
    discord_changed(a);
}

static void drop_connection(struct discord_account *a, int code)
{
    if (a->phase == DISCORD_CONNECTING || a->phase == DISCORD_GREETING || a->phase == DISCORD_IDENTIFYING || a->phase == DISCORD_READY)
        a->d->host.close(a->d->host.ctx, a->index, code);
    discord_inflate_destroy(&a->inflater);
    a->beat_every_ms = 0;
    a->beat_waits = false;
}

/* Try again after a pause that doubles. @param at_least_ms  no sooner than this */
static void pause_and_retry(struct discord_account *a, int64_t at_least_ms, const struct channel_now *now)
{
    int64_t pause = BACKOFF_MS;
    drop_connection(a, ZOMBIE_CODE);
    if (a->resuming && ++a->failed_resumes >= FAILED_RESUMES_MAX) forget_session(a);
    a->resuming = false;
    for (int i = 0; i < a->failures && pause < BACKOFF_MAX_MS; i++) pause *= 2;
    if (pause > BACKOFF_MAX_MS) pause = BACKOFF_MAX_MS;
    a->failures++;
    pause = pause / 2 + (int64_t)(discord_random(a->d) % (uint64_t)(pause / 2 + 1));
    if (pause < at_least_ms) pause = at_least_ms;
    set_phase(a, DISCORD_PAUSED, now->mono_ms + pause);
}

void discord_gateway_stop(struct discord_account *a, const struct channel_now *now, enum discord_phase phase, const char *why)
{
    drop_connection(a, 1000);
    forget_session(a);
    a->resuming = false;
    a->stopped_ms = now->wall_ms;
    if (why) snprintf(a->error, sizeof a->error, "%s", why);
    if (phase == DISCORD_FATAL) log_event(LOG_ERROR, "discord_stopped", LOG_T("account", a->id), LOG_T("reason", a->error));
    set_phase(a, phase, INT64_MAX);
}

static void ask_gateway(struct discord_account *a, const struct channel_now *now)
{
    struct discord_call *call = discord_call("GET", DISCORD_FOR_GATEWAY, "/gateway/bot");
    if (call) call->tries_max = 1;
    set_phase(a, DISCORD_ASKING, now->mono_ms + HELLO_MS);
    discord_go(a, call, now);
}

/* To where a session can be resumed, else to the ordinary address for a new one. */
static void open_connection(struct discord_account *a, const struct channel_now *now)
{
    struct buf url = { 0 };
    bool resumes = a->session && a->resume_url && a->seq >= 0;
    int64_t wait_ms = resumes ? 0 : a->identified_ms + IDENTIFY_GAP_MS - now->mono_ms;
    if (!resumes && a->starts_left == 0 && a->starts_reset_ms > now->mono_ms) {
        snprintf(a->error, sizeof a->error, "Discord allows no further session starts until its daily limit is reset");
        set_phase(a, DISCORD_PAUSED, a->starts_reset_ms + 1000);
        return;
    }
    if (wait_ms > 0) {
        set_phase(a, DISCORD_PAUSED, now->mono_ms + wait_ms);
        return;
    }
    if (!resumes && (!a->gateway_url || a->starts_left == 0)) {
        ask_gateway(a, now);
        return;
    }
    struct str base = str_of(resumes ? a->resume_url : a->gateway_url);
    while (base.n && base.p[base.n - 1] == '/') base.n--;
    buf_add(&url, base);
    buf_text(&url, "/" QUERY);
    a->resuming = resumes;
    set_phase(a, DISCORD_CONNECTING, now->mono_ms + HELLO_MS);
    if (discord_inflate_create(&a->inflater) != 0 || url.err)
        pause_and_retry(a, 0, now);
    else
        a->d->host.connect(a->d->host.ctx, a->index, buf_str(&url));
    buf_free(&url);
}

void discord_gateway_start(struct discord_account *a, const struct channel_now *now)
{
    a->started_ms = now->wall_ms;
    a->error[0] = '\0';
    a->failures = 0;
    a->seq = -1;
    a->starts_left = -1;
    a->identified_ms = now->mono_ms - IDENTIFY_GAP_MS;
    open_connection(a, now);
}

void discord_gateway_told(struct discord_account *a, const struct channel_response *answer, const struct channel_now *now)
{
    if (a->phase != DISCORD_ASKING) return;
    if (answer->status == 401) {
        discord_gateway_stop(a, now, DISCORD_FATAL,
                             "Discord refuses the bot token (401): set a valid one in channels.discord.token or DISCORD_BOT_TOKEN");
        return;
    }
    json_t *said = answer->status == 200 ? discord_json(answer->body) : NULL;
    struct str url = json_str(said, "url");
    const json_t *limit = json_object_get(said, "session_start_limit");
    if (!url.n) {
        struct buf why = { 0 };
        discord_why(answer, &why);
        note_error(a, "Discord's gateway address could not be had: %s", buf_cstr(&why));
        buf_free(&why);
        json_decref(said);
        pause_and_retry(a, 0, now);
        return;
    }
    free(a->gateway_url);
    a->gateway_url = str_dup(url);
    a->starts_left = json_int(limit, "remaining", -1);
    int64_t reset_ms = json_int(limit, "reset_after", 0);
    a->starts_reset_ms = now->mono_ms + (reset_ms > INVALID_MIN_MS ? reset_ms : BACKOFF_MAX_MS);
    json_decref(said);
    open_connection(a, now);
}

void discord_gateway_opened(struct discord_account *a, const struct channel_now *now)
{
    if (a->phase == DISCORD_CONNECTING) set_phase(a, DISCORD_GREETING, now->mono_ms + HELLO_MS);
}

/* --- close codes: reference 1.6 ------------------------------------------------------------------------------------------ */

static const char *fatal(int code)
{
    switch (code) {
    case 4004: return "the bot token is not valid (4004): set a valid one in channels.discord.token or DISCORD_BOT_TOKEN";
    case 4010: return "Discord refuses the shard (4010)";
    case 4011: return "Discord demands sharding (4011): this bot is on too many servers for one connection";
    case 4012: return "Discord refuses the API version (4012): this program is too old";
    case 4013: return "Discord refuses the intents (4013)";
    case 4014:
        return "intents are not enabled (4014): turn on Message Content, and what channels.discord.intents asks for, in Discord's "
               "developer "
               "portal under Bot";
    default: return NULL;
    }
}

void discord_gateway_closed(struct discord_account *a, int code, struct str reason, const struct channel_now *now)
{
    char text[160];
    if (a->phase == DISCORD_OFF || a->phase == DISCORD_FATAL || a->phase == DISCORD_PAUSED || a->phase == DISCORD_ASKING) return;
    bool was_ready = a->phase == DISCORD_READY;
    if (fatal(code)) {
        a->phase = DISCORD_PAUSED; /* there is nothing left to close */
        discord_gateway_stop(a, now, DISCORD_FATAL, fatal(code));
        return;
    }
    if (code == 4003 || code == 4007 || code == 4009) {
        forget_session(a);
        a->resuming = false;
    }
    snprintf(text, sizeof text, "%d %.*s", code, (int)(reason.n > 100 ? 100 : reason.n), reason.p ? reason.p : "");
    a->phase = DISCORD_PAUSED;
    note_error(a, "connection lost (%s)", text);
    if (was_ready) a->failures = 0;
    a->reconnects++;
    pause_and_retry(a, code == 4008 ? 5000 : 0, now);
}

/* --- payloads ------------------------------------------------------------------------------------------------------------ */

static void on_hello(struct discord_account *a, const json_t *d, const struct channel_now *now)
{
    if (a->phase != DISCORD_GREETING) return;
    a->beat_every_ms = json_int(d, "heartbeat_interval", 41250);
    if (a->beat_every_ms < 100) a->beat_every_ms = 100;
    a->beat_ms = now->mono_ms + (int64_t)(discord_random(a->d) % (uint64_t)a->beat_every_ms);
    a->beat_waits = false;
    set_phase(a, DISCORD_IDENTIFYING, now->mono_ms + READY_MS);
    if (a->resuming)
        resume(a, now);
    else
        identify(a, now);
}

static void on_ready(struct discord_account *a, const json_t *d, const struct channel_now *now)
{
    int64_t seq = a->seq; /* READY's own */
    forget_session(a);
    a->seq = seq;
    a->session = str_dup(json_str(d, "session_id"));
    a->resume_url = str_dup(json_str(d, "resume_gateway_url"));
    discord_id_copy(a->user, json_str(json_object_get(d, "user"), "id"));
    discord_id_copy(a->application, json_str(json_object_get(d, "application"), "id"));
    free(a->username);
    a->username = str_dup(json_str(json_object_get(d, "user"), "username"));
    a->failures = 0;
    a->resuming = false;
    a->error[0] = '\0';
    log_event(LOG_INFO, "discord_connected", LOG_T("account", a->id), LOG_T("user", a->username ? a->username : ""));
    set_phase(a, DISCORD_READY, INT64_MAX);
    discord_commands_register(a, now);
}

static void on_dispatch(struct discord_account *a, struct str type, const json_t *d, const struct channel_now *now)
{
    a->event_ms = now->wall_ms;
    if (str_is(type, "READY")) {
        on_ready(a, d, now);
    } else if (str_is(type, "RESUMED")) {
        a->failures = a->failed_resumes = 0;
        a->resuming = false;
        a->resumes++;
        a->error[0] = '\0';
        log_event(LOG_INFO, "discord_resumed", LOG_T("account", a->id));
        set_phase(a, DISCORD_READY, INT64_MAX);
    } else if (str_is(type, "MESSAGE_CREATE")) {
        discord_message_created(a, d, now);
    } else if (str_is(type, "MESSAGE_REACTION_ADD") || str_is(type, "MESSAGE_REACTION_REMOVE")) {
        discord_reaction(a, d, str_is(type, "MESSAGE_REACTION_ADD"), now);
    } else if (str_is(type, "INTERACTION_CREATE")) {
        discord_interaction(a, d, now);
    } else {
        discord_world_event(a, type, d);
    }
}

static void on_invalid(struct discord_account *a, bool resumable, const struct channel_now *now)
{
    note_error(a, "%s", resumable ? "Discord asks for the session to be resumed" : "Discord has forgotten the session");
    if (!resumable) {
        forget_session(a);
        a->resuming = false;
    }
    pause_and_retry(a, INVALID_MIN_MS + (int64_t)(discord_random(a->d) % 4000), now);
}

static void on_payload(struct discord_account *a, const json_t *p, const struct channel_now *now)
{
    const json_t *d = json_object_get(p, "d"), *s = json_object_get(p, "s");
    if (json_is_integer(s)) a->seq = json_integer_value(s);
    switch (json_int(p, "op", -1)) {
    case 0: on_dispatch(a, json_str(p, "t"), d, now); break;
    case 1: beat(a, now); break;
    case 7:
        note_error(a, "%s", "Discord asked for a reconnect");
        drop_connection(a, ZOMBIE_CODE);
        a->reconnects++;
        open_connection(a, now);
        break;
    case 9: on_invalid(a, json_is_true(d), now); break;
    case 10: on_hello(a, d, now); break;
    case 11:
        if (a->beat_waits || a->beat_sent_ms) a->latency_ms = now->mono_ms - a->beat_sent_ms;
        a->beat_waits = false;
        break;
    default: break; /* unknown ones are Discord's to add */
    }
}

/* The unit of an escape `\uXXXX` at `at`. @return false: there is none */
static bool escaped_unit(struct str text, size_t at, unsigned *unit)
{
    if (at + 6 > text.n || text.p[at] != '\\' || text.p[at + 1] != 'u') return false;
    *unit = 0;
    for (size_t i = at + 2; i < at + 6; i++) {
        char c = text.p[i];
        if (!isxdigit((unsigned char)c)) return false;
        *unit = *unit << 4 | (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return true;
}

/* jansson refuses half of a surrogate pair; such an escape becomes U+FFFD. */
static void mend_escapes(struct str text, struct buf *out)
{
    for (size_t i = 0, n; i < text.n; i += n) {
        unsigned first, second;
        bool half = escaped_unit(text, i, &first) && first >= 0xd800 && first <= 0xdfff;
        bool pair = half && first < 0xdc00 && escaped_unit(text, i + 6, &second) && second >= 0xdc00 && second <= 0xdfff;
        n = pair ? 12 : half ? 6 : text.p[i] == '\\' && i + 1 < text.n ? 2 : 1;
        if (half && !pair)
            buf_text(out, "\\ufffd");
        else
            buf_add(out, (struct str){ text.p + i, n });
    }
}

json_t *discord_json(struct str text)
{
    json_t *value = json_loadb(text.p ? text.p : "", text.n, JSON_ALLOW_NUL, NULL);
    struct buf mended = { 0 };
    if (value || str_find(text, STR("\\u")) < 0) return value;
    mend_escapes(text, &mended);
    if (!mended.err) value = json_loadb(buf_cstr(&mended), mended.n, JSON_ALLOW_NUL, NULL);
    buf_free(&mended);
    return value;
}

void discord_gateway_received(struct discord_account *a, struct str bytes, bool binary, const struct channel_now *now)
{
    struct buf text = { 0 };
    if (!a->inflater) return;
    int rc = binary ? discord_inflate_feed(a->inflater, bytes, &text) : 1;
    if (rc < 0) {
        note_error(a, "what Discord sent could not be read: %s", err_text(rc));
        pause_and_retry(a, 0, now);
    }
    json_t *payload = rc == 1 ? discord_json(binary ? buf_str(&text) : bytes) : NULL;
    if (json_is_object(payload)) on_payload(a, payload, now);
    json_decref(payload);
    buf_free(&text);
}

/* --- time ---------------------------------------------------------------------------------------------------------------- */

int64_t discord_gateway_next(const struct discord_account *a)
{
    if (a->phase == DISCORD_OFF || a->phase == DISCORD_FATAL) return INT64_MAX;
    return a->beat_every_ms && a->beat_ms < a->due_ms ? a->beat_ms : a->due_ms;
}

static void on_beat_due(struct discord_account *a, const struct channel_now *now)
{
    if (a->beat_waits) {
        note_error(a, "%s", "Discord did not answer the last heartbeat");
        a->reconnects++;
        pause_and_retry(a, 0, now);
        return;
    }
    beat(a, now);
    a->beat_waits = true;
    a->beat_ms = now->mono_ms + a->beat_every_ms;
}

void discord_gateway_tick(struct discord_account *a, const struct channel_now *now)
{
    if (a->beat_every_ms && now->mono_ms >= a->beat_ms) on_beat_due(a, now);
    if (now->mono_ms < a->due_ms) return;
    if (a->phase == DISCORD_PAUSED) {
        open_connection(a, now);
    } else if (a->phase == DISCORD_ASKING) {
        discord_rest_forget_purpose(a->rest, DISCORD_FOR_GATEWAY);
        pause_and_retry(a, 0, now);
    } else {
        note_error(a, "%s",
                   a->phase == DISCORD_IDENTIFYING ? "Discord did not say ready in time" : "Discord's gateway did not answer in time");
        pause_and_retry(a, 0, now);
    }
}
