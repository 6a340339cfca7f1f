/* What the tests of methods about sessions share: a store with turns in it, a configuration, calls made by hand. */
#ifndef TESTS_UNIT_SESSION_FIXTURE_H
#define TESTS_UNIT_SESSION_FIXTURE_H

#include "store_fixture.h"

#include "actors/query_tables.h"
#include "store/session_life.h"

struct desk {
    store_t *store;
    config_t *config;
    int64_t turn; /* of the last one recorded */
};

static const char *desk_variable(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "OPENCLAW_STATE_DIR") == 0 ? fixture_dir : strcmp(name, "HOME") == 0 ? "/nonexistent" : NULL;
}

static inline struct desk desk_open(const char *config)
{
    struct desk d = { .store = fixture_open(NULL, 0, NULL) };
    struct env env = { desk_variable, NULL };
    struct config_problems problems = { 0 };
    cr_assert(config_parse(str_of(config), "t.json", &env, &d.config, &problems) == 0);
    config_problems_free(&problems);
    return d;
}

static inline void desk_close(struct desk *d)
{
    config_unref(&d->config);
    store_close(&d->store);
}

/* A turn that was asked at `at_ms` and answered a second later. */
static inline void desk_turn(struct desk *d, const char *key, const char *asked, const char *answered, int64_t at_ms)
{
    char uuid[64], user[4096], assistant[4096];
    snprintf(uuid, sizeof uuid, "uuid-of-%s", key);
    snprintf(user, sizeof user, "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"%s\"}],\"timestamp\":%lld}", asked,
             (long long)at_ms);
    snprintf(assistant, sizeof assistant,
             "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\",\"thinkingSignature\":\"sig\"},"
             "{\"type\":\"text\",\"text\":\"%s\"}],\"provider\":\"demo\",\"model\":\"echo\",\"usage\":{\"input\":93,\"output\":20,"
             "\"cacheRead\":3,\"cacheWrite\":4,\"totalTokens\":120},\"stopReason\":\"stop\",\"timestamp\":%lld}",
             answered, (long long)at_ms + 1000);
    struct turn_new turn = fixture_turn(++d->turn, key, "");
    turn.session.uuid = str_of(uuid);
    turn.session.channel = STR("webchat");
    turn.session.now_ms = at_ms;
    cr_assert(turns_accept(d->store, &turn, NULL) == 0, "%s", store_error(d->store));
    cr_assert(turns_begin(d->store, d->turn, str_of(user), at_ms, NULL) == 0, "%s", store_error(d->store));
    struct turn_end end = fixture_end(d->turn, TURN_DONE);
    end.message = str_of(assistant);
    end.now_ms = at_ms + 1000;
    cr_assert(turns_finish(d->store, &end, NULL) == 0, "%s", store_error(d->store));
}

static inline int64_t desk_session(const struct desk *d, const char *key)
{
    int64_t id = 0;
    cr_assert(sessions_find(d->store, str_of(key), &id) == 0, "%s", key);
    return id;
}

static inline void desk_append(struct desk *d, const char *key, const char *role, const char *json, int64_t at_ms)
{
    const struct message_new m = { .session = desk_session(d, key), .role = str_of(role), .json = str_of(json), .now_ms = at_ms };
    cr_assert(messages_append(d->store, &m, NULL) == 0, "%s", store_error(d->store));
}

/* Who serves what in these tests. */
static const struct rpc_handler *const desk_tables[] = { query_session_handlers,
                                                         query_history_handlers,
                                                         query_usage_handlers,
                                                         query_cost_handlers,
                                                         store_session_handlers,
                                                         store_patch_handlers,
                                                         NULL };

/* Call a method. On success `text` holds the result; else "code: message". @return what the handler returned */
static inline int desk_try(struct desk *d, enum rpc_id method, const char *params, struct buf *text)
{
    struct buf out = { 0 }, why = { 0 };
    json_t *p = json_loads(params, 0, NULL);
    struct rpc_call call = { .method = method, .config = d->config, .store = d->store, .params = p, .now_ms = NOW + 60000, .out = &out };
    call.flags = RPC_CALL_ADMIN;
    cr_assert(p != NULL, "%s", params);
    cr_assert(rpc_check(method, p, &why) == 0, "%s", buf_cstr(&why));
    int rc = rpc_call_run(desk_tables, &call);
    buf_clear(text);
    if (rc)
        buf_printf(text, "%s: %.*s", call.code ? call.code : err_name(rc), STR_ARG(buf_str(&call.message)));
    else
        buf_add(text, buf_str(&out));
    json_decref(p);
    buf_free(&out);
    buf_free(&why);
    buf_free(&call.message);
    buf_free(&call.details);
    return rc;
}

/* The result; the caller json_decref()s. */
static inline json_t *desk_call(struct desk *d, enum rpc_id method, const char *params)
{
    struct buf text = { 0 };
    cr_assert(desk_try(d, method, params, &text) == 0, "%s", buf_cstr(&text));
    json_t *result = json_loadb(text.p, text.n, 0, NULL);
    cr_assert(result != NULL, "no JSON: %s", buf_cstr(&text));
    buf_free(&text);
    return result;
}

static inline void desk_refused(struct desk *d, enum rpc_id method, const char *params, const char *want)
{
    struct buf text = { 0 };
    cr_assert(desk_try(d, method, params, &text) != 0, "%s", buf_cstr(&text));
    cr_assert(str_is(buf_str(&text), want), "%s", buf_cstr(&text));
    buf_free(&text);
}

/* A member by its path, "a.b.0.c". */
static inline const json_t *desk_at(const json_t *v, const char *path)
{
    struct str rest = str_of(path);
    while (v && rest.n) {
        char name[128];
        int64_t i;
        struct str part = str_split(&rest, '.');
        str_copy(name, sizeof name, part);
        v = json_is_array(v) && str_to_int(part, &i) == 0 ? json_array_get(v, (size_t)i) : json_object_get(v, name);
    }
    return v;
}

static inline const char *desk_text(const json_t *v, const char *path)
{
    const char *text = json_string_value(desk_at(v, path));
    return text ? text : "(none)";
}

static inline long long desk_int(const json_t *v, const char *path)
{
    return json_is_integer(desk_at(v, path)) ? json_integer_value(desk_at(v, path)) : -1;
}

/* The names of an object's members, a space after each: for comparing with a recorded frame. */
static inline const char *desk_names(const json_t *v)
{
    static char names[2048];
    const char *key;
    json_t *ignored;
    size_t n = 0;
    names[0] = '\0';
    json_object_foreach((json_t *)v, key, ignored)
    {
        n += (size_t)snprintf(names + n, sizeof names - n, "%s ", key);
        cr_assert(n < sizeof names);
    }
    return names;
}

#endif
