#include "support/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

enum { LOOK_EVERY_MS = 1, STOP_PATIENCE_MS = 30000 };

struct proc {
    pid_t pid;
    int output; /* memfd: an unread pipe would stop a talkative child */
    bool ended;
    int status;
};

int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t now_ms(void)
{
    return now_us() / 1000;
}

void pause_ms(int ms)
{
    struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };
    while (nanosleep(&t, &t) != 0 && errno == EINTR) continue;
}

static _Noreturn void become(const char *const *argv, const char *const *env, int output, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127); /* the parent died before the line above */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    for (; env && *env; env++) {
        const char *eq = strchr(*env, '=');
        if (!eq)
            unsetenv(*env);
        else
            putenv((char *)(uintptr_t)*env);
    }
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(null_fd, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    dprintf(STDERR_FILENO, "cannot execute %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

int proc_start(const char *const *argv, const char *const *env, proc_t **out)
{
    *out = NULL;
    proc_t *p = calloc(1, sizeof *p);
    if (!p) return GW_ENOMEM;
    p->output = memfd_create("output", MFD_CLOEXEC);
    if (p->output < 0) goto fail;
    fcntl(p->output, F_SETFL, O_APPEND);
    pid_t parent = getpid();
    p->pid = fork();
    if (p->pid < 0) goto fail;
    if (p->pid == 0) become(argv, env, p->output, parent);
    *out = p;
    return 0;
fail:
    if (p->output >= 0) close(p->output);
    free(p);
    return GW_ESYS;
}

pid_t proc_pid(const proc_t *p)
{
    return p->pid;
}

char *proc_output(proc_t *p)
{
    struct stat st;
    if (fstat(p->output, &st) != 0) return NULL;
    size_t size = (size_t)st.st_size;
    char *text = malloc(size + 1);
    if (!text) return NULL;
    ssize_t n = pread(p->output, text, size, 0);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static bool find_line(proc_t *p, const char *prefix, char *rest, size_t cap)
{
    char *text = proc_output(p);
    size_t n = strlen(prefix);
    bool found = false;
    for (char *line = text; line && !found;) {
        char *end = strchr(line, '\n');
        if (!end) break;
        if (strncmp(line, prefix, n) == 0) {
            *end = '\0';
            if (rest) snprintf(rest, cap, "%s", line + n);
            found = true;
        }
        line = end + 1;
    }
    free(text);
    return found;
}

int proc_wait_line(proc_t *p, const char *prefix, int timeout_ms, char *rest, size_t cap)
{
    int64_t deadline = now_ms() + timeout_ms;
    for (;;) {
        bool alive = proc_alive(p); /* asked first: what an ended child has printed is all there */
        if (find_line(p, prefix, rest, cap)) return 0;
        if (!alive) return GW_ECLOSED;
        if (now_ms() >= deadline) return GW_ETIMEOUT;
        pause_ms(LOOK_EVERY_MS);
    }
}

int proc_signal(proc_t *p, int signal_number)
{
    return !p->ended && kill(p->pid, signal_number) == 0 ? 0 : GW_ESYS;
}

bool proc_alive(proc_t *p)
{
    if (!p->ended && waitpid(p->pid, &p->status, WNOHANG) == p->pid) p->ended = true;
    return !p->ended;
}

int proc_wait(proc_t *p, int timeout_ms, int *status)
{
    int64_t deadline = now_ms() + timeout_ms;
    while (proc_alive(p)) {
        if (now_ms() >= deadline) return GW_ETIMEOUT;
        pause_ms(LOOK_EVERY_MS);
    }
    if (status) *status = p->status;
    return 0;
}

int proc_stop(proc_t **p_p)
{
    proc_t *p = *p_p;
    if (!p) return -1;
    *p_p = NULL;
    proc_signal(p, SIGTERM);
    if (proc_wait(p, STOP_PATIENCE_MS, NULL) != 0) {
        proc_signal(p, SIGKILL);
        waitpid(p->pid, &p->status, 0);
    }
    int status = p->status;
    close(p->output);
    free(p);
    return status;
}
