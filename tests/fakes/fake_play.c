#include "fakes/fake_play.h"

#include <stdio.h>
#include <stdlib.h>

enum { CALLS_MAX = 32, BYTES_PER_TOKEN = 4, ID_BYTES = 32 };

enum step_kind { STEP_BYTES, STEP_CHUNK, STEP_DONE, STEP_END, STEP_CLOSE, STEP_RESET }; /* from STEP_DONE on: the last one */

struct step {
    enum step_kind kind;
    int delay_ms;
    size_t at, n; /* of play.bytes */
};

struct play {
    const struct fake_dialect *dialect;
    struct buf bytes;
    struct step *steps;
    size_t count, cap, next;
    int delay_ms; /* before the next step that is added */
    bool crlf;
    bool over; /* the behaviour ends here: what follows is left out */
};

/* ---- preparing ---- */

static void add_step(struct play *p, enum step_kind kind, struct str bytes)
{
    if (p->over) return;
    if (p->count == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 16;
        struct step *steps = realloc(p->steps, cap * sizeof *steps);
        if (!steps) abort();
        p->steps = steps;
        p->cap = cap;
    }
    p->steps[p->count++] = (struct step){ kind, p->delay_ms, p->bytes.n, bytes.n };
    p->delay_ms = 0;
    buf_add(&p->bytes, bytes);
    p->over = kind >= STEP_DONE;
}

void play_event(struct play *p, struct str data)
{
    struct buf b = { 0 };
    const char *eol = p->crlf ? "\r\n" : "\n";
    buf_text(&b, "data: ");
    buf_add(&b, data);
    buf_printf(&b, "%s%s", eol, eol);
    add_step(p, STEP_CHUNK, buf_str(&b));
    buf_free(&b);
}

static void add_comment(struct play *p, const char *text)
{
    struct buf b = { 0 };
    const char *eol = p->crlf ? "\r\n" : "\n";
    buf_printf(&b, ": %s%s%s", text, eol, eol);
    add_step(p, STEP_CHUNK, buf_str(&b));
    buf_free(&b);
}

static void add_head(struct play *p, int status, const char *type, json_t *headers, ptrdiff_t length)
{
    struct buf b = { 0 };
    const char *name;
    json_t *value;
    buf_printf(&b, "HTTP/1.1 %d Scripted\r\nContent-Type: %s\r\n", status, type);
    json_object_foreach(headers, name, value) buf_printf(&b, "%s: %s\r\n", name, json_string_value(value));
    if (length >= 0)
        buf_printf(&b, "Content-Length: %td\r\n\r\n", length);
    else
        buf_text(&b, "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n");
    add_step(p, STEP_BYTES, buf_str(&b));
    buf_free(&b);
}

static void add_whole(struct play *p, int status, const char *type, json_t *headers, struct str body)
{
    add_head(p, status, type, headers, (ptrdiff_t)body.n);
    add_step(p, STEP_BYTES, body);
    add_step(p, STEP_DONE, STR(""));
}

/* ---- reading behaviours ---- */

static int64_t number(json_t *b, const char *key, int64_t otherwise)
{
    json_t *v = json_object_get(b, key);
    return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

const char *play_check(json_t *behaviour)
{
    static const char *const known[] = { "text",     "echo",     "huge",       "reasoning",  "tool_calls", "deltas",      "delay_ms",
                                         "first_ms", "comments", "comment_ms", "finish",     "usage",      "crlf",        "status",
                                         "body",     "headers",  "quota",      "json_error", "message",    "error_after", "reset",
                                         "hang",     "truncate", "garbage",    "times" };
    const char *key;
    json_t *value;
    if (!json_is_object(behaviour)) return "a behaviour is not an object";
    json_object_foreach(behaviour, key, value)
    {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) found |= strcmp(known[i], key) == 0;
        if (!found) return key;
    }
    json_object_foreach(json_object_get(behaviour, "headers"), key, value) if (!json_is_string(value)) return "headers";
    if (json_array_size(json_object_get(behaviour, "tool_calls")) > CALLS_MAX) return "tool_calls";
    return NULL;
}

