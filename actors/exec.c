#include "actors/exec.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "actors/exec_internal.h"
#include "actors/rpc_serve.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

enum { READ_BYTES = 64 * 1024, READS_IN_A_ROW = 4, END_OUTPUT_MS = 100 /* for what a pipe still holds when the shell has ended */ };

const char *exec_why_text(enum exec_why why)
{
    switch (why) {
    case EXEC_WHY_TIME: return "Command timed out and was stopped";
    case EXEC_WHY_OUTPUT: return "Command wrote more than 256 MiB and was stopped";
    case EXEC_WHY_PROCESSES: return "Command started more than 256 processes and was stopped";
    case EXEC_WHY_KILLED: return "Command was killed";
    case EXEC_WHY_CANCELLED: return "Command was stopped with its turn";
    case EXEC_WHY_NONE: break;
    }
    return "";
}

/* --- children ----------------------------------------------------------------------------------------------------- */

static void close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static void close_pipes(struct exec_child *c)
{
    if (c->in == c->out) c->in = -1;
    close_fd(&c->in);
    close_fd(&c->out);
}

static void free_child(struct exec_child *c)
{
    close_pipes(c);
    close_fd(&c->pidfd);
    exec_output_free(&c->output);
    buf_free(&c->input);
    free(c->session_key);
    free(c->agent);
    free(c->command);
    free(c);
}

void exec_forget(struct exec *x, struct exec_child *c)
{
    DL_DELETE(x->ended, c);
    x->ended_count--;
    free_child(c);
}

static bool name_taken(const struct exec *x, const char *name)
{
    const struct exec_child *c;
    DL_FOREACH(x->running, c)
    {
        if (strcmp(c->name, name) == 0) return true;
    }
    DL_FOREACH(x->ended, c)
    {
        if (strcmp(c->name, name) == 0) return true;
    }
    return false;
}

/* "tidal-ember": two words that a model can repeat. */
static void choose_name(const struct exec *x, char out[64])
{
    static const char *const FIRST[] = { "amber", "brisk",  "calm",   "clear", "crisp",  "dusty",  "eager", "faint",
                                         "fresh", "gentle", "golden", "keen",  "lucky",  "mellow", "misty", "neat",
                                         "quick", "quiet",  "rapid",  "salty", "silent", "swift",  "tidal", "warm" };
    static const char *const SECOND[] = { "bay",   "breeze", "brook", "canyon", "cedar", "cloud",  "comet",  "cove",
                                          "crest", "dune",   "ember", "falcon", "fjord", "forest", "harbor", "lagoon",
                                          "maple", "meadow", "orbit", "reef",   "ridge", "river",  "shell",  "willow" };
    for (int i = 0; i < 1000; i++) {
        uint64_t r = random_u64();
        snprintf(out, 64, "%s-%s", FIRST[r % 24], SECOND[r / 24 % 24]);
        if (i > 20) snprintf(out, 64, "%s-%s-%d", FIRST[r % 24], SECOND[r / 24 % 24], i);
        if (!name_taken(x, out)) return;
    }
}

