/* actors/exec_launch.c -- from exec.start to a running child.
 *
 * Between fork and exec the child of a threaded program may do little: only system calls here, on what was prepared before. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "actors/exec_internal.h"
#include "base/clock.h"

/* All that the child needs. */
struct launch {
    const struct exec_sandbox *sandbox;
    int ruleset;             /* Landlock; -1 */
    int stdin_fd, stdout_fd; /* the child's ends */
    int told;                /* where it writes an errno when it cannot go on */
    bool pty;
    rlim_t processes;
    const char *folder, *shell, *command;
    char **environment;
};

static void limit(int resource, rlim_t value)
{
    struct rlimit now;
    if (getrlimit(resource, &now) != 0) return;
    if (now.rlim_max != RLIM_INFINITY && value > now.rlim_max) value = now.rlim_max;
    now.rlim_cur = now.rlim_max = value;
    setrlimit(resource, &now);
}

static void say(const struct launch *l, int error)
{
    ssize_t ignored = write(l->told, &error, sizeof error);
    (void)ignored;
    _exit(127);
}

__attribute__((noreturn)) static void be_child(const struct launch *l)
{
    const char *const argv[] = { l->shell, "-c", l->command, NULL };
    struct sigaction plain = { .sa_handler = SIG_DFL };
    sigset_t none;
    setsid();
    for (int s = 1; s < 65; s++) sigaction(s, &plain, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (l->pty && ioctl(l->stdin_fd, TIOCSCTTY, 0) != 0) say(l, errno);
    if (dup2(l->stdin_fd, 0) < 0 || dup2(l->stdout_fd, 1) < 0 || dup2(l->stdout_fd, 2) < 0) say(l, errno);
    if (chdir(l->folder) != 0) say(l, errno);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NPROC, l->processes); /* counts all of the user's; root's are not counted: exec.c watches */
    setpriority(PRIO_PROCESS, 0, EXEC_NICE);
    limit(RLIMIT_NOFILE, EXEC_FILES_MAX);
    limit(RLIMIT_FSIZE, (rlim_t)EXEC_FILE_MAX * 1024 * 1024);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* also when the gateway is killed */
    int error = exec_sandbox_enter(l->sandbox, l->ruleset);
    if (error) say(l, error);
    if (l->told > 3) syscall(SYS_close_range, 3, l->told - 1, 0);
    syscall(SYS_close_range, l->told + 1, ~0U, 0);
    execve(l->shell, (char *const *)argv, l->environment);
    say(l, errno);
    _exit(127);
}

/* NAME=value texts, a NUL after each, as an array for exec; the caller frees the array. */
static char **split_environment(struct str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) n += text.p[i] == '\0';
    char **list = calloc(n + 1, sizeof *list);
    for (size_t i = 0, at = 0; list && i < n; i++) {
        list[i] = (char *)text.p + at;
        at += strlen(text.p + at) + 1;
    }
    return list;
}

static bool open_pipes(struct launch *l, struct exec_child *c)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 };
    if (pipe2(in, O_CLOEXEC) != 0) return false;
    if (pipe2(out, O_CLOEXEC) != 0) {
        close(in[0]);
        close(in[1]);
        return false;
    }
    l->stdin_fd = in[0];
    l->stdout_fd = out[1];
    c->in = in[1];
    c->out = out[0];
    fcntl(c->in, F_SETFL, O_NONBLOCK);
    fcntl(c->out, F_SETFL, O_NONBLOCK);
    return true;
}

static bool open_terminal(struct launch *l, struct exec_child *c)
{
    char name[128];
    struct winsize size = { .ws_row = 30, .ws_col = 120 };
    c->out = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (c->out < 0 || grantpt(c->out) != 0 || unlockpt(c->out) != 0 || ptsname_r(c->out, name, sizeof name) != 0) return false;
    l->stdin_fd = l->stdout_fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (l->stdin_fd < 0) return false;
    ioctl(l->stdin_fd, TIOCSWINSZ, &size);
    c->in = c->out;
    c->pty = l->pty = true;
    return true;
}

/* fork() in a thread: the child has this thread alone. @return 0 or an errno */
static int run(struct launch *l, struct exec_child *c)
{
    int told[2], error = 0;
    if (pipe2(told, O_CLOEXEC) != 0) return errno;
    l->told = told[1];
    c->pid = fork();
    if (c->pid == 0) be_child(l);
    int failed = c->pid < 0 ? errno : 0;
    close(told[1]);
    if (!failed && read(told[0], &error, sizeof error) == (ssize_t)sizeof error) failed = error;
    close(told[0]);
    if (c->pid > 0) c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
    return failed;
}

static const char *shell_path(void)
{
    return access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
}

int exec_launch(struct exec *x, struct exec_child *c, const struct msg_exec_start *s, struct buf *why)
{
    char folder[4096], workspace[4096];
    struct launch l = { .ruleset = -1, .stdin_fd = -1, .stdout_fd = -1, .shell = shell_path(), .command = c->command, .folder = folder };
    str_copy(folder, sizeof folder, s->folder);
    str_copy(workspace, sizeof workspace, s->workspace);
    const struct exec_sandbox_files files = { .workspace = workspace, .readable = s->readable, .forbidden = config_state(x->config).p };
    if (!x->sandbox && exec_sandbox_create(&x->sandbox) != 0) return GW_ENOMEM;
    l.sandbox = x->sandbox;
    l.processes = (rlim_t)exec_tree_procs() + 2 * EXEC_PROCESSES_MAX;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* from the first command on nobody without the right looks into the gateway: Landlock leaves
                                         * /proc/<pid>/environ open to the same user */
    l.environment = split_environment(s->environment);
    l.ruleset = exec_sandbox_files(x->sandbox, &files);
    int error = !l.environment ? ENOMEM : !(s->pty ? open_terminal(&l, c) : open_pipes(&l, c)) ? errno : run(&l, c);
    if (l.ruleset >= 0) close(l.ruleset);
    if (l.stdin_fd >= 0) close(l.stdin_fd);
    if (l.stdout_fd >= 0 && l.stdout_fd != l.stdin_fd) close(l.stdout_fd);
    free(l.environment);
    if (error) buf_printf(why, "the command could not be started in %s: %s", folder, strerror(error));
    c->started_ms = clock_mono_ms();
    return error ? GW_EIO : 0;
}
