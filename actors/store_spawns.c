#include "actors/store_spawns.h"

#include <stdlib.h>

#include "actors/announce.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "msgs/chat_json.h"
#include "msgs/chat_pack.h"
#include "store/messages.h"
#include "store/session_life.h"
#include "store/spawns.h"

enum { LAST_WORDS_ROWS = 20, LAST_WORDS_BYTES = 1024 * 1024 };

int store_spawn_accepted(store_t *store, const struct msg_store_accept *q)
{
    if (q->announces.n) return spawns_tell(store, q->announces, q->turn);
    if (q->task.n == 0 || q->steers) return 0;
    const struct spawn_new spawn = { .child = q->session_key,
                                     .parent = q->parent,
                                     .turn = q->turn,
                                     .run_id = q->run_id,
                                     .depth = q->depth,
                                     .label = q->label,
                                     .task = q->task,
                                     .cleanup = q->cleanup != 0,
                                     .now_ms = clock_wall_ms() };
    return spawns_add(store, &spawn);
}

/* --- the end of a turn ---------------------------------------------------------------------------------------------- */

static void add_text(struct str json, struct buf *out)
{
    struct arena arena = { 0 };
    struct chat_message m;
    if (chat_json_read(json, &arena, &m) == 0)
        for (size_t i = 0; i < m.part_count; i++)
            if (m.parts[i].kind == CHAT_TEXT) buf_add(out, m.parts[i].text);
    arena_free(&arena);
}

/* Nobody is told of an answer that asks for silence; nor of a child that a person stopped: whoever did that was answered. */
static bool is_silent(const struct turn_end *end)
{
    struct buf text = { 0 };
    if (end->state == TURN_ABORTED) return !str_is(end->reason, "killed");
    if (end->state != TURN_DONE) return false;
    add_text(end->message, &text);
    bool silent = announce_is_silent(buf_str(&text));
    buf_free(&text);
    return silent;
}

struct fate {
    bool cleanup;
};

static int note_fate(void *ctx, const struct spawn_row *row)
{
    ((struct fate *)ctx)->cleanup = row->cleanup;
    return 0;
}

int store_spawn_ended(store_t *store, const config_t *config, const struct turn_end *end, bool *tell)
{
    struct fate fate = { 0 };
    bool known = false, taken = end->state == TURN_DONE;
    int rc = spawns_of_turn(store, end->id, note_fate, &fate);
    if (rc == GW_ENOENT) {
        rc = spawns_told(store, end->id, taken, &known);
        if (known && !taken) log_event(LOG_WARN, "announce_undeliverable", LOG_I("turn", end->id), LOG_S("reason", end->reason));
        return rc;
    }
    if (rc) return rc;
    int64_t kept_ms = config_limits(config)->archive_after_minutes * 60000;
    int64_t archive_ms = fate.cleanup ? end->now_ms : kept_ms ? end->now_ms + kept_ms : 0;
    bool silent = is_silent(end);
    rc = spawns_end(store, end->id, silent, archive_ms, end->now_ms, &known);
    if (known && !silent) *tell = true;
    return rc;
}

/* --- telling the requester ------------------------------------------------------------------------------------------ */

struct row_list { /* rows kept beyond the walk, for what is done with each calls the store again */
    struct arena memory;
    struct spawn_row rows[STORE_TELL_MAX];
    int count;
};

static int keep(void *ctx, const struct spawn_row *row)
{
    struct row_list *list = ctx;
    struct spawn_row *r = &list->rows[list->count++];
    *r = *row;
    struct str *texts[] = { &r->child,   &r->parent,       &r->run_id,        &r->label,  &r->task,  &r->uuid, &r->agent,
                            &r->channel, &r->parent_agent, &r->parent_parent, &r->reason, &r->error, &r->model };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) *texts[i] = arena_str(&list->memory, *texts[i]);
    return list->memory.err;
}

/* The newest words of the child: its answer, else what it or a tool of it said last. */
static int last_of(void *ctx, const struct message_row *row)
{
    struct buf *words = ctx;
    if (words->n || row->kind != MESSAGE_CHAT || str_is(row->role, "user")) return 0;
    add_text(row->json, words);
    return words->err;
}

static int pack_text(struct str text, struct buf *out)
{
    struct chat_part part = { .kind = CHAT_TEXT, .text = text };
    const struct chat_message message = { .role = CHAT_USER, .parts = &part, .part_count = 1, .timestamp_ms = clock_wall_ms() };
    return chat_pack_message(out, &message);
}

