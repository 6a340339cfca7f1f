/* cli/doctor_probe.c -- what lies outside: providers and Discord are asked with the keys that the gateway would use. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actors/curl_api.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "cli/doctor.h"

#define OUTSIDE "Outside"
#define DISCORD_BASE "https://discord.com/api/v10"

enum { CALL_SECONDS = 8, CALLS_MAX = 100, ANSWER_MAX = 1 << 20, SKEW_S = 60, CONTENT_INTENT = 3 << 18 };

struct outside {
    struct doctor *d;
    struct curl_api curl;
    CURL *easy;
    struct buf body;
    int status; /* 0: no answer, `error` says why */
    char error[CURL_ERROR_SIZE];
    int64_t date_s; /* by the server's clock; 0: it did not say */
    int calls;
    bool skew_told;
};

/* --- one call ------------------------------------------------------------------------------------------------------------- */

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx) /* NOLINT(readability-non-const-parameter): libcurl's type */
{
    struct buf *body = ctx;
    (void)size;
    buf_add(body, (struct str){ bytes, n });
    return body->err ? 0 : n;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *ctx)
{
    struct outside *o = ctx;
    char line[128];
    struct tm tm = { 0 };
    (void)size;
    if (n < 6 || strncasecmp(bytes, "date:", 5) != 0) return n;
    str_copy(line, sizeof line, str_trim((struct str){ bytes + 5, n - 5 < sizeof line ? n - 5 : sizeof line - 1 }));
    if (strptime(line, "%a, %d %b %Y %H:%M:%S GMT", &tm)) o->date_s = timegm(&tm);
    return n;
}

static void tell_skew(struct outside *o, const char *whose)
{
    int64_t off = o->date_s ? clock_wall_ms() / 1000 - o->date_s : 0;
    if (o->skew_told || (off < SKEW_S && off > -SKEW_S)) return;
    o->skew_told = true;
    doctor_say(o->d, OUTSIDE, "machine.clock_skew", DOCTOR_WARN, "synchronise the clock (timedatectl set-ntp true)",
               "This machine's clock is %lld s %s that of %s: signatures of devices and jobs go by it.", (long long)(off > 0 ? off : -off),
               off > 0 ? "ahead of" : "behind", whose);
}

