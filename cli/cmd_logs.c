/* cli/cmd_logs.c -- `openclaw logs`: the end of the gateway's log, and what is added to it. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json_read.h"
#include "cli/remote.h"
#include "cli/text.h"

enum {
    LIMIT_DEFAULT = 200,
    LIMIT_MAX = 5000,
    BYTES_DEFAULT = 250000,
    BYTES_MAX = 1000000,
    INTERVAL_DEFAULT_MS = 1000,
    INTERVAL_MAX_MS = 3600000
};

struct view {
    bool json, plain, colour, follow;
    long limit, max_bytes, interval_ms;
};

/* --- one line ----------------------------------------------------------------------------------------------------- */

/* A line as OpenClaw writes it: {"0":"{\"subsystem\":\"gateway/ws\"}","1":"message","_meta":{...},"time":"..."}. */
struct line {
    struct str time;
    struct buf level, subsystem, message; /* `message`: all the parts, as OpenClaw shows them */
    struct buf text;                      /* the parts without the one that names the subsystem */
};

static void free_line(struct line *l)
{
    buf_free(&l->level);
    buf_free(&l->subsystem);
    buf_free(&l->message);
    buf_free(&l->text);
}

static void add_part(struct buf *out, const json_t *part)
{
    if (out->n) buf_char(out, ' ');
    if (json_is_string(part))
        buf_add(out, json_text(part));
    else
        json_print(out, part);
}

static bool names_subsystem(const json_t *part, struct buf *out)
{
    json_t *named = json_is_string(part) ? json_loads(json_string_value(part), 0, NULL) : NULL;
    struct str subsystem = json_str(named, "subsystem"), module = json_str(named, "module");
    struct str name = subsystem.n ? subsystem : module;
    buf_add(out, name);
    json_decref(named);
    return name.n > 0;
}

static void read_line(const json_t *root, struct line *out)
{
    const json_t *meta = json_object_get(root, "_meta");
    struct str time = json_str(root, "time"), level = json_str(meta, "logLevelName");
    *out = (struct line){ .time = time.n ? time : json_str(meta, "date") };
    if (!level.n) level = json_str(root, "level");
    for (size_t i = 0; i < level.n; i++)
        buf_char(&out->level, (char)(level.p[i] >= 'A' && level.p[i] <= 'Z' ? level.p[i] + 32 : level.p[i]));
    for (int i = 0; i < 10; i++) {
        const char key[2] = { (char)('0' + i), '\0' };
        const json_t *part = json_object_get(root, key);
        if (!part) break;
        add_part(&out->message, part);
        if (i > 0 || !names_subsystem(part, &out->subsystem)) add_part(&out->text, part);
    }
    if (!out->message.n) buf_add(&out->message, json_str(root, "message"));
    if (!out->text.n && !out->subsystem.n) buf_add(&out->text, buf_str(&out->message));
    if (!out->subsystem.n) buf_add(&out->subsystem, json_str(root, "subsystem"));
}

static void pair(json_t *out, const char *key, struct str value)
{
    if (value.n) json_object_set_new(out, key, json_stringn(value.p, value.n));
}

static void show_one_line(json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    if (text) printf("%s\n", text);
    free(text);
    json_decref(value);
}

static void show_json_line(const struct line *l, const char *raw)
{
    json_t *out = json_pack("{s:s}", "type", l ? "log" : "raw");
    if (l) {
        pair(out, "time", l->time);
        pair(out, "level", buf_str(&l->level));
        pair(out, "subsystem", buf_str(&l->subsystem));
        pair(out, "message", buf_str(&l->message));
    }
    json_object_set_new(out, "raw", json_string(raw));
    show_one_line(out);
}

static enum style level_style(struct str level)
{
    if (str_is(level, "error") || str_is(level, "fatal")) return STYLE_RED;
    if (str_is(level, "warn")) return STYLE_YELLOW;
    return str_is(level, "debug") || str_is(level, "trace") ? STYLE_DIM : STYLE_CYAN;
}

static void show_text_line(const struct line *l, bool colour)
{
    struct buf out = { 0 };
    if (l->time.n) {
        struct buf time = { 0 };
        text_clean(&time, l->time);
        text_style(&out, colour, STYLE_DIM, buf_str(&time));
        buf_char(&out, ' ');
        buf_free(&time);
    }
    if (l->level.n) {
        struct buf level = { 0 };
        text_clean(&level, buf_str(&l->level));
        text_style(&out, colour, level_style(buf_str(&level)), buf_str(&level));
        buf_char(&out, ' ');
        buf_free(&level);
    }
    if (l->subsystem.n) {
        text_clean(&out, buf_str(&l->subsystem));
        buf_char(&out, ' ');
    }
    text_clean_lines(&out, buf_str(&l->text));
    printf("%s\n", buf_cstr(&out));
    buf_free(&out);
}

