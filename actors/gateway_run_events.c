/* actors/gateway_run_events.c -- what clients hear of a run: its start, its text as it grows, its end. */
#include <utlist.h>

#include "actors/gateway_events.h"
#include "actors/gateway_runs_internal.h"
#include "base/chat.h"
#include "base/clock.h"
#include "base/failure.h"
#include "channels/chat_events.h"

static struct chat_run about(struct gateway_run *run)
{
    return (struct chat_run){ str_of(run->run_id), str_of(run->session_key), run->seq, clock_wall_ms() };
}

static void tell(struct gateway_run *run, const char *event, struct buf *payload, bool drop_if_slow)
{
    gateway_broadcast(run->gw, GATEWAY_ALL, event, buf_str(payload), drop_if_slow);
    buf_free(payload);
}

void gateway_run_tell_start(struct gateway_run *run)
{
    struct buf payload = { 0 };
    if (run->started) return;
    run->started = true;
    run->started_ms = clock_wall_ms();
    run->seq++;
    if (!gateway_has_clients(run->gw)) return;
    struct chat_run c = about(run);
    agent_event_write_start(&payload, &c, run->started_ms);
    tell(run, "agent", &payload, false);
}

/* The new end of the text as an `agent` event and, with the whole of it, as a `chat` delta. */
static void tell_now(struct gateway_run *run)
{
    struct str shown = chat_text_shown(buf_str(&run->text));
    struct buf payload = { 0 };
    if (shown.n <= run->told || run->told_aborted) return;
    struct str delta = { shown.p + run->told, shown.n - run->told };
    gateway_run_tell_start(run);
    run->told = shown.n;
    run->told_ms = clock_mono_ms();
    run->seq++;
    if (!gateway_has_clients(run->gw)) return;
    struct chat_run c = about(run);
    agent_event_write_text(&payload, &c, shown, delta);
    tell(run, "agent", &payload, true);
    chat_event_write(&payload, &c, "delta", shown, NULL);
    tell(run, "chat", &payload, true);
}

static void on_pause_over(lws_sorted_usec_list_t *sul)
{
    struct gateway_run *run = lws_container_of(sul, struct gateway_run, tell);
    run->waits_to_tell = false;
    tell_now(run);
}

void gateway_run_tell_text(struct gateway_run *run)
{
    int64_t due = run->told_ms + GATEWAY_DELTA_MS - clock_mono_ms();
    if (run->waits_to_tell) return;
    if (run->told_ms == 0 || due <= 0) {
        tell_now(run);
        return;
    }
    run->waits_to_tell = true;
    lws_sul_schedule(run->gw->lws, 0, &run->tell, on_pause_over, due * LWS_US_PER_MS);
}

/* --- tools: for those who began a run in the session and said that they want to see them, without a number (reference 6.4) -------------
 */

static uint64_t hash(struct str key)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < key.n; i++) h = (h ^ (unsigned char)key.p[i]) * 1099511628211u;
    return h;
}

static bool has_spoken(const struct gateway_client *cl, uint64_t session)
{
    for (unsigned i = 0; i < GATEWAY_SPOKE_MAX && i < cl->spoke_count; i++)
        if (cl->spoke[i] == session) return true;
    return false;
}

void gateway_run_spoke(struct gateway_client *cl, struct str session_key)
{
    uint64_t session = hash(session_key);
    if (cl->who.tool_events && !has_spoken(cl, session)) cl->spoke[cl->spoke_count++ % GATEWAY_SPOKE_MAX] = session;
}

void gateway_run_tell_tool(struct gateway_run *run, const struct msg_turn_tool *tool)
{
    static const char *const PHASES[] = { "start", "update", "result" };
    const struct chat_tool_event event = { PHASES[tool->phase], tool->name, tool->call, tool->text, tool->failed != 0 };
    struct gateway_client *cl, *safe;
    struct buf payload = { 0 };
    uint64_t session = hash(str_of(run->session_key));
    gateway_run_tell_start(run);
    run->seq++;
    DL_FOREACH_SAFE(run->gw->clients, cl, safe)
    {
        if (!has_spoken(cl, session)) continue;
        struct chat_run c = about(run);
        if (payload.n == 0) agent_event_write_tool(&payload, &c, &event);
        gateway_tell(cl, "agent", buf_str(&payload));
    }
    buf_free(&payload);
}

static void tell_agent_end(struct gateway_run *run, bool aborted)
{
    struct buf payload = { 0 };
    run->seq++;
    if (!gateway_has_clients(run->gw)) return;
    struct chat_run c = about(run);
    agent_event_write_end(&payload, &c, aborted);
    tell(run, "agent", &payload, false);
}

static void tell_final(struct gateway_run *run, struct str text)
{
    struct buf payload = { 0 };
    struct chat_run c = about(run);
    if (!gateway_has_clients(run->gw)) return;
    chat_event_write(&payload, &c, "final", chat_text_silent(text) ? (struct str){ NULL, 0 } : str_trim(text), NULL);
    tell(run, "chat", &payload, false);
}

void gateway_run_tell_error(struct gateway_run *run, struct str message)
{
    struct buf payload = { 0 };
    run->seq++;
    if (!gateway_has_clients(run->gw)) return;
    struct chat_run c = about(run);
    agent_event_write_error(&payload, &c, message);
    tell(run, "agent", &payload, false);
    chat_event_write_error(&payload, &c, message);
    tell(run, "chat", &payload, false);
}

void gateway_run_tell_aborted(struct gateway_run *run, const char *stop_reason)
{
    struct buf payload = { 0 };
    if (run->told_aborted) return;
    run->told_aborted = true;
    run->seq++;
    if (!gateway_has_clients(run->gw)) return;
    struct chat_run c = about(run);
    if (run->sent_key) c.session_key = str_of(run->sent_key);
    chat_event_write(&payload, &c, "aborted", str_trim(buf_str(&run->text)), stop_reason);
    tell(run, "chat", &payload, false);
}

/* What was told so far is the beginning of the whole, unless it was lost on the way or taken back. */
static void take_whole(struct gateway_run *run, struct str whole)
{
    struct str told = { run->text.p, run->told };
    if (whole.n == 0 || !str_starts(whole, told)) run->told = run->told < whole.n ? run->told : whole.n;
    buf_clear(&run->text);
    buf_add(&run->text, whole);
}

void gateway_run_tell_end(struct gateway_run *run, const struct msg_turn_done *d)
{
    switch (d->outcome) {
    case OUTCOME_DONE:
        if (d->collected_into) { /* its message is part of another run, which has the answer */
            tell_final(run, (struct str){ 0 });
            break;
        }
        gateway_run_tell_start(run);
        take_whole(run, d->text);
        if (!chat_text_silent(d->text)) tell_now(run);
        tell_agent_end(run, false);
        tell_final(run, d->text);
        break;
    case OUTCOME_FAILED: gateway_run_tell_error(run, d->error.n ? d->error : STR("The turn failed.")); break;
    case OUTCOME_DROPPED: gateway_run_tell_error(run, d->error.n ? d->error : STR("The message made room for newer ones.")); break;
    default:
        if (!run->told_aborted) {
            take_whole(run, d->text);
            gateway_run_tell_aborted(run, run->stop_reason ? run->stop_reason : "rpc");
        }
        tell_agent_end(run, true);
    }
}