void exec_stop(struct exec_child *c, enum exec_why why)
{
    if (c->kill_ms) return;
    c->why = why;
    c->kill_ms = clock_mono_ms() + (why == EXEC_WHY_PROCESSES ? 0 : EXEC_GRACE_MS);
    exec_tree_kill(c, SIGTERM);
    exec_tree_kill(c, SIGCONT);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void answer_state(struct exec *x, struct exec_child *c, bool running)
{
    struct buf output = { 0 };
    struct msg m = { .kind = MSG_exec_state, .corr = c->corr, .trace = c->trace };
    if (!c->waiter[0]) return;
    exec_output_write(&c->output, &output);
    if (running) c->output.shown = c->output.total;
    m.exec_state = (struct msg_exec_state){ .name = str_of(c->name),
                                            .pid = c->pid,
                                            .running = running,
                                            .status = c->status,
                                            .signal = c->signal,
                                            .note = str_of(exec_why_text(c->why)),
                                            .output = buf_str(&output) };
    mailbox_send(x->mailbox, c->waiter, &m);
    c->waiter[0] = '\0';
    buf_free(&output);
}

static void refuse(struct exec *x, const struct msg *in, const char *note)
{
    struct msg m = { .kind = MSG_exec_state, .corr = in->corr, .trace = in->trace };
    m.exec_state.status = -1;
    m.exec_state.note = str_utf8_prefix(str_of(note), 1024);
    mailbox_send(x->mailbox, in->from, &m);
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

static int running_of(const struct exec *x, struct str agent)
{
    const struct exec_child *c;
    int n = 0;
    DL_FOREACH(x->running, c)
    {
        n += str_is(agent, c->agent);
    }
    return n;
}

static void on_start(struct exec *x, const struct msg *in)
{
    const struct msg_exec_start *s = &in->exec_start;
    struct buf why = { 0 };
    if (x->running_count == EXEC_RUNNING_MAX || running_of(x, s->agent) >= EXEC_RUNNING_AGENT_MAX) {
        refuse(x, in, "Too many commands run already (16 an agent, 64 in all): wait for some to end, or kill them with process.");
        return;
    }
    struct exec_child *c = calloc(1, sizeof *c);
    if (!c) {
        refuse(x, in, err_text(GW_ENOMEM));
        return;
    }
    if (!x->running) x->procs_before = exec_tree_procs();
    c->pidfd = c->in = c->out = -1;
    c->session_key = str_dup(s->session_key);
    c->agent = str_dup(s->agent);
    c->command = str_dup(s->command);
    choose_name(x, c->name);
    int rc = c->session_key && c->agent && c->command ? exec_launch(x, c, s, &why) : GW_ENOMEM;
    if (rc) {
        if (c->pid > 0) waitpid(c->pid, NULL, 0); /* it has said why and ended */
        refuse(x, in, why.n ? buf_cstr(&why) : err_text(rc));
        free_child(c);
        buf_free(&why);
        return;
    }
    c->deadline_ms = s->timeout_ms ? c->started_ms + s->timeout_ms : -1;
    c->yield_ms = s->yield_ms < 0 ? -1 : c->started_ms + s->yield_ms;
    c->corr = in->corr;
    c->trace = in->trace;
    str_copy(c->waiter, sizeof c->waiter, str_of(in->from));
    if (!c->pty && s->yield_ms < 0) close_fd(&c->in); /* nobody could ever write to it */
    DL_APPEND(x->running, c);
    x->running_count++;
    log_event(LOG_INFO, "command_started", LOG_T("command", c->name), LOG_T("session", c->session_key), LOG_I("pid", c->pid));
}

static void on_cancel(struct exec *x, const struct msg *in)
{
    struct exec_child *c;
    DL_FOREACH(x->running, c)
    {
        if (c->corr != (uint64_t)in->exec_cancel.start || strcmp(c->waiter, in->from) != 0) continue;
        c->waiter[0] = '\0';
        exec_stop(c, EXEC_WHY_CANCELLED);
    }
}

/* @return whether to stop */
static bool drain(struct exec *x)
{
    struct msg in;
    for (;;) {
        int rc = mailbox_recv(x->mailbox, 0, &in);
        if (rc == GW_EBADMSG) continue;
        if (rc) return rc == GW_ECLOSED;
        bool stop = in.kind == MSG_actor_stop;
        struct msg no = msg_error(&in, GW_EINVAL);
        switch (in.kind) {
        case MSG_exec_start: on_start(x, &in); break;
        case MSG_exec_ask: exec_ask(x, &in); break;
        case MSG_exec_cancel: on_cancel(x, &in); break;
        case MSG_config_changed: rpc_take_config(&x->config); break;
        case MSG_actor_stop:
        case MSG_error: break;
        default: mailbox_send(x->mailbox, in.from, &no);
        }
        msg_clear(&in);
        if (stop) return true;
    }
}

/* --- what children do --------------------------------------------------------------------------------------------- */

static void read_output(struct exec_child *c)
{
    char bytes[READ_BYTES];
    for (int i = 0; i < READS_IN_A_ROW && c->out >= 0; i++) {
        ssize_t n = read(c->out, bytes, sizeof bytes);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n <= 0) { /* a terminal says EIO when nobody has it open any more */
            close_pipes(c);
            return;
        }
        exec_output_add(&c->output, (struct str){ bytes, (size_t)n });
        if (c->output.total > EXEC_OUTPUT_MAX) exec_stop(c, EXEC_WHY_OUTPUT);
        if (n < (ssize_t)sizeof bytes) return;
    }
}

static void write_input(struct exec_child *c)
{
    ssize_t n = c->input.n ? write(c->in, c->input.p, c->input.n) : 0;
    if (n > 0) buf_drop(&c->input, (size_t)n);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        buf_clear(&c->input);
        c->close_input = true;
    }
    if (c->input.n == 0 && c->close_input && !c->pty) close_fd(&c->in);
}

