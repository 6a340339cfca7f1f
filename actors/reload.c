#include "actors/reload.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config_good.h"
#include "base/config_shared.h"
#include "base/log.h"

struct reload {
    mailbox_t *mailbox;
    struct reload_options *options;
    char *files[CONFIG_FILES_MAX]; /* what the last load read or wanted to read; owned */
    size_t file_count;
    uint64_t loaded;   /* signature of the files when they were last read */
    uint64_t seen;     /* the last one that was looked at */
    uint64_t folders;  /* signature of the list of watched folders */
    int inotify;       /* -1: no watches */
    int64_t due_ms;    /* monotonic: when to read; -1: nothing changed */
    int64_t latest_ms; /* no later than this */
    int64_t generation;
    bool stop;
};

/* --- which files, and whether they changed ---------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 1099511628211u; /* FNV-1a, 64 bits */
    return h;
}

static const uint64_t SEED = 1469598103934665603u;

/* Links are followed: a ConfigMap's `..data` that points elsewhere gives another inode. */
static uint64_t signature(const struct reload *l)
{
    uint64_t h = SEED;
    for (size_t i = 0; i < l->file_count; i++) {
        struct stat st;
        if (stat(l->files[i], &st) != 0) {
            h = mix(h, &errno, sizeof errno);
            continue;
        }
        h = mix(h, &st.st_dev, sizeof st.st_dev);
        h = mix(h, &st.st_ino, sizeof st.st_ino);
        h = mix(h, &st.st_size, sizeof st.st_size);
        h = mix(h, &st.st_mtim, sizeof st.st_mtim);
    }
    return h;
}

static void add_file(struct reload *l, struct str path)
{
    for (size_t i = 0; i < l->file_count; i++)
        if (str_is(path, l->files[i])) return;
    char *copy = path.n && l->file_count < CONFIG_FILES_MAX ? str_dup(path) : NULL;
    if (copy) l->files[l->file_count++] = copy;
}

static void forget_files(struct reload *l)
{
    while (l->file_count) free(l->files[--l->file_count]);
}

/* What was read; after a failure, also what a problem is about: mending an included file is seen, too. */
static void note_files(struct reload *l, const config_t *cfg, const struct config_problems *problems)
{
    if (cfg) forget_files(l);
    add_file(l, str_of(l->options->path));
    for (size_t i = 0; cfg && i < config_file_count(cfg); i++) add_file(l, config_file_at(cfg, i));
    for (size_t i = 0; problems && i < problems->count; i++) add_file(l, problems->items[i].file);
}

/* --- watches ---------------------------------------------------------------------------------------------------- */

/* The folder of a file, "." when its path names none. */
static void folder_of(const char *path, char out[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) + (slash == path) : 1;
    if (str_copy(out, PATH_MAX, (struct str){ slash ? path : ".", n })) out[0] = '\0';
}

/* The folders that a file's name and its links go through; at most two matter: where the name stands and where the file does. */
static size_t folders_of(const char *path, char out[2][PATH_MAX])
{
    char real[PATH_MAX];
    folder_of(path, out[0]);
    if (!realpath(path, real)) return 1;
    folder_of(real, out[1]);
    return 2;
}

static uint64_t list_folders(const struct reload *l)
{
    char folders[2][PATH_MAX];
    uint64_t h = SEED;
    for (size_t i = 0; i < l->file_count; i++)
        for (size_t n = folders_of(l->files[i], folders); n > 0; n--) h = mix(h, folders[n - 1], strlen(folders[n - 1]) + 1);
    return h;
}

static void add_watches(struct reload *l)
{
    static const uint32_t mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_ONLYDIR;
    char folders[2][PATH_MAX];
    for (size_t i = 0; i < l->file_count; i++)
        for (size_t n = folders_of(l->files[i], folders); n > 0; n--)
            if (inotify_add_watch(l->inotify, folders[n - 1], mask) < 0 && errno != ENOENT)
                log_event(LOG_WARN, "config_folder_not_watched", LOG_T("folder", folders[n - 1]), LOG_T("error", strerror(errno)));
}

/* Watch the folders of the files as they are now. A new descriptor has none of the old ones. */
static void watch(struct reload *l)
{
    uint64_t folders = list_folders(l);
    if (l->inotify >= 0 && folders == l->folders) return;
    if (l->inotify >= 0) close(l->inotify);
    l->folders = folders;
    l->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (l->inotify >= 0)
        add_watches(l);
    else
        log_event(LOG_WARN, "config_not_watched", LOG_T("error", strerror(errno)), LOG_I("look_every_ms", RELOAD_LOOK_MS));
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

static void log_problems(const struct config_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct config_problem *p = &problems->items[i];
        log_event(p->severity == CONFIG_ERROR ? LOG_ERROR : LOG_WARN, "config_problem_found", LOG_S("path", p->path),
                  LOG_S("problem", p->message), LOG_S("file", p->file), LOG_I("line", p->line));
    }
}

static const struct config_problem *first_error(const struct config_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        if (problems->items[i].severity == CONFIG_ERROR) return &problems->items[i];
    return NULL;
}

static void refuse(struct reload *l, int rc, const struct config_problems *problems, struct buf *note)
{
    char since[CLOCK_ISO_SIZE];
    const struct config_problem *first = first_error(problems);
    clock_iso(clock_wall_ms(), since);
    buf_printf(note, "the configuration %s has errors since %s, what was in force before stays: ", l->options->path, since);
    if (first && first->path.n) buf_printf(note, "%.*s: ", STR_ARG(first->path));
    buf_add(note, first ? first->message : str_of(err_text(rc)));
    if (first && first->line) buf_printf(note, " (line %u)", (unsigned)first->line);
    config_shared_set_note(buf_str(note));
    log_event(LOG_ERROR, "config_refused", LOG_T("file", l->options->path), LOG_T("code", err_name(rc)),
              LOG_I("errors", (int64_t)problems->errors));
}

