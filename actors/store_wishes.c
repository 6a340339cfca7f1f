#include "actors/store_wishes.h"

#include <jansson.h>

static struct str take(struct str *rest, size_t n)
{
    struct str s = { rest->p, n };
    if (n) *rest = (struct str){ rest->p + n, rest->n - n };
    return s;
}

static int note(void *ctx, const struct session_row *row)
{
    struct session_wishes *w = ctx;
    if (row->provider.n && row->model.n) buf_printf(&w->words, "%.*s/%.*s", STR_ARG(row->provider), STR_ARG(row->model));
    size_t model = w->words.n;
    buf_add(&w->words, row->thinking);
    buf_add(&w->words, row->parent);
    if (w->words.err) return w->words.err;
    struct str rest = buf_str(&w->words);
    w->model = take(&rest, model);
    w->thinking = take(&rest, row->thinking.n);
    w->parent = take(&rest, row->parent.n);
    w->depth = row->depth;
    w->spent_tokens = row->used.input + row->used.output;
    if (row->settings.n == 0) return 0;
    json_t *settings = json_loadb(row->settings.p, row->settings.n, 0, NULL);
    const char *policy = json_string_value(json_object_get(settings, "sendPolicy"));
    const char *queue = json_string_value(json_object_get(settings, "queueMode"));
    w->deny = policy && strcmp(policy, "deny") == 0;
    str_copy(w->queue, sizeof w->queue, str_of(queue));
    json_decref(settings);
    return 0;
}

int store_wishes_read(store_t *store, struct str key, struct session_wishes *out)
{
    *out = (struct session_wishes){ 0 };
    int rc = sessions_wishes(store, key, note, out);
    return rc == GW_ENOENT ? 0 : rc;
}
