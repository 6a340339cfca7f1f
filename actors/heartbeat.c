#include "actors/heartbeat.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/config_schema.h"
#include "base/timezone.h"
#include "base/utf8.h"

#define PROMPT                                                                                                                             \
    "Read HEARTBEAT.md if it is there and do what it says now, nothing from earlier conversations. If nothing needs attention, reply "     \
    "HEARTBEAT_OK."

/* --- settings ----------------------------------------------------------------------------------------------------- */

/* A setting of the agent's own heartbeat, else of the defaults'. `name` may have a dot in it. */
static struct str text_of(const config_t *config, const struct json5_node *own, const char *name, const char *otherwise)
{
    char path[96];
    struct str rest = str_of(name);
    const struct json5_node *node = own;
    while (node && rest.n) {
        struct str word = str_split(&rest, '.');
        node = node->kind == JSON5_OBJECT ? json5_member(node, word) : NULL;
    }
    if (node && node->kind == JSON5_STRING && node->string.n) return node->string;
    snprintf(path, sizeof path, "agents.defaults.heartbeat.%s", name);
    struct str text = config_str(config, path);
    return text.n ? text : str_of(otherwise);
}

void heartbeat_settings(const config_t *config, const struct config_agent *agent, struct heartbeat_settings *out)
{
    const struct json5_node *own = agent->node ? json5_member(agent->node, STR("heartbeat")) : NULL;
    const struct json5_node *every = own && own->kind == JSON5_OBJECT ? json5_member(own, STR("every")) : NULL;
    *out = (struct heartbeat_settings){
        .every = STR("disabled"),
        .every_ms = -1,
        .prompt = text_of(config, own, "prompt", PROMPT),
        .target = text_of(config, own, "target", "last"),
        .to = text_of(config, own, "to", ""),
        .account = text_of(config, own, "accountId", ""),
        .model = text_of(config, own, "model", ""),
        .session = text_of(config, own, "session", "main"),
        .from = text_of(config, own, "activeHours.start", ""),
        .until = text_of(config, own, "activeHours.end", ""),
        .zone = text_of(config, own, "activeHours.timezone", "user"),
        .ack_max_chars = config_int(config, "agents.defaults.heartbeat.ackMaxChars"),
    };
    int64_t number;
    const struct json5_node *ack = own && own->kind == JSON5_OBJECT ? json5_member(own, STR("ackMaxChars")) : NULL;
    if (ack && json5_to_int(ack, &number) && number >= 0) out->ack_max_chars = number;
    if (!own && !agent->is_default) return;
    out->every = text_of(config, own, "every", "30m");
    out->every_ms = config_duration(config, "agents.defaults.heartbeat.every", 'm');
    if (every && every->kind == JSON5_STRING && config_duration_parse(every->string, 'm', &number) == 0) out->every_ms = number;
    if (every && json5_to_int(every, &number)) out->every_ms = number * 60000;
    out->enabled = out->every_ms > 0;
    if (out->enabled) return;
    out->every = STR("disabled");
    out->every_ms = -1;
}

/* --- active hours ------------------------------------------------------------------------------------------------- */

/* "07:30" as minutes of the day; "24:00" is its end. @return -1: it is no time */
static int minutes_of(struct str text)
{
    int64_t hour, minute;
    struct str h = str_split(&text, ':');
    if (str_to_int(h, &hour) != 0 || str_to_int(text, &minute) != 0) return -1;
    if (hour < 0 || minute < 0 || minute > 59 || hour * 60 + minute > 24 * 60) return -1;
    return (int)(hour * 60 + minute);
}

static void local_time(struct str zone, int64_t now_ms, struct timezone_local *out)
{
    timezone_t *rules = NULL;
    timezone_load(NULL, zone, &rules);
    timezone_local(rules, now_ms / 1000, out);
    timezone_destroy(&rules);
}

bool heartbeat_is_active(const struct heartbeat_settings *settings, struct str agent_zone, int64_t now_ms)
{
    char host[TIMEZONE_NAME_MAX + 1];
    struct timezone_local t;
    int from = minutes_of(settings->from), until = minutes_of(settings->until);
    if (from < 0 || until < 0 || from == until) return true;
    timezone_host(host);
    bool user = str_is(settings->zone, "user"), local = str_is(settings->zone, "local");
    local_time(user && agent_zone.n ? agent_zone : user || local ? str_of(host) : settings->zone, now_ms, &t);
    int now = t.hour * 60 + t.minute;
    return from < until ? now >= from && now < until : now >= from || now < until;
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

static bool is_list_mark(struct str line)
{
    if (line.n && memchr("-*+", line.p[0], 3)) line = str_trim((struct str){ line.p + 1, line.n - 1 });
    return line.n == 0 || str_is(line, "[ ]") || str_is(line, "[x]") || str_is(line, "[X]");
}

bool heartbeat_list_is_empty(struct str text)
{
    bool comment = false;
    while (text.n) {
        struct str line = str_trim(str_split(&text, '\n'));
        bool begins = str_starts(line, STR("<!--")), ends = str_find(line, STR("-->")) >= 0;
        bool heading = line.n && line.p[0] == '#';
        if (!comment && !begins && !heading && !is_list_mark(line)) return false;
        comment = (comment || begins) && !ends;
    }
    return true;
}

/* Without Markdown around it: models like to say it in bold. */
static struct str bare(struct str s)
{
    s = str_trim(s);
    while (s.n && memchr("*_`\"", s.p[0], 4)) s = (struct str){ s.p + 1, s.n - 1 };
    while (s.n && memchr("*_`\".!", s.p[s.n - 1], 6)) s.n--;
    return s;
}

enum heartbeat_answer heartbeat_read_answer(struct str text, int64_t ack_max_chars, struct str *rest)
{
    static const struct str token = { HEARTBEAT_TOKEN, sizeof HEARTBEAT_TOKEN - 1 };
    *rest = text = str_trim(text);
    if (text.n == 0 || str_is(text, "NO_REPLY")) return HEARTBEAT_OK_EMPTY;
    struct str s = bare(text);
    bool front = str_starts(s, token), back = !front && str_ends(s, token);
    if (!front && !back) return HEARTBEAT_SAYS;
    *rest = front ? (struct str){ s.p + token.n, s.n - token.n } : (struct str){ s.p, s.n - token.n };
    *rest = bare(*rest);
    return (int64_t)utf8_count(*rest) <= ack_max_chars ? HEARTBEAT_OK_TOKEN : HEARTBEAT_SAYS;
}

void heartbeat_write_time(struct str zone, int64_t now_ms, struct buf *out)
{
    static const char *const DAYS[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
    static const char *const MONTHS[] = { "January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December" };
    struct timezone_local t;
    local_time(zone.n ? zone : STR("UTC"), now_ms, &t);
    bool teen = t.day >= 11 && t.day <= 13;
    const char *th = teen ? "th" : t.day % 10 == 1 ? "st" : t.day % 10 == 2 ? "nd" : t.day % 10 == 3 ? "rd" : "th";
    buf_printf(out, "Current time: %s, %s %d%s, %d — %d:%02d %s (%.*s)", DAYS[t.weekday], MONTHS[t.month - 1], t.day, th, t.year,
               t.hour % 12 ? t.hour % 12 : 12, t.minute, t.hour < 12 ? "AM" : "PM", STR_ARG(zone.n ? zone : STR("UTC")));
}
