/* query_history.c -- chat.history: the newest messages of a session, cleaned and bounded. */
#include <stdlib.h>

#include "actors/message_view.h"
#include "actors/query_tables.h"
#include "actors/session_list.h"
#include "actors/session_view.h"

enum {
    HISTORY_ROWS_DEFAULT = 200,
    HISTORY_ROWS_MAX = 1000,
    HISTORY_BYTES_MAX = 6 * 1024 * 1024, /* of all messages of one answer; the oldest make room */
    HISTORY_READ_MAX = 16 * 1024 * 1024, /* of one entry; a longer one is told as left out without being read */
};

/* Messages come newest first and go out oldest first: each piece's end in `text` is kept. */
struct history {
    const config_t *config;
    struct buf text;
    size_t ends[HISTORY_ROWS_MAX];
    size_t count;
    bool full;
};

static int add(void *ctx, const struct message_row *row)
{
    struct history *h = ctx;
    size_t from = h->text.n;
    if (h->full || h->count == HISTORY_ROWS_MAX) return 0;
    message_view_history(h->config, row, &h->text);
    if (h->text.err) return h->text.err;
    if (h->text.n + h->count > HISTORY_BYTES_MAX) {
        h->text.n = from;
        h->full = true;
        return 0;
    }
    h->ends[h->count++] = h->text.n;
    return 0;
}

static void write_messages(const struct history *h, struct buf *out)
{
    buf_json_key(out, "messages");
    buf_char(out, '[');
    for (size_t i = h->count; i-- > 0;) {
        size_t from = i ? h->ends[i - 1] : 0;
        buf_json_comma(out);
        buf_add(out, (struct str){ h->text.p + from, h->ends[i] - from });
    }
    buf_char(out, ']');
}

static struct str thinking_of(const struct rpc_call *call, const struct session_view *view, struct str key)
{
    struct session_key parts;
    if (view && view->row->thinking.n) return view->row->thinking;
    struct str agent = session_key_parse(key, &parts) == 0 ? parts.agent : config_agent_default(call->config)->id;
    const struct config_agent *a = config_agent_find(call->config, agent);
    return a && a->thinking.n ? a->thinking : STR("off");
}

static void write_answer(const struct rpc_call *call, struct str key, const struct session_view *view, const struct history *h)
{
    struct buf *out = call->out;
    struct str verbose = view ? session_view_setting(view, "verboseLevel") : (struct str){ 0 };
    if (verbose.n == 0 && config_get(call->config, STR("agents.defaults.verboseDefault")))
        verbose = config_str(call->config, "agents.defaults.verboseDefault");
    buf_char(out, '{');
    buf_json_pair_str(out, "sessionKey", key);
    if (view) buf_json_pair_str(out, "sessionId", view->row->uuid);
    write_messages(h, out);
    buf_json_pair_str(out, "thinkingLevel", thinking_of(call, view, key));
    if (verbose.n) buf_json_pair_str(out, "verboseLevel", verbose);
    buf_char(out, '}');
}

static int chat_history(struct rpc_call *call)
{
    struct str key = rpc_str(call, "sessionKey");
    int64_t limit = rpc_int(call, "limit", HISTORY_ROWS_DEFAULT);
    struct session_list list;
    struct session_view view;
    struct history *h = calloc(1, sizeof *h);
    if (!h) return GW_ENOMEM;
    h->config = call->config;
    int rc = session_list_one(call->config, call->store, key, &list);
    bool known = rc == 0 && list.count == 1;
    if (known) {
        const struct message_page page = { .session = list.rows[0]->id,
                                           .limit = (int)(limit < 1                  ? 1
                                                          : limit > HISTORY_ROWS_MAX ? HISTORY_ROWS_MAX
                                                                                     : limit),
                                           .bytes_max = HISTORY_READ_MAX };
        rc = messages_newest(call->store, &page, add, h);
        session_view_open(&view, call->config, list.rows[0]);
    }
    if (rc == 0) write_answer(call, key, known ? &view : NULL, h);
    if (known) session_view_close(&view);
    session_list_free(&list);
    buf_free(&h->text);
    free(h);
    return rc;
}

const struct rpc_handler query_history_handlers[] = {
    { RPC_chat_history, chat_history },
    { RPC_none, NULL },
};
