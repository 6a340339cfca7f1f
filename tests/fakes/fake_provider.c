#include "fakes/fake_provider.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "fakes/fake_play.h"

enum { BODIES_KEPT = 16, USERS_KEPT = 1024, REASONS_KEPT = 32 };

struct program {
    const struct fake_dialect *dialect;
    const char *key;
    json_t *next;      /* array of behaviours */
    json_t *when;      /* words of the last message to behaviour, the first that fits wins */
    json_t *models;    /* name to behaviour */
    json_t *otherwise; /* the default behaviour */
    json_t *reasons, *users, *bodies;
    int64_t requests, active, max_active, completed, cut, violations, tls_hellos;
};

int fake_refuse(struct buf *reason, int status, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_text(reason, text);
    return status;
}

static void keep(json_t *list, json_t *value, size_t most)
{
    json_array_append_new(list, value);
    if (json_array_size(list) > most) json_array_remove(list, 0);
}

static void on_violation(void *ctx, const char *reason)
{
    struct program *p = ctx;
    p->violations++;
    keep(p->reasons, json_string(reason), REASONS_KEPT);
}

static void on_tls_hello(void *ctx)
{
    struct program *p = ctx;
    p->tls_hellos++;
}

/* ---- control and statistics ---- */

static void forget(struct program *p)
{
    json_array_clear(p->next);
    json_object_clear(p->when);
    json_object_clear(p->models);
    json_object_clear(p->otherwise);
    json_array_clear(p->reasons);
    json_array_clear(p->users);
    json_array_clear(p->bodies);
    p->requests = p->completed = p->cut = p->violations = p->tls_hellos = 0;
    p->max_active = p->active;
}

static const char *check_control(json_t *root)
{
    const char *key, *wrong = NULL, *model;
    json_t *value, *behaviour;
    size_t i;
    if (!json_is_object(root)) return "not a JSON object";
    json_object_foreach(root, key, value)
    {
        if (strcmp(key, "next") == 0) {
            if (!json_is_array(value)) return "next is not an array";
            json_array_foreach(value, i, behaviour) if (!wrong) wrong = play_check(behaviour);
        } else if (strcmp(key, "models") == 0 || strcmp(key, "when") == 0) {
            json_object_foreach(value, model, behaviour) if (!wrong) wrong = play_check(behaviour);
        } else if (strcmp(key, "default") == 0) {
            wrong = play_check(value);
        } else if (strcmp(key, "clear") != 0) {
            return key;
        }
        if (wrong) return wrong;
    }
    return NULL;
}

static void control(struct program *p, fake_exchange_t *x, const struct fake_request *r)
{
    json_error_t where;
    json_t *root = json_loadb(r->body.p ? r->body.p : "", r->body.n, JSON_REJECT_DUPLICATES, &where);
    const char *wrong = root ? check_control(root) : where.text;
    if (wrong) {
        fake_reply(x, 400, NULL, str_of(wrong));
    } else {
        json_t *otherwise = json_object_get(root, "default");
        if (json_is_true(json_object_get(root, "clear"))) forget(p);
        json_array_extend(p->next, json_object_get(root, "next"));
        json_object_update(p->models, json_object_get(root, "models"));
        json_object_update(p->when, json_object_get(root, "when"));
        if (otherwise) {
            json_decref(p->otherwise);
            p->otherwise = json_deep_copy(otherwise);
        }
        fake_reply(x, 200, NULL, STR("ok\n"));
    }
    json_decref(root);
}

static void stats(struct program *p, fake_exchange_t *x)
{
    json_t *s = json_pack("{sI sI sI sI sI sI sI sO sO sO}", "requests", p->requests, "active", p->active, "max_active", p->max_active,
                          "completed", p->completed, "cut", p->cut, "violations", p->violations, "tls_hellos", p->tls_hellos, "reasons",
                          p->reasons, "users", p->users, "bodies", p->bodies);
    char *text = json_dumps(s, JSON_INDENT(1));
    fake_reply(x, 200, "Content-Type: application/json\r\n", str_of(text));
    free(text);
    json_decref(s);
}

/* ---- requests ---- */

/* The behaviour for words that stand in the last message; NULL: none. Borrowed. */
static json_t *fitting(const struct program *p, const struct fake_request *r)
{
    const char *words;
    json_t *behaviour, *found = NULL;
    if (json_object_size(p->when) == 0) return NULL;
    json_t *body = json_loadb(r->body.p ? r->body.p : "", r->body.n, 0, NULL), *list = json_object_get(body, "messages");
    char *last = json_array_size(list) ? json_dumps(json_array_get(list, json_array_size(list) - 1), JSON_COMPACT) : NULL;
    json_object_foreach(p->when, words, behaviour) if (!found && last && strstr(last, words)) found = behaviour;
    free(last);
    json_decref(body);
    return found;
}

