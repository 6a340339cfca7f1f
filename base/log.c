#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

enum { LINE_MAX_BYTES = 64 * 1024, VALUE_MAX_BYTES = 2048, LINE_USUAL_BYTES = 1024 };

static atomic_int threshold = LOG_INFO;
static atomic_bool as_json;
static _Thread_local const char *actor_name = "main";

static pthread_rwlock_t secrets_lock = PTHREAD_RWLOCK_INITIALIZER;
static struct str secrets[LOG_SECRETS_MAX]; /* owned; the one told last is the last */
static size_t secret_count;

static pthread_mutex_t file_lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_file file;
static bool file_known; /* `file` has been opened once */
static char host_name[256];
static atomic_int file_threshold = LOG_OFF; /* LOG_OFF: no file is open */

static const char *const level_names[] = { "debug", "info", "warn", "error", "silent" };

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, (int)level);
}

bool log_level_parse(struct str name, enum log_level *out)
{
    if (str_is(name, "trace")) name = STR("debug");
    if (str_is(name, "fatal")) name = STR("error");
    for (int i = LOG_DEBUG; i <= LOG_OFF; i++) {
        if (!str_is(name, level_names[i])) continue;
        *out = (enum log_level)i;
        return true;
    }
    return false;
}

bool log_set_level_name(struct str name)
{
    enum log_level level;
    if (!log_level_parse(name, &level)) return false;
    log_set_level(level);
    return true;
}

void log_set_json(bool json)
{
    atomic_store(&as_json, json);
}

void log_set_actor(const char *name)
{
    actor_name = name;
}

void log_secret_add(struct str secret)
{
    if (secret.n < LOG_SECRET_MIN) return;
    pthread_rwlock_wrlock(&secrets_lock);
    size_t at = 0;
    while (at < secret_count && !str_eq(secrets[at], secret)) at++;
    bool known = at < secret_count;
    char *copy = known ? (char *)secrets[at].p : str_dup(secret);
    if (copy && !known && secret_count == LOG_SECRETS_MAX) { /* the one that was not told for longest makes room */
        free((char *)secrets[0].p);
        at = 0;
        known = true;
    }
    if (known && copy) {
        secret_count--;
        memmove(&secrets[at], &secrets[at + 1], (secret_count - at) * sizeof *secrets);
    }
    if (copy) secrets[secret_count++] = (struct str){ copy, secret.n };
    pthread_rwlock_unlock(&secrets_lock);
}

/* Blank out every registered secret in place: same length, so no line is rewritten. */
static void redact(struct buf *line)
{
    pthread_rwlock_rdlock(&secrets_lock);
    for (size_t i = 0; i < secret_count; i++) {
        char *from = line->p;
        size_t left = line->n;
        char *at;
        while (left >= secrets[i].n && (at = memmem(from, left, secrets[i].p, secrets[i].n)) != NULL) {
            memset(at, '*', secrets[i].n);
            left -= (size_t)(at - from) + secrets[i].n;
            from = at + secrets[i].n;
        }
    }
    pthread_rwlock_unlock(&secrets_lock);
}

static bool bare(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || (unsigned char)c >= 0x7F) return false;
    }
    return s.n > 0;
}

static void add(struct buf *line, bool json, const char *key, struct str value)
{
    value = str_utf8_prefix(value, VALUE_MAX_BYTES);
    if (json) {
        buf_json_pair_str(line, key, value);
        return;
    }
    if (line->n) buf_char(line, ' ');
    buf_text(line, key);
    buf_char(line, '=');
    if (bare(value)) {
        buf_add(line, value);
    } else {
        buf_json_str(line, value);
    }
}

static void add_int(struct buf *line, bool json, const char *key, int64_t value)
{
    if (json) {
        buf_json_pair_int(line, key, value);
        return;
    }
    buf_printf(line, " %s=%lld", key, (long long)value);
}

static void add_fields(struct buf *line, bool json, const struct log_field *fields)
{
    for (const struct log_field *f = fields + 1; f->key; f++) {
        if (f->is_int) {
            add_int(line, json, f->key, f->i);
        } else {
            add(line, json, f->key, f->s);
        }
    }
}