/* The shell has ended: what is left of the command goes with it, what it wrote is still read. */
static void on_end(struct exec *x, struct exec_child *c)
{
    siginfo_t info = { 0 };
    int64_t until = clock_mono_ms() + END_OUTPUT_MS;
    if (waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return;
    c->status = info.si_code == CLD_EXITED ? info.si_status : -1;
    c->signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
    close_fd(&c->pidfd);
    exec_tree_end(c);
    while (c->out >= 0 && clock_mono_ms() < until) {
        struct pollfd fd = { .fd = c->out, .events = POLLIN };
        if (poll(&fd, 1, 0) <= 0) break;
        read_output(c);
    }
    close_pipes(c);
    c->ended_ms = clock_mono_ms();
    answer_state(x, c, false);
    exec_poll_answer(x, c);
    DL_DELETE(x->running, c);
    x->running_count--;
    DL_APPEND(x->ended, c);
    x->ended_count++;
    if (x->ended_count > EXEC_KEPT_MAX) exec_forget(x, x->ended);
    log_event(LOG_INFO, "command_ended", LOG_T("command", c->name), LOG_T("session", c->session_key), LOG_I("status", c->status),
              LOG_I("signal", c->signal), LOG_I("ms", c->ended_ms - c->started_ms), LOG_I("bytes", (int64_t)c->output.total));
}

static void check_time(struct exec *x, struct exec_child *c, int64_t now)
{
    if (c->deadline_ms >= 0 && now >= c->deadline_ms) exec_stop(c, EXEC_WHY_TIME);
    if (c->kill_ms && now >= c->kill_ms) {
        exec_tree_end(c);
        c->kill_ms = now + EXEC_GRACE_MS;
    }
    if (c->waiter[0] && c->yield_ms >= 0 && now >= c->yield_ms && !c->kill_ms) answer_state(x, c, true);
    if (c->poller[0] && now >= c->poll_until_ms) exec_poll_answer(x, c);
}

/* Who has started too many is ended; the others go on, where they were stopped for the count. */
static void judge_processes(struct exec *x, bool stopped)
{
    struct exec_child *c;
    exec_tree_look(x);
    DL_FOREACH(x->running, c)
    {
        if (c->known_count >= EXEC_PROCESSES_MAX - 1)
            exec_stop(c, EXEC_WHY_PROCESSES);
        else if (stopped)
            exec_tree_kill(c, SIGCONT);
    }
    x->next_watch_ms = clock_mono_ms() + EXEC_WATCH_MS;
}

/* A fork bomb doubles within a millisecond: when the system suddenly has many processes more, the commands are stopped for a look. */
static void check_processes(struct exec *x, int64_t now)
{
    struct exec_child *c;
    if (now >= x->next_count_ms) {
        x->next_count_ms = now + EXEC_COUNT_MS;
        if (exec_tree_procs() > x->procs_before + EXEC_PROCESSES_MAX) {
            DL_FOREACH(x->running, c)
            {
                if (c->pidfd >= 0) kill(-c->pid, SIGSTOP);
            }
            judge_processes(x, true);
            return;
        }
    }
    if (now >= x->next_watch_ms) judge_processes(x, false);
}

static void check_times(struct exec *x)
{
    struct exec_child *c, *safe;
    int64_t now = clock_mono_ms(), kept_ms = config_int(x->config, "tools.exec.cleanupMs");
    DL_FOREACH_SAFE(x->running, c, safe)
    {
        check_time(x, c, now);
    }
    DL_FOREACH_SAFE(x->ended, c, safe)
    {
        if (now - c->ended_ms >= kept_ms) exec_forget(x, c);
    }
    if (x->running) check_processes(x, now);
    DL_FOREACH_SAFE(x->running, c, safe)
    {
        if (c->kill_ms && clock_mono_ms() >= c->kill_ms) check_time(x, c, clock_mono_ms()); /* at once: it goes on forking */
    }
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

static void add(struct pollfd *fds, nfds_t *n, int fd, short events)
{
    fds[(*n)++] = (struct pollfd){ .fd = fd, .events = events };
}

/* How long nothing has to be looked at: with commands running their processes are counted now and then. */
static int wait_ms(const struct exec *x)
{
    int64_t now = clock_mono_ms(), due = x->running ? x->next_count_ms : x->ended ? now + 10000 : -1;
    const struct exec_child *c;
    DL_FOREACH(x->running, c)
    {
        if (c->deadline_ms >= 0 && c->deadline_ms < due && !c->kill_ms) due = c->deadline_ms;
        if (c->kill_ms && c->kill_ms < due) due = c->kill_ms;
        if (c->waiter[0] && c->yield_ms >= 0 && c->yield_ms < due && !c->kill_ms) due = c->yield_ms;
        if (c->poller[0] && c->poll_until_ms < due) due = c->poll_until_ms;
    }
    return due < 0 ? -1 : due <= now ? 0 : (int)(due - now);
}

static void serve_children(struct exec *x)
{
    struct exec_child *c, *safe;
    DL_FOREACH_SAFE(x->running, c, safe)
    {
        if (c->out >= 0) read_output(c);
        if (c->in >= 0 && (c->input.n || c->close_input)) write_input(c);
        if (c->poller[0] && c->output.total > c->output.shown) exec_poll_answer(x, c);
        if (c->pidfd >= 0) on_end(x, c);
    }
    check_times(x);
}

static int loop(struct exec *x)
{
    struct pollfd fds[1 + 3 * EXEC_RUNNING_MAX];
    while (!drain(x)) {
        const struct exec_child *c;
        nfds_t n = 0;
        serve_children(x);
        add(fds, &n, mailbox_fd(x->mailbox), POLLIN);
        DL_FOREACH(x->running, c)
        {
            if (c->out >= 0) add(fds, &n, c->out, POLLIN);
            if (c->in >= 0 && c->input.n) add(fds, &n, c->in, POLLOUT);
            if (c->pidfd >= 0) add(fds, &n, c->pidfd, POLLIN);
        }
        if (drain(x)) break; /* the descriptor tells of what came after the last look only */
        if (poll(fds, n, wait_ms(x)) < 0 && errno != EINTR) return GW_ESYS;
    }
    return 0;
}

static void end_all(struct exec *x)
{
    struct exec_child *c, *safe;
    DL_FOREACH_SAFE(x->running, c, safe)
    {
        exec_tree_end(c);
        waitpid(c->pid, NULL, 0);
        DL_DELETE(x->running, c);
        free_child(c);
    }
    DL_FOREACH_SAFE(x->ended, c, safe)
    {
        exec_forget(x, c);
    }
}

int exec_actor(mailbox_t *mb, void *arg)
{
    struct exec_options *options = arg;
    struct exec x = { .mailbox = mb, .config = options->config };
    free(options);
    log_set_actor("exec");
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    int rc = loop(&x);
    end_all(&x);
    exec_sandbox_destroy(&x.sandbox);
    config_unref(&x.config);
    return rc;
}