static void accept(struct reload *l, config_t *cfg)
{
    config_good_log(cfg, &l->options->env, l->options->verbose);
    config_shared_set(cfg);
    config_good_keep(l->options->path, l->options->state_dir);
    log_event(LOG_INFO, "config_reloaded", LOG_T("file", l->options->path), LOG_I("agents", (int64_t)config_agent_count(cfg)));
}

static void tell_router(struct reload *l)
{
    struct msg m = { .kind = MSG_config_changed };
    config_t *cfg = config_shared_get(&l->generation);
    config_unref(&cfg);
    m.config_changed.generation = l->generation;
    mailbox_send(l->mailbox, "router", &m);
}

/* @param note  filled when the file is not taken  @return as config_load() */
static int load(struct reload *l, struct buf *note)
{
    struct config_problems problems = { 0 };
    config_t *cfg = NULL;
    l->loaded = l->seen = signature(l);
    l->due_ms = -1;
    int rc = config_load(l->options->path, &l->options->env, &cfg, &problems);
    log_problems(&problems);
    note_files(l, cfg, &problems);
    if (rc)
        refuse(l, rc, &problems, note);
    else
        accept(l, cfg);
    watch(l);
    uint64_t files = signature(l); /* other files than before, perhaps: what changes from here on is a change */
    if (rc == 0) l->loaded = l->seen = files;
    config_unref(&cfg);
    config_problems_free(&problems);
    tell_router(l);
    return rc;
}

/* --- the loop --------------------------------------------------------------------------------------------------- */

static int64_t debounce_ms(void)
{
    config_t *cfg = config_shared_get(NULL);
    bool off = cfg && str_is(config_str(cfg, "gateway.reload.mode"), "off");
    int64_t ms = cfg ? config_int(cfg, "gateway.reload.debounceMs") : 0;
    config_unref(&cfg);
    return off ? -1 : ms;
}

/* Something happened in a folder, or it is time for a look. Only a change of the files themselves counts. */
static void look(struct reload *l)
{
    uint64_t now = signature(l);
    if (now == l->seen) return;
    l->seen = now;
    int64_t wait_ms = debounce_ms(), at_ms = clock_mono_ms();
    if (wait_ms < 0 || now == l->loaded) {
        l->due_ms = -1;
        return;
    }
    if (l->due_ms < 0) l->latest_ms = at_ms + wait_ms * RELOAD_SETTLE_FACTOR;
    l->due_ms = at_ms + wait_ms < l->latest_ms ? at_ms + wait_ms : l->latest_ms;
}

static void drain_watches(struct reload *l)
{
    char events[4096] __attribute__((aligned(8)));
    bool any = false;
    while (l->inotify >= 0 && read(l->inotify, events, sizeof events) > 0) any = true;
    if (any) look(l);
}

static void answer(struct reload *l, const struct msg *in)
{
    struct msg m = { .kind = MSG_config_reloaded, .corr = in->corr, .trace = in->trace };
    struct buf note = { 0 };
    m.config_reloaded.code = load(l, &note);
    m.config_reloaded.generation = l->generation;
    m.config_reloaded.text = str_utf8_prefix(buf_str(&note), 2048);
    if (in->corr) mailbox_send(l->mailbox, in->from, &m);
    buf_free(&note);
}

/* Its descriptor tells of new messages only: all that are there must be taken before a wait. @return 0 or what ended it */
static int drain_mailbox(struct reload *l)
{
    struct msg in;
    for (;;) {
        int rc = mailbox_recv(l->mailbox, 0, &in);
        if (rc == GW_EBADMSG) continue;
        if (rc) return rc == GW_ETIMEOUT ? 0 : rc;
        if (in.kind == MSG_actor_stop) l->stop = true;
        if (in.kind == MSG_config_reload) answer(l, &in);
        msg_clear(&in);
    }
}

static int run(struct reload *l)
{
    int rc = drain_mailbox(l);
    while (rc == 0 && !l->stop) {
        struct pollfd fds[2] = { { .fd = mailbox_fd(l->mailbox), .events = POLLIN }, { .fd = l->inotify, .events = POLLIN } };
        int wait_ms = l->due_ms >= 0 ? clock_left_ms(l->due_ms) : l->inotify >= 0 ? -1 : RELOAD_LOOK_MS;
        if (poll(fds, 2, wait_ms) < 0 && errno != EINTR) return GW_ESYS;
        drain_watches(l);
        if (l->inotify < 0) look(l);
        if (l->due_ms >= 0 && clock_left_ms(l->due_ms) == 0) {
            struct buf note = { 0 };
            load(l, &note);
            buf_free(&note);
        }
        rc = drain_mailbox(l);
    }
    return rc == GW_ECLOSED ? 0 : rc;
}

void reload_options_free(struct reload_options *options)
{
    if (!options) return;
    free(options->path);
    free(options->state_dir);
    free(options);
}

int reload_actor(mailbox_t *mb, void *arg)
{
    struct reload l = { .mailbox = mb, .options = arg, .inotify = -1, .due_ms = -1 };
    log_set_actor("reload");
    config_t *cfg = config_shared_get(&l.generation);
    note_files(&l, cfg, NULL);
    config_unref(&cfg);
    watch(&l);
    l.loaded = l.seen = signature(&l);
    int rc = run(&l);
    if (l.inotify >= 0) close(l.inotify);
    forget_files(&l);
    reload_options_free(l.options);
    return rc;
}