/* A new reference to the behaviour for this request; `next` loses one use of its first. */
static json_t *pick(struct program *p, const char *model, const struct fake_request *r)
{
    json_t *first = json_array_get(p->next, 0), *own = json_object_get(p->models, model);
    if (!first) own = own ? own : fitting(p, r);
    if (!first) return json_incref(own ? own : p->otherwise);
    json_incref(first);
    json_t *times = json_object_get(first, "times");
    json_int_t left = times ? json_integer_value(times) : 1;
    if (left == 1 || left == 0) {
        json_array_remove(p->next, 0);
    } else if (left > 1) {
        json_integer_set(times, left - 1);
    }
    return first;
}

static json_t *text_value(struct str s)
{
    json_t *v = json_stringn(s.p ? s.p : "", s.n);
    return v ? v : json_string("(not UTF-8)");
}

static void remember(struct program *p, const struct fake_request *r, const struct fake_ask *ask)
{
    json_t *body = json_loadb(r->body.p ? r->body.p : "", r->body.n, 0, NULL);
    json_t *entry = json_object();
    json_object_set_new(entry, "target", text_value(r->target));
    json_object_set_new(entry, "head", text_value(r->head));
    json_object_set_new(entry, "body", body ? body : json_null());
    keep(p->bodies, entry, BODIES_KEPT);
    if (ask->user) keep(p->users, text_value(str_of(ask->user)), USERS_KEPT);
}

static void on_request(void *ctx, fake_exchange_t *x, const struct fake_request *r)
{
    struct program *p = ctx;
    struct fake_ask ask = { .number = p->requests };
    struct buf error = { 0 }, reason = { 0 };
    if (str_is(r->target, "/__stats")) {
        stats(p, x);
        return;
    }
    if (str_is(r->target, "/__control")) {
        if (str_is(r->method, "POST"))
            control(p, x, r);
        else
            fake_reply(x, 405, "Allow: POST\r\n", STR("POST only\n"));
        return;
    }
    p->requests++;
    p->active++;
    if (p->active > p->max_active) p->max_active = p->active;
    fake_set_data(x, p); /* until a play takes its place: marks a counted exchange */
    int status = p->dialect->check(r, p->key, &ask, &reason);
    remember(p, r, &ask);
    if (status != 200) {
        on_violation(p, buf_cstr(&reason));
        p->dialect->error_body(status, false, buf_cstr(&reason), &error);
        fake_reply(x, status, "Content-Type: application/json\r\n", buf_str(&error));
    } else {
        json_t *behaviour = pick(p, ask.model, r);
        play_start(x, p->dialect, &ask, behaviour);
        json_decref(behaviour);
    }
    buf_free(&error);
    buf_free(&reason);
    free(ask.user);
}

static void on_gone(void *ctx, fake_exchange_t *x, bool cut)
{
    struct program *p = ctx;
    void *data = fake_data(x);
    if (!data) return; /* control */
    if (data != p) play_free(data);
    p->active--;
    if (cut)
        p->cut++;
    else
        p->completed++;
}

static int usage(const char *name)
{
    fprintf(stderr, "usage: %s [--port N] --key KEY\nA fake model provider on 127.0.0.1 for tests; see tests/fakes/fake_provider.h.\n",
            name);
    return 2;
}

bool fake_in_list(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(word, *list) == 0) return true;
    return false;
}

const char *fake_text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

int fake_main(int argc, char **argv, const struct fake_dialect *dialect)
{
    int64_t port = 0;
    struct program p = { .dialect = dialect };
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) return usage(dialect->name);
        if (strcmp(argv[i], "--key") == 0)
            p.key = argv[i + 1];
        else if (strcmp(argv[i], "--port") != 0 || str_to_int(str_of(argv[i + 1]), &port) != 0)
            return usage(dialect->name);
    }
    if (!p.key || port < 0 || port > 65535) return usage(dialect->name);
    p.next = json_array();
    p.models = json_object();
    p.when = json_object();
    p.otherwise = json_object();
    p.reasons = json_array();
    p.users = json_array();
    p.bodies = json_array();
    const struct fake_hooks hooks = { on_request, on_gone, on_violation, on_tls_hello, &p };
    fake_http_t *http;
    int rc = fake_http_create((int)port, &hooks, &http);
    if (rc == 0) {
        printf("port %d\n", fake_http_port(http));
        fflush(stdout);
        rc = fake_http_run(http);
    }
    if (rc != 0) fprintf(stderr, "%s: %s\n", dialect->name, err_text(rc));
    fake_http_destroy(&http);
    json_t *all[] = { p.next, p.when, p.models, p.otherwise, p.reasons, p.users, p.bodies };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) json_decref(all[i]);
    return rc == 0 ? 0 : 1;
}