static void to_console(enum log_level level, const char *ts, const char *event, const struct log_field *fields)
{
    bool json = atomic_load_explicit(&as_json, memory_order_relaxed);
    struct buf line = { .max = LINE_MAX_BYTES };
    buf_reserve(&line, LINE_USUAL_BYTES);
    if (json) buf_char(&line, '{');
    add(&line, json, "ts", str_of(ts));
    add(&line, json, "level", str_of(level_names[level]));
    add(&line, json, "actor", str_of(actor_name));
    add(&line, json, "event", str_of(event));
    add_fields(&line, json, fields);
    line.max += 2; /* the end always fits, whatever was cut */
    line.err = 0;
    buf_text(&line, json ? "}\n" : "\n");
    redact(&line);
    ssize_t written = write(STDERR_FILENO, line.p, line.n);
    (void)written; /* nobody is left to tell */
    buf_free(&line);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

/* A line as OpenClaw's logger writes it (reference gateway-protocol 7, logs.tail). */
static void make_line(struct buf *line, enum log_level level, const char *ts, struct str text)
{
    static const char *const names[] = { "DEBUG", "INFO", "WARN", "ERROR" };
    char subsystem[128];
    snprintf(subsystem, sizeof subsystem, "{\"subsystem\":\"%.100s\"}", actor_name);
    buf_reserve(line, LINE_USUAL_BYTES + text.n);
    buf_text(line, "{\"0\":");
    buf_json_str(line, str_of(subsystem));
    buf_text(line, ",\"1\":");
    buf_json_str(line, text);
    buf_text(line, ",\"_meta\":{\"runtime\":\"native\",\"runtimeVersion\":\"" GW_VERSION "\",\"hostname\":");
    buf_json_str(line, str_of(host_name));
    buf_text(line, ",\"name\":");
    buf_json_str(line, str_of(subsystem));
    buf_text(line, ",\"parentNames\":[\"openclaw\"],\"date\":\"");
    buf_text(line, ts);
    buf_printf(line, "\",\"logLevelId\":%d,\"logLevelName\":\"%s\"},\"time\":\"%s\"}\n", level + 2, names[level], ts);
    redact(line);
}

static void to_file(enum log_level level, const char *ts, const char *event, const struct log_field *fields)
{
    struct buf text = { .max = LINE_MAX_BYTES }, line = { 0 }, notice = { 0 };
    buf_reserve(&text, LINE_USUAL_BYTES);
    buf_text(&text, event);
    add_fields(&text, false, fields);
    make_line(&line, level, ts, buf_str(&text));
    pthread_mutex_lock(&file_lock);
    if (log_file_turn(&file, ts, line.n)) {
        make_line(&notice, LOG_INFO, ts, STR("log_file_started_anew: the former part has the same name with .1 behind it"));
        log_file_add(&file, buf_str(&notice));
    }
    log_file_add(&file, buf_str(&line));
    pthread_mutex_unlock(&file_lock);
    buf_free(&text);
    buf_free(&line);
    buf_free(&notice);
}

int log_open_file(const struct log_place *place, enum log_level level, int64_t max_bytes)
{
    char ts[CLOCK_ISO_SIZE];
    clock_iso(clock_wall_ms(), ts);
    pthread_mutex_lock(&file_lock);
    if (file_known) log_file_close(&file);
    file_known = true;
    if (gethostname(host_name, sizeof host_name - 1) != 0) host_name[0] = '\0';
    int rc = log_file_open(&file, place, max_bytes, ts);
    atomic_store(&file_threshold, rc == 0 ? (int)level : LOG_OFF);
    pthread_mutex_unlock(&file_lock);
    return rc;
}

void log_close_file(void)
{
    pthread_mutex_lock(&file_lock);
    atomic_store(&file_threshold, LOG_OFF);
    if (file_known) log_file_close(&file);
    pthread_mutex_unlock(&file_lock);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    char ts[CLOCK_ISO_SIZE];
    bool console = (int)level >= atomic_load_explicit(&threshold, memory_order_relaxed);
    bool filed = (int)level >= atomic_load_explicit(&file_threshold, memory_order_relaxed);
    if (level >= LOG_OFF || (!console && !filed)) return;
    clock_iso(clock_wall_ms(), ts);
    if (console) to_console(level, ts, event, fields);
    if (filed) to_file(level, ts, event, fields);
}
