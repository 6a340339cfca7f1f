/** base/log_file.h -- the log as files: one a day in a folder, or one at a fixed path, each with a bound.
 *
 *  In:     finished lines and their time   Out: files, mode 0600
 *  Owns:   one descriptor
 *  Thread: whoever holds the lock of base/log.c; nothing here is shared otherwise
 *
 *  A file that has grown over its bound is renamed to <name>.1, over an older one, and started anew. Files of days that are
 *  LOG_FILE_DAYS old are removed. */
#ifndef BASE_LOG_FILE_H
#define BASE_LOG_FILE_H

#include "base/clock.h"
#include "base/str.h"

enum {
    LOG_FILE_DAYS = 7,                    /* days whose files are kept, today's among them */
    LOG_FILE_BYTES_MAX = 64 * 1024 * 1024 /* bytes of one file unless logging.maxFileBytes says otherwise */
};
enum { LOG_FILE_PATH_MAX = 4096, LOG_FILE_DAY = 10 /* bytes of "2026-11-22" */ };

/* Where the log's files are. */
struct log_place {
    bool by_day;                  /* path is the folder of openclaw-YYYY-MM-DD.log; else it is the file */
    char path[LOG_FILE_PATH_MAX]; /* absolute */
};

/** The place for the setting logging.file ("~/" is $HOME), or <state>/logs when it is empty. @return 0 or GW_ELIMIT */
int log_place_find(struct str setting, struct str state, const char *home, struct log_place *out);

struct log_file {
    int fd; /* -1: closed */
    struct log_place place;
    char day[LOG_FILE_DAY + 1];
    char path[LOG_FILE_PATH_MAX]; /* of the open file */
    int64_t size, max;
};

/** Open it for the day of `now` (as clock_iso() writes it) and remove what is too old. @param max  bytes of a file; 0: LOG_FILE_BYTES_MAX
 *  @return 0, GW_EDENIED, GW_ELIMIT (path), GW_EIO; f->fd is -1 then */
int log_file_open(struct log_file *f, const struct log_place *place, int64_t max, const char *now);
void log_file_close(struct log_file *f);

/** Before a line of n bytes: go on to a new day's file, or start a full one anew. @return true when it was started anew */
bool log_file_turn(struct log_file *f, const char *now, size_t n);

/** Append a whole line with one call. A failure is not told: nobody is left to tell. */
void log_file_add(struct log_file *f, struct str line);

#endif
