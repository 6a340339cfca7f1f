#include "support/provider_rig.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct heard {
    struct buf text;
    struct buf thinking;
};

static void hear(void *ctx, enum chat_part_kind kind, struct str text)
{
    struct heard *h = ctx;
    buf_add(kind == CHAT_TEXT ? &h->text : &h->thinking, text);
}

struct buf rig_load(const char *path)
{
    char name[512];
    struct buf b = { 0 };
    snprintf(name, sizeof name, "%s/%s", TEST_DATA_DIR, path);
    FILE *f = fopen(name, "rb");
    cr_assert(f, "no such file: %s", name);
    size_t n;
    do {
        char *at = buf_reserve(&b, 65536);
        n = fread(at, 1, 65536, f);
        b.n += n;
    } while (n > 0);
    fclose(f);
    return b;
}

static void write_part(struct buf *b, const struct chat_part *p)
{
    static const char *const kinds[] = { "text", "thinking", "image", "call" };
    buf_printf(b, "%s", kinds[p->kind]);
    if (p->kind == CHAT_TOOL_CALL) buf_printf(b, " %.*s %.*s", STR_ARG(p->id), STR_ARG(p->name));
    if (p->signature.n) buf_printf(b, " <%.*s>", STR_ARG(p->signature));
    buf_text(b, " ");
    buf_json_str(b, p->text);
    buf_char(b, '\n');
}

static void write_outcome(struct buf *b, const struct model_outcome *o, const struct heard *h)
{
    static const char *const stops[] = { "none", "end", "tool_use", "length", "filter", "error", "aborted" };
    const struct chat_usage *u = &o->message.usage;
    if (o->ok)
        buf_printf(b, "ok %s %d/%d/%d/%d\n", stops[o->message.stop], (int)u->input, (int)u->output, (int)u->cache_read,
                   (int)u->cache_write);
    else
        buf_printf(b, "%s %d retry %d%s: %.*s\n", failure_name(o->failure.class), o->failure.http_status, (int)o->failure.retry_after_ms,
                   o->visible ? " visible" : "", STR_ARG(o->failure.text));
    struct buf text = { 0 }, thinking = { 0 };
    for (size_t i = 0; i < o->message.part_count; i++) {
        write_part(b, &o->message.parts[i]);
        if (o->message.parts[i].kind == CHAT_TEXT) buf_add(&text, o->message.parts[i].text);
        if (o->message.parts[i].kind == CHAT_THINKING) buf_add(&thinking, o->message.parts[i].text);
    }
    cr_assert(str_eq(buf_str(&text), buf_str(&h->text)), "the sink heard another text than the message has");
    cr_assert(str_eq(buf_str(&thinking), buf_str(&h->thinking)), "the sink heard another thinking than the message has");
    cr_assert(o->visible == (h->text.n > 0));
    buf_free(&text);
    buf_free(&thinking);
}

char *rig_run(const struct rig_answer *a, struct str body, size_t first, size_t rest)
{
    struct heard h = { 0 };
    struct model_sink sink = { hear, &h };
    struct provider_endpoint endpoint = { .id = STR("test"), .base_url = STR("http://x"), .api_key = STR("sk-secret-0123456789") };
    struct model_request request = { .provider = STR("test"), .model = STR("m"), .message_count = 0 };
    struct buf b = { 0 };
    model_stream_t *s;
    cr_assert(model_stream_create(provider_find(str_of(a->api)), &endpoint, &request, &sink, &s) == 0);
    model_stream_head(s, a->status, str_of(a->content_type), str_of(a->retry_after), 1000000);
    for (size_t n = first; body.n > 0; n = rest ? rest : body.n) {
        if (n > body.n) n = body.n;
        model_stream_feed(s, (struct str){ body.p, n });
        body = (struct str){ body.p + n, body.n - n };
    }
    write_outcome(&b, model_stream_finish(s, a->transport, STR("the connection was reset")), &h);
    model_stream_destroy(&s);
    buf_free(&h.text);
    buf_free(&h.thinking);
    size_t n;
    return buf_take(&b, &n);
}

static void check(const struct rig_answer *a, struct str body, size_t first, size_t rest, const char *expected, const char *how)
{
    char *got = rig_run(a, body, first, rest);
    cr_assert(strcmp(got, expected) == 0, "%s, cut at %zu/%zu\n--- got\n%s--- expected\n%s", how, first, rest, got, expected);
    free(got);
}

static void check_line_ends(const struct rig_answer *a, struct str body, const char *end, const char *expected)
{
    struct buf other = { 0 };
    buf_text(&other, ": first");
    buf_text(&other, end);
    for (size_t i = 0; i < body.n; i++)
        if (body.p[i] == '\n')
            buf_text(&other, end);
        else
            buf_char(&other, body.p[i]);
    check(a, buf_str(&other), other.n, 0, expected, "other line ends");
    check(a, buf_str(&other), 1, 1, expected, "other line ends, byte by byte");
    buf_free(&other);
}

void rig_check(const struct rig_answer *a, struct str body, const char *expected)
{
    check(a, body, body.n, 0, expected, "whole");
    check(a, body, 1, 1, expected, "byte by byte");
    check(a, body, 7, 7, expected, "in sevens");
    for (size_t cut = 1; cut < body.n; cut++) check(a, body, cut, 0, expected, "in two");
    if (str_find(body, STR("data:")) < 0 || a->status != 200) return;
    check_line_ends(a, body, "\r\n", expected);
    check_line_ends(a, body, "\r", expected);
    check_line_ends(a, body, "\n", expected);
}

void rig_check_file(const struct rig_answer *a, const char *path, const char *expected)
{
    struct buf body = rig_load(path);
    rig_check(a, buf_str(&body), expected);
    buf_free(&body);
}

char *rig_request(const char *api, const struct provider_endpoint *endpoint, const struct model_request *request, char **body)
{
    struct http_request r = { 0 };
    struct buf b = { 0 };
    *body = NULL;
    if (provider_find(str_of(api))->request(endpoint, request, &r) != 0) return NULL;
    buf_add(&b, buf_str(&r.url));
    buf_char(&b, '\n');
    for (size_t i = 0; i < r.headers.n; i += strlen(r.headers.p + i) + 1) buf_printf(&b, "%s\n", r.headers.p + i);
    size_t n;
    *body = buf_take(&r.body, &n);
    http_request_free(&r);
    return buf_take(&b, &n);
}

bool rig_same_json(const char *got, const char *expected)
{
    json_error_t error;
    json_t *a = json_loads(got, 0, &error);
    if (!a) fprintf(stderr, "got, line %d column %d: %s\n", error.line, error.column, error.text);
    json_t *b = json_loads(expected, 0, &error);
    if (!b) fprintf(stderr, "expected, line %d column %d: %s\n", error.line, error.column, error.text);
    bool same = a && b && json_equal(a, b);
    if (!same) fprintf(stderr, "--- got\n%s\n--- expected\n%s\n", got, expected);
    json_decref(a);
    json_decref(b);
    return same;
}