static void show_line(const struct view *v, const char *raw)
{
    json_t *root = json_loads(raw, 0, NULL);
    bool known = json_is_object(root);
    struct line l = { 0 };
    if (known) read_line(root, &l);
    if (v->json)
        show_json_line(known ? &l : NULL, raw);
    else if (known)
        show_text_line(&l, v->colour);
    else
        text_say(stdout, "%s", raw);
    free_line(&l);
    json_decref(root);
}

/* --- the log ------------------------------------------------------------------------------------------------------ */

static void show_head(const struct view *v, const json_t *payload)
{
    if (!v->json) {
        text_say(stdout, "Log file: %.*s", STR_ARG(json_str(payload, "file")));
        return;
    }
    json_t *meta = json_pack("{s:s}", "type", "meta");
    static const char *const keys[] = { "file", "cursor", "size" };
    for (size_t i = 0; i < 3; i++)
        if (json_object_get(payload, keys[i])) json_object_set(meta, keys[i], json_object_get(payload, keys[i]));
    show_one_line(meta);
}

static void notice(const struct view *v, const char *text)
{
    if (v->json)
        show_one_line(json_pack("{s:s, s:s}", "type", "notice", "message", text));
    else
        fprintf(stderr, "%s\n", text);
}

static void show(const struct view *v, const json_t *payload, bool first)
{
    const json_t *lines = json_object_get(payload, "lines");
    if (first) show_head(v, payload);
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const char *raw = json_string_value(json_array_get(lines, i));
        if (raw) show_line(v, raw);
    }
    if (json_flag(payload, "truncated")) notice(v, "Log tail truncated (increase --max-bytes).");
    if (!first && json_flag(payload, "reset")) notice(v, "Log cursor reset (file rotated).");
    fflush(stdout);
}

/* Ends only with a failure or a signal, when following. */
static int tail(struct remote *r, const struct view *v)
{
    json_t *cursor = NULL;
    for (bool first = true;; first = false) {
        const struct timespec pause = { .tv_sec = v->interval_ms / 1000, .tv_nsec = v->interval_ms % 1000 * 1000000 };
        json_t *params = json_pack("{s:I, s:I}", "limit", (json_int_t)v->limit, "maxBytes", (json_int_t)v->max_bytes);
        if (cursor) json_object_set(params, "cursor", cursor);
        json_t *payload = remote_call(r, "logs.tail", params);
        if (!payload) break;
        show(v, payload, first);
        json_decref(cursor);
        cursor = json_incref(json_object_get(payload, "cursor"));
        json_decref(payload);
        if (!v->follow || ferror(stdout)) {
            json_decref(cursor);
            return CLI_OK;
        }
        nanosleep(&pause, NULL);
    }
    json_decref(cursor);
    return CLI_FAILED;
}

int cmd_logs(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    struct view v = { .limit = LIMIT_DEFAULT, .max_bytes = BYTES_DEFAULT, .interval_ms = INTERVAL_DEFAULT_MS };
    const char *limit = NULL, *bytes = NULL, *interval = NULL;
    bool no_colour = false;
    const struct cli_option options[] = { { "--follow", NULL, "go on with what is added", NULL, &v.follow },
                                          { "--limit", "N", "at most so many lines (default: 200)", &limit, NULL },
                                          { "--max-bytes", "N", "at most so many bytes (default: 250000)", &bytes, NULL },
                                          { "--interval", "MS", "how often to look, with --follow (default: 1000)", &interval, NULL },
                                          { "--plain", NULL, "without colours", NULL, &v.plain },
                                          { "--no-color", NULL, "the same", NULL, &no_colour },
                                          REMOTE_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage usage = { "openclaw logs [options]", "The end of the gateway's log.", options };
    struct remote r;
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = limit ? cli_number("--limit", limit, 1, LIMIT_MAX, &v.limit) : CLI_OK;
    if (rc == CLI_OK && bytes) rc = cli_number("--max-bytes", bytes, 1, BYTES_MAX, &v.max_bytes);
    if (rc == CLI_OK && interval) rc = cli_number("--interval", interval, 50, INTERVAL_MAX_MS, &v.interval_ms);
    if (rc) return rc;
    v.json = flags.json;
    v.colour = !v.plain && !no_colour && text_colour(stdout);
    rc = remote_open(&r, &flags);
    if (rc == CLI_OK) rc = tail(&r, &v);
    remote_close(&r);
    return rc;
}