/* @param header  "Name: value"; empty: none */
static void call(struct outside *o, const char *url, const char *header, const char *whose)
{
    struct curl_slist *headers = header[0] ? o->curl.slist_append(NULL, header) : NULL;
    long status = 0;
    buf_clear(&o->body);
    o->body.max = ANSWER_MAX;
    o->status = 0;
    o->date_s = 0;
    o->error[0] = '\0';
    if (o->calls++ >= CALLS_MAX) {
        snprintf(o->error, sizeof o->error, "not asked: CALLS_MAX (%d) calls were made", CALLS_MAX);
        o->curl.slist_free_all(headers);
        return;
    }
    o->curl.easy_reset(o->easy);
    o->curl.easy_setopt(o->easy, CURLOPT_URL, url);
    o->curl.easy_setopt(o->easy, CURLOPT_HTTPHEADER, headers);
    o->curl.easy_setopt(o->easy, CURLOPT_USERAGENT, "DiscordBot (https://github.com/openclaw/openclaw, " GW_VERSION ")");
    o->curl.easy_setopt(o->easy, CURLOPT_WRITEFUNCTION, on_body);
    o->curl.easy_setopt(o->easy, CURLOPT_WRITEDATA, &o->body);
    o->curl.easy_setopt(o->easy, CURLOPT_HEADERFUNCTION, on_header);
    o->curl.easy_setopt(o->easy, CURLOPT_HEADERDATA, o);
    o->curl.easy_setopt(o->easy, CURLOPT_ERRORBUFFER, o->error);
    o->curl.easy_setopt(o->easy, CURLOPT_TIMEOUT, (long)CALL_SECONDS);
    o->curl.easy_setopt(o->easy, CURLOPT_NOSIGNAL, 1L);
    o->curl.easy_setopt(o->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    CURLcode code = o->curl.easy_perform(o->easy);
    o->curl.easy_getinfo(o->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK) o->status = (int)status;
    if (code != CURLE_OK && !o->error[0]) snprintf(o->error, sizeof o->error, "%s", o->curl.easy_strerror(code));
    o->curl.slist_free_all(headers);
    if (o->status) tell_skew(o, whose);
}

/* --- model providers --------------------------------------------------------------------------------------------------------- */

static void look_at_provider(struct outside *o, const struct config_provider *p)
{
    char url[1024], header[1024] = "", name[64];
    bool google = str_is(p->api, "google-generative-ai"), anthropic = str_is(p->api, "anthropic-messages");
    str_copy(name, sizeof name, p->id);
    if (!p->base_url.n || (!p->api_key.n && p->key_env)) return;
    const char *path = google                        ? "/models?pageSize=1"
                       : anthropic                   ? (str_ends(p->base_url, STR("/v1")) ? "/models" : "/v1/models")
                       : str_is(p->id, "openrouter") ? "/key"
                                                     : "/models"; /* OpenRouter's list of models needs no key */
    snprintf(url, sizeof url, "%.*s%s", STR_ARG(p->base_url), path);
    if (p->api_key.n)
        snprintf(header, sizeof header,
                 google      ? "x-goog-api-key: %.*s"
                 : anthropic ? "x-api-key: %.*s"
                             : "Authorization: Bearer %.*s",
                 STR_ARG(p->api_key));
    call(o, url, header, name);
    if (o->status == 0)
        doctor_say(o->d, OUTSIDE, "provider.unreachable", DOCTOR_CRITICAL,
                   "look at DNS, the network policy for HTTPS, and models.providers.<id>.baseUrl",
                   "Provider %s cannot be reached at %.*s: %s.", name, STR_ARG(p->base_url), o->error);
    else if (o->status == 401 || o->status == 403 || (google && o->status == 400))
        doctor_say(o->d, OUTSIDE, "provider.key_refused", DOCTOR_CRITICAL,
                   p->key_env ? "make a new key, and set the variable below to it" : "make a new key",
                   "Provider %s refuses the key (HTTP %d)%s%s.", name, o->status, p->key_env ? "; it is in " : "",
                   p->key_env ? p->key_env : "");
    else if (o->status == 404)
        doctor_say(o->d, OUTSIDE, "provider.address", DOCTOR_WARN,
                   "models.providers.<id>.baseUrl ends where the provider's documentation says, often in /v1",
                   "Provider %s answers at %.*s, and knows no %s there (HTTP 404).", name, STR_ARG(p->base_url), path);
    else if (o->status >= 500)
        doctor_say(o->d, OUTSIDE, "provider.down", DOCTOR_WARN, "wait; fallbacks answer meanwhile",
                   "Provider %s has trouble of its own (HTTP %d).", name, o->status);
    else
        doctor_say(o->d, OUTSIDE, "provider.ok", DOCTOR_OK, NULL, "Provider %s answers, and takes the key.", name);
}

/* --- Discord ------------------------------------------------------------------------------------------------------------------- */

struct bot {
    char base[512], header[512];
};

static void ask_discord(struct outside *o, const struct bot *bot, const char *kind, struct str id)
{
    char url[700];
    snprintf(url, sizeof url, "%s/%s%s%.*s", bot->base, kind, id.n ? "/" : "", STR_ARG(id));
    call(o, url, bot->header, "Discord");
}

static bool is_id(struct str id)
{
    for (size_t i = 0; i < id.n; i++)
        if (id.p[i] < '0' || id.p[i] > '9') return false;
    return id.n >= 15 && id.n <= 20;
}

static void look_at_places(struct outside *o, const struct bot *bot)
{
    const struct json5_node *guilds = config_get(o->d->c->config, STR("channels.discord.guilds"));
    for (const struct json5_node *g = guilds ? guilds->first : NULL; g; g = g->next) {
        const struct json5_node *channels = json5_member(g, STR("channels"));
        if (!is_id(g->key)) continue;
        ask_discord(o, bot, "guilds", g->key);
        if (o->status == 403 || o->status == 404) {
            doctor_say(o->d, OUTSIDE, "discord.not_in_guild", DOCTOR_CRITICAL,
                       "invite the bot: OAuth2, scopes bot and applications.commands (docs/discord.md)",
                       "The bot is not in server %.*s (HTTP %d).", STR_ARG(g->key), o->status);
            continue;
        }
        for (const struct json5_node *c = channels ? channels->first : NULL; c; c = c->next) {
            if (!is_id(c->key)) continue;
            ask_discord(o, bot, "channels", c->key);
            if (o->status == 403 || o->status == 404)
                doctor_say(o->d, OUTSIDE, "discord.no_access", DOCTOR_WARN,
                           o->status == 403 ? "give the bot View Channel and Send Messages there"
                                            : "it was deleted: take it out of the configuration",
                           "The bot cannot see channel %.*s of server %.*s (HTTP %d).", STR_ARG(c->key), STR_ARG(g->key), o->status);
        }
    }
}

static void look_at_discord(struct outside *o)
{
    struct bot bot;
    const config_t *config = o->d->c->config;
    struct str base = env_get(&o->d->c->env, "DISCORD_API_BASE"), token = config_str(config, "channels.discord.token");
    if (!config_get(config, STR("channels.discord"))) return;
    if (!token.n) token = env_get(&o->d->c->env, "DISCORD_BOT_TOKEN");
    if (!token.n) return;
    if (str_starts(token, STR("Bot "))) token = (struct str){ token.p + 4, token.n - 4 };
    snprintf(bot.base, sizeof bot.base, "%.*s", STR_ARG(base.n ? base : STR(DISCORD_BASE)));
    snprintf(bot.header, sizeof bot.header, "Authorization: Bot %.*s", STR_ARG(token));
    ask_discord(o, &bot, "users/@me", (struct str){ 0 });
    if (o->status == 0) {
        doctor_say(o->d, OUTSIDE, "discord.unreachable", DOCTOR_CRITICAL, "look at DNS and the network policy for HTTPS",
                   "Discord cannot be reached: %s.", o->error);
        return;
    }
    if (o->status == 401) {
        doctor_say(o->d, OUTSIDE, "discord.token_refused", DOCTOR_CRITICAL,
                   "make a new token in the developer portal (Bot, Reset Token) and set DISCORD_BOT_TOKEN",
                   "Discord refuses the bot's token.");
        return;
    }
    ask_discord(o, &bot, "applications/@me", (struct str){ 0 });
    json_t *application = json_loadb(o->body.p ? o->body.p : "", o->body.n, 0, NULL);
    if (o->status == 200 && !(json_int(application, "flags", 0) & CONTENT_INTENT))
        doctor_say(o->d, OUTSIDE, "discord.intents", DOCTOR_CRITICAL,
                   "developer portal, Bot, Privileged Gateway Intents: switch on Message Content Intent",
                   "The application has no Message Content Intent: messages arrive empty, or the connection is refused with 4014.");
    else if (o->status == 200)
        doctor_say(o->d, OUTSIDE, "discord.ok", DOCTOR_OK, NULL, "Discord knows the bot %.*s, with the intents it needs.",
                   STR_ARG(json_str(application, "name")));
    json_decref(application);
    look_at_places(o, &bot);
}

void doctor_look_outside(struct doctor *d)
{
    struct outside o = { .d = d };
    struct buf why = { 0 };
    if (curl_api_open(&o.curl, CURL_API_FILE, &why) != 0) {
        doctor_say(d, OUTSIDE, "machine.libcurl", DOCTOR_CRITICAL, "apt-get install libcurl4", "%s",
                   why.n ? buf_cstr(&why) : "libcurl is not here.");
        buf_free(&why);
        return;
    }
    o.easy = o.curl.easy_init();
    for (size_t i = 0; o.easy && i < config_provider_count(d->c->config); i++) look_at_provider(&o, config_provider_at(d->c->config, i));
    if (o.easy) look_at_discord(&o);
    if (o.easy) o.curl.easy_cleanup(o.easy);
    buf_free(&o.body);
    curl_api_close(&o.curl);
}