static struct str text_of(json_t *behaviour, const struct fake_ask *ask, struct buf *room)
{
    const char *text = json_string_value(json_object_get(behaviour, "text"));
    int64_t huge = number(behaviour, "huge", 0);
    if (text) return str_of(text);
    for (int64_t i = 0; i < huge; i++) buf_char(room, i % 80 == 79 ? '\n' : (char)('a' + i % 26));
    if (huge > 0) return buf_str(room);
    if (json_object_get(behaviour, "tool_calls") && !json_is_true(json_object_get(behaviour, "echo"))) return STR("");
    return str_of(ask->user ? ask->user : "");
}

static size_t calls_of(json_t *behaviour, const struct fake_ask *ask, struct fake_call calls[CALLS_MAX], char ids[CALLS_MAX][ID_BYTES],
                       struct buf texts[CALLS_MAX])
{
    json_t *list = json_object_get(behaviour, "tool_calls"), *call;
    size_t i;
    json_array_foreach(list, i, call)
    {
        const char *id = json_string_value(json_object_get(call, "id")), *name = json_string_value(json_object_get(call, "name"));
        char *arguments = json_dumps(json_object_get(call, "arguments"), JSON_COMPACT);
        snprintf(ids[i], ID_BYTES, "call_%lld_%zu", (long long)ask->number, i);
        buf_text(&texts[i], arguments ? arguments : "{}");
        free(arguments);
        calls[i] = (struct fake_call){ id ? id : ids[i], name ? name : "unnamed", buf_cstr(&texts[i]) };
    }
    return json_array_size(list);
}

static struct fake_usage usage_of(json_t *behaviour, const struct fake_ask *ask, struct str text)
{
    json_t *u = json_object_get(behaviour, "usage");
    struct fake_usage usage = {
        .input = number(u, "input", 10 + (int64_t)(ask->user ? strlen(ask->user) : 0) / BYTES_PER_TOKEN),
        .output = number(u, "output", 1 + (int64_t)text.n / BYTES_PER_TOKEN),
        .cached = number(u, "cached", 0),
        .reasoning = number(u, "reasoning", 0),
    };
    return usage;
}

/* ---- behaviours to steps ---- */

static bool at_word(json_t *value, const char *word)
{
    const char *text = json_string_value(value);
    return text && strcmp(text, word) == 0;
}

/* A failure that comes instead of any stream. @return true when the answer is prepared */
static bool prepare_refusal(struct play *p, json_t *b, struct buf *room)
{
    int status = (int)number(b, "status", 200);
    const char *message = json_string_value(json_object_get(b, "message"));
    json_t *body = json_object_get(b, "body"), *headers = json_object_get(b, "headers");
    bool quota = json_is_true(json_object_get(b, "quota")), plain_error = json_is_true(json_object_get(b, "json_error"));
    if (json_is_true(json_object_get(b, "garbage"))) {
        add_step(p, STEP_BYTES, STR("\x15\x03\x01\x00\x02\x02\x28")); /* a TLS alert: fatal, handshake failure */
        add_step(p, STEP_CLOSE, STR(""));
        return true;
    }
    if (at_word(json_object_get(b, "reset"), "start")) add_step(p, STEP_RESET, STR(""));
    if (at_word(json_object_get(b, "hang"), "start")) p->over = true;
    if (p->over) return true;
    if (status == 200 && !quota && !plain_error && !body) return false;
    if (json_is_string(body)) {
        buf_text(room, json_string_value(body));
    } else if (body) {
        char *text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
        buf_text(room, text);
        free(text);
    } else {
        int code = quota ? 400 : status == 200 ? 502 : status;
        p->dialect->error_body(code, quota, message, room);
    }
    add_whole(p, quota && status == 200 ? 400 : status, json_is_string(body) ? "text/plain" : "application/json", headers, buf_str(room));
    return true;
}

/* Where the behaviour breaks off after n deltas. */
static void break_off(struct play *p, const struct fake_ask *ask, json_t *b, int64_t n)
{
    const char *message = json_string_value(json_object_get(b, "message"));
    if (number(b, "error_after", -1) == n) {
        p->dialect->error_event(p, ask, message ? message : "Provider disconnected unexpectedly");
        add_step(p, STEP_END, STR(""));
    }
    if (number(b, "reset", -1) == n) add_step(p, STEP_RESET, STR(""));
    if (number(b, "truncate", -1) == n) add_step(p, STEP_CLOSE, STR(""));
    if (number(b, "hang", -1) == n) p->over = true;
}

