#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

enum { LINE_MAX_BYTES = 64 * 1024, VALUE_MAX_BYTES = 2048 };

static atomic_int threshold = LOG_INFO;
static atomic_bool as_json;
static _Thread_local const char *actor_name = "main";

static pthread_rwlock_t secrets_lock = PTHREAD_RWLOCK_INITIALIZER;
static struct str secrets[LOG_SECRETS_MAX]; /* owned; the one told last is the last */
static size_t secret_count;

static const char *const level_names[] = { "debug", "info", "warn", "error", "silent" };

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, (int)level);
}

bool log_set_level_name(struct str name)
{
    if (str_is(name, "trace")) name = STR("debug");
    for (int i = LOG_DEBUG; i <= LOG_OFF; i++) {
        if (!str_is(name, level_names[i])) continue;
        log_set_level((enum log_level)i);
        return true;
    }
    return false;
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

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    if ((int)level < atomic_load_explicit(&threshold, memory_order_relaxed) || level >= LOG_OFF) return;
    bool json = atomic_load_explicit(&as_json, memory_order_relaxed);
    struct buf line = { .max = LINE_MAX_BYTES };
    char ts[CLOCK_ISO_SIZE];
    clock_iso(clock_wall_ms(), ts);
    if (json) buf_char(&line, '{');
    add(&line, json, "ts", str_of(ts));
    add(&line, json, "level", str_of(level_names[level]));
    add(&line, json, "actor", str_of(actor_name));
    add(&line, json, "event", str_of(event));
    for (const struct log_field *f = fields + 1; f->key; f++) {
        if (f->is_int) {
            add_int(&line, json, f->key, f->i);
        } else {
            add(&line, json, f->key, f->s);
        }
    }
    line.max += 2; /* the end always fits, whatever was cut */
    line.err = 0;
    buf_text(&line, json ? "}\n" : "\n");
    redact(&line);
    ssize_t written = write(STDERR_FILENO, line.p, line.n);
    (void)written; /* nobody is left to tell */
    buf_free(&line);
}
