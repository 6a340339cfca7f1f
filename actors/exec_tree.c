/* actors/exec_tree.c -- what a command has started: found through /proc, counted, ended. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "actors/exec_internal.h"
#include "base/log.h"

enum { SEEN_MAX = 32768, KILL_ROUNDS = 200 };

struct seen {
    pid_t pid, parent, session;
    bool dead; /* a zombie */
};

struct census {
    struct seen *list;
    int count;
};

/* Parent and state stand behind the name, which may hold anything but ends with the last ')'. */
static bool read_stat(const char *pid, struct seen *out)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    FILE *f = fopen(path, "re");
    if (!f) return false;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    const char *end = strrchr(text, ')');
    char state;
    int parent, session;
    if (!end || sscanf(end + 1, " %c %d %*d %d", &state, &parent, &session) != 3) return false;
    *out = (struct seen){ (pid_t)atoi(pid), parent, session, state == 'Z' || state == 'X' };
    return true;
}

static void take_census(struct census *c)
{
    DIR *dir = opendir("/proc");
    struct dirent *e;
    *c = (struct census){ 0 };
    while (dir && (e = readdir(dir)) && c->count < SEEN_MAX) {
        struct seen one;
        if (e->d_name[0] < '1' || e->d_name[0] > '9' || !read_stat(e->d_name, &one)) continue;
        if (c->count % 256 == 0) {
            struct seen *grown = realloc(c->list, (size_t)(c->count + 256) * sizeof *grown);
            if (!grown) break;
            c->list = grown;
        }
        c->list[c->count++] = one;
    }
    if (dir) closedir(dir);
}

static bool knows(const struct exec_child *c, pid_t pid)
{
    for (int i = 0; i < c->known_count; i++)
        if (c->known[i] == pid) return true;
    return pid == c->pid;
}

/* Its descendants: whatever is in its session or has one of them for a parent, and, of those that lost theirs, what was seen before.
 * A walk finds children of known parents only, so it goes on until nothing is added. */
static void follow(struct exec_child *c, const struct census *all)
{
    pid_t own = getpid();
    pid_t kept[EXEC_PROCESSES_MAX];
    int count = 0;
    for (int i = 0; i < all->count; i++) { /* those that became ours */
        const struct seen *s = &all->list[i];
        if (s->parent == own && s->pid != c->pid && knows(c, s->pid) && count < EXEC_PROCESSES_MAX) kept[count++] = s->pid;
    }
    for (bool grown = true; grown && count < EXEC_PROCESSES_MAX;) {
        grown = false;
        for (int i = 0; i < all->count && count < EXEC_PROCESSES_MAX; i++) {
            const struct seen *s = &all->list[i];
            bool child = s->parent == c->pid || s->session == c->pid, there = s->pid == c->pid;
            for (int k = 0; k < count; k++) {
                child |= kept[k] == s->parent;
                there |= kept[k] == s->pid;
            }
            if (!child || there) continue;
            kept[count++] = s->pid;
            grown = true;
        }
    }
    memcpy(c->known, kept, (size_t)count * sizeof *kept);
    c->known_count = count;
}

static bool is_anybodys(const struct exec *x, pid_t pid)
{
    const struct exec_child *c;
    DL_FOREACH(x->running, c)
    {
        if (knows(c, pid)) return true;
    }
    return false;
}

/* How many seccomp filters bind a process; -1: not known. A command has one more than the gateway, and cannot get rid of it. */
static int filters_of(pid_t pid)
{
    char path[64], line[256];
    int count = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    while (f && count < 0 && fgets(line, sizeof line, f))
        if (sscanf(line, "Seccomp_filters: %d", &count) != 1) count = -1;
    if (f) fclose(f);
    return count;
}

/* Where the gateway is the first process of a container, others' orphans become its children, too. */
static bool is_of_a_command(pid_t pid)
{
    int own = filters_of(getpid()), its = filters_of(pid);
    return own < 0 || its < 0 || its > own;
}

/* Children of the gateway that belong to no command left it between two looks: they are ended, and what has ended is reaped. */
static void end_orphans(const struct exec *x, const struct census *all)
{
    pid_t own = getpid();
    for (int i = 0; i < all->count; i++) {
        const struct seen *s = &all->list[i];
        if (s->parent != own || is_anybodys(x, s->pid)) continue;
        if (!s->dead && is_of_a_command(s->pid)) kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, WNOHANG);
    }
}

/* Zombies that became ours are reaped, so that they do not count. */
static void reap(const struct exec_child *c)
{
    for (int i = 0; i < c->known_count; i++) waitpid(c->known[i], NULL, WNOHANG);
}

int exec_tree_procs(void)
{
    struct sysinfo info;
    return sysinfo(&info) == 0 ? info.procs : 0;
}

void exec_tree_look(struct exec *x)
{
    struct census all;
    struct exec_child *c;
    take_census(&all);
    DL_FOREACH(x->running, c)
    {
        follow(c, &all);
        reap(c);
    }
    end_orphans(x, &all);
    free(all.list);
}

void exec_tree_kill(struct exec_child *c, int signal)
{
    if (c->pidfd >= 0) kill(-c->pid, signal); /* not reaped yet: the number is still its own */
    if (c->pidfd >= 0) kill(c->pid, signal);
    for (int i = 0; i < c->known_count; i++) kill(c->known[i], signal);
}

/* Whoever forks meanwhile is found in the next round; stopped ones fork no more. */
void exec_tree_end(struct exec_child *c)
{
    for (int round = 0; round < KILL_ROUNDS; round++) {
        struct census all;
        take_census(&all);
        follow(c, &all);
        free(all.list);
        if (c->pidfd >= 0) kill(-c->pid, SIGKILL);
        if (c->pidfd >= 0) kill(c->pid, SIGKILL);
        for (int i = 0; i < c->known_count; i++) kill(c->known[i], SIGSTOP);
        for (int i = 0; i < c->known_count; i++) kill(c->known[i], SIGKILL);
        reap(c);
        if (c->known_count == 0) return;
    }
    log_event(LOG_ERROR, "processes_not_ended", LOG_T("command", c->name), LOG_I("left", c->known_count));
}
