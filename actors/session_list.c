#include "actors/session_list.h"

#include "actors/session_view.h"

struct walk {
    const config_t *config;
    const struct session_wish *wish;
    struct session_list *list;
    size_t capacity, wanted;
    int seen; /* rows of the page in hand */
    int64_t last_ms, last_id;
};

static struct session_row *copy(struct arena *a, const struct session_row *row)
{
    struct session_row *r = arena_alloc(a, 1, sizeof *r);
    if (!r) return NULL;
    *r = *row;
    struct str *const texts[] = { &r->key,   &r->uuid,     &r->agent, &r->parent,   &r->channel,
                                  &r->label, &r->provider, &r->model, &r->thinking, &r->settings };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i]->n) *texts[i] = arena_str(a, *texts[i]);
    return a->err ? NULL : r;
}

static int add(struct walk *w, const struct session_row *row)
{
    struct session_list *list = w->list;
    if (list->count == w->capacity) {
        size_t capacity = w->capacity ? 2 * w->capacity : 16;
        struct session_row **grown = arena_alloc(&list->memory, capacity, sizeof(struct session_row *));
        if (!grown) return list->memory.err;
        if (list->count) memcpy(grown, list->rows, list->count * sizeof *grown);
        list->rows = grown;
        w->capacity = capacity;
    }
    list->rows[list->count] = copy(&list->memory, row);
    if (!list->rows[list->count]) return list->memory.err;
    list->count++;
    return 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool holds(struct str text, struct str part)
{
    for (size_t i = 0; i + part.n <= text.n; i++) {
        size_t k = 0;
        while (k < part.n && lower(text.p[i + k]) == lower(part.p[k])) k++;
        if (k == part.n) return true;
    }
    return false;
}

static bool found(const struct walk *w, const struct session_row *row)
{
    struct str part = w->wish->search;
    if (part.n == 0 || holds(row->key, part) || holds(row->label, part) || holds(row->uuid, part)) return true;
    struct session_view view;
    struct buf name = { 0 };
    session_view_open(&view, w->config, row);
    session_view_name(&view, &name);
    bool yes = holds(buf_str(&name), part);
    session_view_close(&view);
    buf_free(&name);
    return yes;
}

static int take(void *ctx, const struct session_row *row)
{
    struct walk *w = ctx;
    w->seen++;
    w->last_ms = row->updated_ms;
    w->last_id = row->id;
    if (w->list->count == w->wanted) return 0;
    if (str_is(row->key, "global") && (!w->wish->global || w->wish->agent.n)) return 0;
    if (str_is(row->key, "unknown") && (!w->wish->unknown || w->wish->agent.n)) return 0;
    return found(w, row) ? add(w, row) : 0;
}

int session_list_read(const config_t *config, store_t *store, const struct session_wish *wish, struct session_list *out)
{
    *out = (struct session_list){ 0 };
    struct walk w = { .config = config, .wish = wish, .list = out };
    w.wanted = wish->limit < SESSION_LIST_ROWS ? (size_t)wish->limit : SESSION_LIST_ROWS;
    /* Without a search every row of a page counts, but for the two sessions that belong to no agent. */
    int page_rows = wish->search.n == 0 && w.wanted + 2 < STORE_LIST_MAX ? (int)w.wanted + 2 : STORE_LIST_MAX;
    int rc;
    do {
        const struct session_page page = { .agent = wish->agent,
                                           .updated_after_ms = wish->since_ms > 0 ? wish->since_ms - 1 : 0,
                                           .before_ms = w.last_ms,
                                           .before_id = w.last_id,
                                           .limit = page_rows,
                                           .label = wish->label,
                                           .parent = wish->parent,
                                           .listed = true };
        w.seen = 0;
        rc = sessions_list(store, &page, take, &w);
    } while (rc == 0 && w.seen == page_rows && out->count < w.wanted);
    return rc;
}

void session_list_free(struct session_list *list)
{
    arena_free(&list->memory);
    *list = (struct session_list){ 0 };
}

int session_list_one(const config_t *config, store_t *store, struct str key, struct session_list *out)
{
    *out = (struct session_list){ 0 };
    struct walk w = { .list = out };
    const struct session_key_rules rules = session_view_rules(config);
    static const struct session_wish any = { .global = true, .unknown = true };
    struct buf canonical = { 0 };
    w.config = config;
    w.wish = &any;
    w.wanted = 1;
    int rc = session_key_canonical(&rules, key, &canonical);
    if (rc == 0) rc = sessions_get(store, buf_str(&canonical), take, &w);
    buf_free(&canonical);
    return rc == GW_ENOENT || rc == GW_EINVAL || rc == GW_ELIMIT ? 0 : rc;
}
