/** base/log.h -- one line per event, written with one call, to standard error, and to files when they are opened.
 *
 *  Text form:  ts=2026-11-22T13:10:55.123Z level=info actor=router event=turn_ended turn=42 session="agent:main:main"
 *  JSON form (OPENCLAW_LOG_FORMAT=json): the same keys as one object.
 *  In files (base/log_file.h): OpenClaw's form, {"0":"{\"subsystem\":<actor>}","1":"turn_ended turn=42 ...","_meta":{...},"time":...},
 *  which its clients read through logs.tail.
 *  Values that come from outside are quoted and escaped; registered secrets are replaced by ***.
 *  Message bodies are never logged. Any thread. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/log_file.h"
#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

struct log_field {
    const char *key;
    bool is_int;
    int64_t i;
    struct str s; /* borrowed for the call */
};

#define LOG_I(name, value) ((struct log_field){ .key = (name), .is_int = true, .i = (value) })
#define LOG_S(name, value) ((struct log_field){ .key = (name), .s = (value) })
#define LOG_T(name, text) ((struct log_field){ .key = (name), .s = str_of(text) }) /* NUL-terminated text */

/** Write an event: log_event(LOG_WARN, "store_damaged", LOG_T("file", path), LOG_I("size", n)).
 *  Event names are snake_case in the past tense. */
#define log_event(level, event, ...)                                                                                                       \
    log_write((level), (event), (const struct log_field[]){ { .key = NULL }, ##__VA_ARGS__, { .key = NULL } })

/** Behind log_event(): `fields` starts with an unused element and ends at a NULL key. */
void log_write(enum log_level level, const char *event, const struct log_field *fields);

void log_set_level(enum log_level level); /* of standard error; default LOG_INFO */
bool log_set_level_name(struct str name); /* the same by name; false: unknown, unchanged */
/** "debug" (or "trace"), "info", "warn", "error" (or "fatal"), "silent". @return false for another name */
bool log_level_parse(struct str name, enum log_level *out);
void log_set_json(bool json);

/** The actor whose thread this is, for every later line of the thread. `name` must outlive the thread's logging. */
void log_set_actor(const char *name);

enum { LOG_SECRETS_MAX = 256, LOG_SECRET_MIN = 6 }; /* secrets remembered; shortest one replaced, bytes */

/** Remember a secret; lines written later have it replaced. Copied. Shorter than LOG_SECRET_MIN is ignored; at LOG_SECRETS_MAX
 *  the one that was told longest ago is forgotten. */
void log_secret_add(struct str secret);

/** Write lines of `level` and above to files too, secrets replaced like everywhere. Nothing waits for the disk. An open file is
 *  closed first. @param max_bytes  of one file; 0: LOG_FILE_BYTES_MAX  @return as log_file_open() */
int log_open_file(const struct log_place *place, enum log_level level, int64_t max_bytes);
void log_close_file(void);

#endif