static int tell_one(store_t *store, mailbox_t *mb, const struct spawn_row *row)
{
    struct buf findings = { 0 }, text = { 0 }, packed = { 0 }, run_id = { 0 };
    const struct message_page page = { .session = row->session, .limit = LAST_WORDS_ROWS, .bytes_max = LAST_WORDS_BYTES };
    int rc = row->session ? messages_newest(store, &page, last_of, &findings) : 0;
    announce_write(row, buf_str(&findings), &text);
    buf_printf(&run_id, "announce:v1:%.*s:%.*s", STR_ARG(row->child), STR_ARG(row->run_id));
    if (rc == 0) rc = text.err ? text.err : pack_text(buf_str(&text), &packed);
    struct msg m = { .kind = MSG_store_announce };
    m.store_announce = (struct msg_store_announce){ .run_id = buf_str(&run_id),
                                                    .session_key = row->parent,
                                                    .agent = row->parent_agent,
                                                    .channel = row->channel,
                                                    .child = row->child,
                                                    .parent = row->parent_parent,
                                                    .depth = row->parent_depth,
                                                    .message = buf_str(&packed) };
    if (rc == 0) rc = mailbox_send(mb, "router", &m);
    buf_free(&findings);
    buf_free(&text);
    buf_free(&packed);
    buf_free(&run_id);
    return rc;
}

/* Its requester's session was removed meanwhile, or its agent: nobody is left to hear it. */
static int give_up(store_t *store, const struct spawn_row *row)
{
    bool ignored;
    log_event(LOG_WARN, "announce_undeliverable", LOG_S("child", row->child), LOG_S("requester", row->parent));
    int rc = spawns_tell(store, row->child, -row->turn); /* a number that no turn has */
    return rc ? rc : spawns_told(store, -row->turn, false, &ignored);
}

static void tell_list(store_t *store, const config_t *config, mailbox_t *mb, struct row_list *list, int rc)
{
    for (int i = 0; rc == 0 && i < list->count; i++) {
        const struct spawn_row *row = &list->rows[i];
        if (row->state != SPAWN_ENDED) continue; /* its group was rolled back */
        rc = config_agent_find(config, row->parent_agent) ? tell_one(store, mb, row) : give_up(store, row);
    }
    if (rc) log_event(LOG_WARN, "announce_delayed", LOG_T("code", err_name(rc)));
    if (list) arena_free(&list->memory);
    free(list);
}

void store_spawn_tell(store_t *store, const config_t *config, mailbox_t *mb, int64_t turn)
{
    struct row_list *list = calloc(1, sizeof *list);
    tell_list(store, config, mb, list, list ? spawns_of_turn(store, turn, keep, list) : GW_ENOMEM);
}

void store_spawns_tell(store_t *store, const config_t *config, mailbox_t *mb)
{
    struct row_list *list = calloc(1, sizeof *list);
    tell_list(store, config, mb, list, list ? spawns_untold(store, STORE_TELL_MAX, keep, list) : GW_ENOMEM);
}

/* --- removing ------------------------------------------------------------------------------------------------------- */

/* @return whether it was removed: a session in which a turn waits or runs stays until the next time */
static bool remove_child(store_t *store, const struct spawn_row *row)
{
    bool busy = false;
    int rc = store_begin(store);
    if (rc) return false;
    if (row->session) rc = session_busy(store, row->session, &busy);
    if (rc == 0 && !busy && row->session) rc = session_delete(store, row->session);
    if (rc == 0 && !busy) rc = spawns_remove(store, row->child);
    if (rc || busy) {
        store_rollback(store);
        return false;
    }
    return store_commit(store) == 0;
}

void store_spawns_sweep(store_t *store, mailbox_t *mb, int64_t now_ms)
{
    struct row_list *list = calloc(1, sizeof *list);
    int rc = list ? spawns_due(store, now_ms, STORE_TELL_MAX, keep, list) : GW_ENOMEM;
    for (int i = 0; rc == 0 && i < list->count; i++) {
        struct msg forget = { .kind = MSG_session_forget };
        if (!remove_child(store, &list->rows[i])) continue;
        log_event(LOG_INFO, "subagent_removed", LOG_S("session", list->rows[i].child));
        forget.session_forget.session_key = list->rows[i].child;
        mailbox_send(mb, "router", &forget);
    }
    if (list) arena_free(&list->memory);
    free(list);
}

int store_spawns_end_steered(store_t *store, int64_t now_ms)
{
    int64_t turn;
    int rc;
    while ((rc = spawns_superseded(store, &turn)) == 0) {
        const struct turn_end end = { .id = turn, .state = TURN_ABORTED, .reason = STR("user"), .now_ms = now_ms };
        if ((rc = turns_finish(store, &end, NULL)) != 0) break;
    }
    return rc == GW_ENOENT ? 0 : rc;
}