static void prepare_stream(struct play *p, const struct fake_ask *ask, json_t *b, const struct fake_answer *a)
{
    int64_t deltas = number(b, "deltas", a->text.n > 0 ? 1 : 0);
    add_head(p, 200, "text/event-stream", json_object_get(b, "headers"), -1);
    if (at_word(json_object_get(b, "reset"), "headers")) add_step(p, STEP_RESET, STR(""));
    if (at_word(json_object_get(b, "hang"), "headers")) p->over = true;
    if (p->dialect->opening) add_comment(p, p->dialect->opening);
    for (int64_t i = number(b, "comments", 0); i > 0; i--) {
        p->delay_ms = (int)number(b, "comment_ms", 0);
        add_comment(p, p->dialect->opening ? p->dialect->opening : "keep-alive");
    }
    if (a->reasoning.n > 0) p->dialect->reasoning(p, ask, a->reasoning);
    size_t at = 0;
    for (int64_t i = 0; i < deltas; i++) {
        break_off(p, ask, b, i);
        struct str rest = { a->text.p + at, a->text.n - at };
        struct str piece = i + 1 == deltas ? rest : str_utf8_prefix(rest, a->text.n / (size_t)deltas + 1);
        at += piece.n;
        p->delay_ms = (int)number(b, "delay_ms", 0);
        p->dialect->text(p, ask, piece);
    }
    break_off(p, ask, b, deltas);
    for (size_t i = 0; i < a->call_count; i++) p->dialect->call(p, ask, i, &a->calls[i]);
    p->dialect->finish(p, ask, a->finish, &a->usage);
    add_step(p, STEP_END, STR(""));
}

static void prepare(struct play *p, const struct fake_ask *ask, json_t *b)
{
    struct buf room = { 0 }, texts[CALLS_MAX] = { 0 };
    struct fake_call calls[CALLS_MAX];
    char ids[CALLS_MAX][ID_BYTES];
    json_t *crlf = json_object_get(b, "crlf");
    p->crlf = crlf ? json_is_true(crlf) : p->dialect->crlf;
    p->delay_ms = (int)number(b, "first_ms", 0);
    if (!prepare_refusal(p, b, &room)) {
        const char *finish = json_string_value(json_object_get(b, "finish"));
        struct fake_answer a = { .text = text_of(b, ask, &room), .reasoning = str_of(json_string_value(json_object_get(b, "reasoning"))) };
        a.call_count = calls_of(b, ask, calls, ids, texts);
        a.calls = calls;
        a.finish = finish ? finish : a.call_count > 0 ? "tool_calls" : "stop";
        a.usage = usage_of(b, ask, a.text);
        if (ask->stream) {
            prepare_stream(p, ask, b, &a);
        } else {
            struct buf body = { 0 };
            p->dialect->whole(ask, &a, &body);
            add_whole(p, 200, "application/json", json_object_get(b, "headers"), buf_str(&body));
            buf_free(&body);
        }
    }
    for (size_t i = 0; i < CALLS_MAX; i++) buf_free(&texts[i]);
    buf_free(&room);
}

/* ---- playing ---- */

static void advance(void *ctx, fake_exchange_t *x)
{
    (void)ctx;
    struct play *p = fake_data(x);
    while (p->next < p->count) {
        struct step *s = &p->steps[p->next];
        if (s->delay_ms > 0) {
            fake_timer(x, s->delay_ms, advance);
            s->delay_ms = 0;
            return;
        }
        p->next++;
        struct str bytes = s->n > 0 ? (struct str){ p->bytes.p + s->at, s->n } : STR("");
        switch (s->kind) { /* from STEP_DONE on the exchange ends, and with it this play */
        case STEP_BYTES: fake_raw(x, bytes); break;
        case STEP_CHUNK: fake_write(x, bytes); break;
        case STEP_DONE: fake_done(x); return;
        case STEP_END: fake_end(x); return;
        case STEP_CLOSE: fake_close(x); return;
        case STEP_RESET: fake_reset(x); return;
        }
    }
}

void play_start(fake_exchange_t *x, const struct fake_dialect *dialect, const struct fake_ask *ask, json_t *behaviour)
{
    struct play *p = calloc(1, sizeof *p);
    if (!p) abort();
    p->dialect = dialect;
    prepare(p, ask, behaviour);
    fake_set_data(x, p);
    advance(NULL, x);
}

void play_free(struct play *p)
{
    if (!p) return;
    buf_free(&p->bytes);
    free(p->steps);
    free(p);
}
