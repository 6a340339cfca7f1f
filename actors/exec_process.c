/* actors/exec_process.c -- the actions of the tool `process`. Source: reference agent-runtime 4, frames tool-process-*. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "actors/exec_internal.h"
#include "base/clock.h"

enum { LOG_LINES = 200, INPUT_MAX = 1024 * 1024 };

static void tell(struct exec *x, const char *to, uint64_t corr, bool failed, struct buf *text)
{
    struct msg m = { .kind = MSG_exec_told, .corr = corr };
    m.exec_told.failed = failed;
    m.exec_told.text = str_utf8_prefix(buf_str(text), 1048576);
    mailbox_send(x->mailbox, to, &m);
    buf_free(text);
}

struct exec_child *exec_find(struct exec *x, struct str session_key, struct str name)
{
    struct exec_child *c, *lists[] = { x->running, x->ended };
    for (int i = 0; i < 2; i++) DL_FOREACH(lists[i], c)
        {
            if (str_is(name, c->name) && str_is(session_key, c->session_key)) return c;
        }
    return NULL;
}

static const char *state_of(const struct exec_child *c)
{
    return !c->ended_ms ? "running" : c->why == EXEC_WHY_TIME ? "timeout" : c->why ? "killed" : c->status == 0 ? "completed" : "failed";
}

static void write_age(const struct exec_child *c, struct buf *out)
{
    long long s = (long long)((c->ended_ms ? c->ended_ms : clock_mono_ms()) - c->started_ms) / 1000;
    if (s < 60)
        buf_printf(out, "%3llds", s);
    else if (s < 3600)
        buf_printf(out, "%lldm%02llds", s / 60, s % 60);
    else
        buf_printf(out, "%lldh%02lldm", s / 3600, s / 60 % 60);
}

/* The first line of a command, as a name for people. */
static struct str first_line(const struct exec_child *c)
{
    struct str rest = str_trim(str_of(c->command));
    return str_utf8_prefix(str_split(&rest, '\n'), 120);
}

static void list(struct exec *x, const struct msg *in)
{
    struct exec_child *c, *lists[] = { x->running, x->ended };
    struct buf text = { 0 };
    for (int i = 0; i < 2; i++) DL_FOREACH(lists[i], c)
        {
            if (!str_is(in->exec_ask.session_key, c->session_key)) continue;
            buf_printf(&text, "%s%s %-9s ", text.n ? "\n" : "", c->name, state_of(c));
            write_age(c, &text);
            buf_printf(&text, " :: %.*s", STR_ARG(first_line(c)));
        }
    if (text.n == 0) buf_text(&text, "No running or recent sessions.");
    tell(x, in->from, in->corr, false, &text);
}

/* How it stands, below what it wrote. */
static void write_end(const struct exec_child *c, struct buf *out)
{
    if (!c->ended_ms)
        buf_text(out, "\n\nProcess still running.");
    else if (c->why)
        buf_printf(out, "\n\n%s.", exec_why_text(c->why));
    else if (c->signal)
        buf_printf(out, "\n\nProcess was ended by signal %d.", c->signal);
    else
        buf_printf(out, "\n\nProcess exited with code %d.", c->status);
}

void exec_poll_answer(struct exec *x, struct exec_child *c)
{
    struct buf text = { 0 };
    if (!c->poller[0]) return;
    exec_output_news(&c->output, &text);
    if (str_trim(buf_str(&text)).n == 0) {
        buf_clear(&text);
        buf_text(&text, "(no new output)");
    }
    write_end(c, &text);
    tell(x, c->poller, c->poll_corr, false, &text);
    c->poller[0] = '\0';
}

static void poll_child(struct exec *x, struct exec_child *c, const struct msg *in)
{
    exec_poll_answer(x, c); /* one that waited already hears how it stands */
    str_copy(c->poller, sizeof c->poller, str_of(in->from));
    c->poll_corr = in->corr;
    c->poll_until_ms = clock_mono_ms() + in->exec_ask.timeout_ms;
    if (c->ended_ms || in->exec_ask.timeout_ms == 0) exec_poll_answer(x, c);
}

