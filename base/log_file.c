#include "base/log_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

#define PREFIX "openclaw-"
#define SUFFIX ".log"

int log_place_find(struct str setting, struct str state, const char *home, struct log_place *out)
{
    int n;
    out->by_day = setting.n == 0;
    if (out->by_day)
        n = snprintf(out->path, sizeof out->path, "%.*s/logs", STR_ARG(state));
    else if (str_starts(setting, STR("~/")) && home)
        n = snprintf(out->path, sizeof out->path, "%s%.*s", home, (int)setting.n - 1, setting.p + 1);
    else
        n = snprintf(out->path, sizeof out->path, "%.*s", STR_ARG(setting));
    return n < 0 || (size_t)n >= sizeof out->path ? GW_ELIMIT : 0;
}

static int code(int error)
{
    return error == EACCES || error == EPERM || error == EROFS ? GW_EDENIED : GW_EIO;
}

/* Open the file for f->day. */
static int begin(struct log_file *f)
{
    struct stat st;
    int n = f->place.by_day ? snprintf(f->path, sizeof f->path, "%s/" PREFIX "%s" SUFFIX, f->place.path, f->day)
                            : snprintf(f->path, sizeof f->path, "%s", f->place.path);
    if (n < 0 || (size_t)n >= sizeof f->path) return GW_ELIMIT;
    f->fd = open(f->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
    if (f->fd < 0) return code(errno);
    if (fstat(f->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        log_file_close(f);
        return GW_EIO;
    }
    f->size = (int64_t)st.st_size;
    return 0;
}

/* The first day that is kept. */
static void first_day(const char *now, char out[CLOCK_ISO_SIZE])
{
    struct tm t = { 0 };
    t.tm_year = atoi(now) - 1900;
    t.tm_mon = atoi(now + 5) - 1;
    t.tm_mday = atoi(now + 8) - (LOG_FILE_DAYS - 1);
    clock_iso((int64_t)timegm(&t) * 1000, out);
}

/* openclaw-YYYY-MM-DD.log and what follows it; other files are none of ours. */
static bool is_old(const char *name, const char *first)
{
    struct str rest = str_of(name);
    if (!str_starts(rest, STR(PREFIX))) return false;
    const char *day = name + sizeof PREFIX - 1;
    for (size_t i = 0; i < LOG_FILE_DAY; i++) {
        bool dash = i == 4 || i == 7;
        if (dash ? day[i] != '-' : day[i] < '0' || day[i] > '9') return false;
    }
    return strncmp(day + LOG_FILE_DAY, SUFFIX, sizeof SUFFIX - 1) == 0 && strncmp(day, first, LOG_FILE_DAY) < 0;
}

static void remove_old(const struct log_file *f, const char *now)
{
    char first[CLOCK_ISO_SIZE];
    const struct dirent *entry;
    DIR *dir = f->place.by_day ? opendir(f->place.path) : NULL;
    if (!dir) return;
    first_day(now, first);
    while ((entry = readdir(dir)))
        if (is_old(entry->d_name, first)) unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
}

int log_file_open(struct log_file *f, const struct log_place *place, int64_t max, const char *now)
{
    *f = (struct log_file){ .fd = -1, .place = *place, .max = max > 0 ? max : LOG_FILE_BYTES_MAX };
    memcpy(f->day, now, LOG_FILE_DAY);
    if (place->by_day && mkdir(place->path, 0700) != 0 && errno != EEXIST) return code(errno);
    int rc = begin(f);
    if (rc == 0) remove_old(f, now);
    return rc;
}

void log_file_close(struct log_file *f)
{
    if (f->fd >= 0) close(f->fd);
    f->fd = -1;
}

bool log_file_turn(struct log_file *f, const char *now, size_t n)
{
    char old[LOG_FILE_PATH_MAX + 8];
    bool other_day = f->place.by_day && strncmp(f->day, now, LOG_FILE_DAY) != 0;
    bool full = f->fd >= 0 && f->size > 0 && f->size + (int64_t)n > f->max;
    if (!other_day && !full) return false;
    log_file_close(f);
    if (!other_day) {
        snprintf(old, sizeof old, "%s.1", f->path);
        rename(f->path, old);
    }
    memcpy(f->day, now, LOG_FILE_DAY);
    bool open = begin(f) == 0;
    if (open && other_day) remove_old(f, now);
    return open && !other_day;
}

void log_file_add(struct log_file *f, struct str line)
{
    if (f->fd < 0) return;
    ssize_t done = write(f->fd, line.p, line.n);
    if (done > 0) f->size += done;
}