static void log_child(struct exec *x, struct exec_child *c, const struct msg *in)
{
    const struct msg_exec_ask *q = &in->exec_ask;
    struct buf whole = { 0 }, text = { 0 };
    exec_output_write(&c->output, &whole);
    struct str rest = buf_str(&whole);
    int64_t lines = 0, limit = q->limit ? q->limit : LOG_LINES, at = 0;
    for (size_t i = 0; i < whole.n; i++) lines += whole.p[i] == '\n';
    int64_t from = q->offset || q->limit ? q->offset : lines > limit ? lines - limit : 0;
    while (rest.n && at < from + limit) {
        struct str line = str_split(&rest, '\n');
        if (at++ >= from) buf_printf(&text, "%.*s\n", STR_ARG(line));
    }
    if (text.n == 0)
        buf_text(&text, "(no output yet)");
    else if (from > 0 || rest.n)
        buf_printf(&text, "\n[lines %lld to %lld of %lld; use offset and limit for others]", (long long)from + 1, (long long)at,
                   (long long)lines + 1);
    buf_free(&whole);
    tell(x, in->from, in->corr, false, &text);
}

static void write_child(struct exec *x, struct exec_child *c, const struct msg *in)
{
    const struct msg_exec_ask *q = &in->exec_ask;
    struct buf text = { 0 };
    bool failed = c->ended_ms || c->in < 0 || c->close_input || c->input.n + q->data.n > INPUT_MAX;
    if (failed) {
        buf_printf(&text, "Session %s takes no input%s.", c->name,
                   c->ended_ms ? ": it has ended"
                   : c->in < 0 ? ": its input is closed"
                               : " now: it does not read what it has");
    } else {
        buf_add(&c->input, q->data);
        if (q->eof && c->pty) buf_char(&c->input, '\x04');
        c->close_input = q->eof && !c->pty;
        buf_printf(&text, "Wrote %zu bytes to session %s%s.", q->data.n, c->name, q->eof ? " (input closed)" : "");
    }
    tell(x, in->from, in->corr, failed, &text);
}

static void kill_child(struct exec *x, struct exec_child *c, const struct msg *in)
{
    struct buf text = { 0 };
    if (c->ended_ms)
        buf_printf(&text, "Session %s has ended already.", c->name);
    else
        buf_printf(&text, "Killed session %s.", c->name);
    if (!c->ended_ms) exec_stop(c, EXEC_WHY_KILLED);
    tell(x, in->from, in->corr, false, &text);
}

static void forget_child(struct exec *x, struct exec_child *c, const struct msg *in)
{
    struct buf text = { 0 };
    bool removes = str_is(in->exec_ask.action, "remove"), runs = !c->ended_ms;
    if (runs && !removes)
        buf_printf(&text, "Session %s still runs; kill it first.", c->name);
    else
        buf_printf(&text, removes ? "Removed session %s." : "Cleared session %s.", c->name);
    if (runs && removes) exec_stop(c, EXEC_WHY_KILLED);
    if (!runs) exec_forget(x, c);
    tell(x, in->from, in->corr, runs && !removes, &text);
}

void exec_ask(struct exec *x, const struct msg *in)
{
    const struct msg_exec_ask *q = &in->exec_ask;
    struct buf text = { 0 };
    if (str_is(q->action, "list")) {
        list(x, in);
        return;
    }
    struct exec_child *c = exec_find(x, q->session_key, q->name);
    if (!c) {
        buf_printf(&text, "No session found for %.*s", STR_ARG(q->name));
        tell(x, in->from, in->corr, true, &text);
        return;
    }
    if (str_is(q->action, "poll"))
        poll_child(x, c, in);
    else if (str_is(q->action, "log"))
        log_child(x, c, in);
    else if (str_is(q->action, "kill"))
        kill_child(x, c, in);
    else if (str_is(q->action, "clear") || str_is(q->action, "remove"))
        forget_child(x, c, in);
    else
        write_child(x, c, in);
}
