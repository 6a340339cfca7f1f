/* Recorded conversations: what chat.* and agent answer, and which events come in between, in which order; and the HTTP side of the
 * Control UI. Of a run's events the first of each kind is compared. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "e2e/frames_known.h"

enum { KINDS_MAX = 32, KIND_MAX = 128, QUIET_MS = 4000 };

static struct kit K;
static struct frames F;

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* --- kinds of frames ------------------------------------------------------------------------------------------------ */

struct kinds {
    size_t n;
    char name[KINDS_MAX][KIND_MAX];
    const json_t *first[KINDS_MAX]; /* borrowed */
};

/* "res r8", "res r23 ok", "agent lifecycle start", "chat delta" */
static void name_kind(const json_t *frame, char out[KIND_MAX])
{
    const json_t *payload = json_object_get(frame, "payload"), *data = json_object_get(payload, "data");
    if (strcmp(text_of(frame, "type"), "res") == 0)
        snprintf(out, KIND_MAX, "res %.30s %.30s", text_of(frame, "id"), text_of(payload, "status"));
    else
        snprintf(out, KIND_MAX, "%.20s %.30s%.30s %.20s", text_of(frame, "event"), text_of(payload, "stream"), text_of(payload, "state"),
                 text_of(data, "phase"));
}

static bool has_kind(const struct kinds *k, const char *name)
{
    for (size_t i = 0; i < k->n; i++)
        if (strcmp(k->name[i], name) == 0) return true;
    return false;
}

/* Is the frame part of this conversation? Others' runs, and numbers that were lost, are not. */
static bool belongs(const json_t *frame, const json_t *requests)
{
    const json_t *payload = json_object_get(frame, "payload"), *request;
    const char *event = text_of(frame, "event"), *run = text_of(payload, "runId");
    size_t i;
    if (strcmp(text_of(frame, "type"), "res") == 0) return true;
    if (strcmp(event, "chat") != 0 && strcmp(event, "agent") != 0) return false;
    if (strcmp(text_of(payload, "stream"), "error") == 0) return false;
    if (strncmp(run, "inject-", 7) == 0) return true;
    json_array_foreach(requests, i, request)
    {
        const json_t *params = json_object_get(json_object_get(request, "request"), "params");
        if (strcmp(text_of(params, "idempotencyKey"), run) == 0) return true;
    }
    return false;
}

static void add_kind(struct kinds *k, const json_t *frame, const json_t *requests)
{
    char name[KIND_MAX];
    if (!belongs(frame, requests)) return;
    name_kind(frame, name);
    if (has_kind(k, name)) return;
    cr_assert_lt(k->n, KINDS_MAX);
    memcpy(k->name[k->n], name, sizeof name);
    k->first[k->n++] = frame;
}

/* --- playing a conversation ----------------------------------------------------------------------------------------- */

/* Read until our frames have all kinds that the recording has before `until` (NULL: all). */
static void wait_for(struct frame_client *web, const struct kinds *want, struct kinds *got, const json_t *requests, const char *until)
{
    for (;;) {
        size_t seen = 0, wanted = 0;
        for (size_t i = 0; i < want->n && !(until && strncmp(want->name[i], until, strlen(until)) == 0); i++) {
            bool result = until && strstr(want->name[i], "chat aborted"); /* of the next request */
            wanted += !result;
            seen += !result && has_kind(got, want->name[i]);
        }
        if (seen == wanted) return;
        const json_t *frame = frames_next(web, QUIET_MS);
        if (!frame) return;
        add_kind(got, frame, requests);
    }
}

static json_t *list_of(const struct kinds *k)
{
    json_t *names = json_array();
    for (size_t i = 0; i < k->n; i++) json_array_append_new(names, json_string(k->name[i]));
    return json_pack("{s:o}", "order", names);
}

static void compare_kinds(const char *name, const struct kinds *want, const struct kinds *got)
{
    json_t *a = list_of(want), *b = list_of(got);
    frames_compare(&F, name, a, b);
    for (size_t i = 0; i < want->n; i++)
        for (size_t g = 0; g < got->n; g++)
            if (strcmp(want->name[i], got->name[g]) == 0) frames_compare(&F, name, want->first[i], got->first[g]);
    json_decref(a);
    json_decref(b);
}

/* @param at_once  the requests do not wait for what the recording has between them */
static void converse(struct frame_client *web, const char *name, bool at_once)
{
    json_t *recorded = frames_load(name), *requests = json_object_get(recorded, "requests"), *request, *frame;
    struct kinds want = { 0 }, got = { 0 };
    char until[64];
    size_t i;
    json_array_foreach(json_object_get(recorded, "frames"), i, frame) add_kind(&want, frame, requests);
    frames_forget(web);
    json_array_foreach(requests, i, request)
    {
        const json_t *r = json_object_get(request, "request");
        snprintf(until, sizeof until, "res %s ", text_of(r, "id"));
        if (i && !at_once) wait_for(web, &want, &got, requests, until);
        frames_send(&F, web, r, text_of(r, "id"));
    }
    wait_for(web, &want, &got, requests, NULL);
    compare_kinds(name, &want, &got);
    json_decref(recorded);
}

static void model(const char *behaviour)
{
    cr_assert_eq(fake_control(&K.openrouter, "{\"default\":%s}", behaviour), 200);
}

#define HELLO "{\"text\":\"Hello from mock. This is the reply number 1. End.\",\"deltas\":6,\"delay_ms\":30}"
#define SLOW "{\"text\":\"one two three four five six seven eight nine ten eleven twelve\",\"deltas\":12,\"delay_ms\":200}"
#define CALL(id, name, arguments) "{\"next\":[{\"tool_calls\":[{\"id\":\"" id "\",\"name\":\"" name "\",\"arguments\":" arguments "}]}]}"

Test(e2e_frames_chat, conversations_go_as_recorded, .timeout = 240)
{
    struct frame_client web;
    struct ws_device device;
    frames_start(&F, &K, KNOWN, KNOWN_COUNT);
    cr_assert_eq(ws_device_create(&device), 0);
    frames_join_web(&F, &web, &device);
    model(HELLO);
    converse(&web, "chat-send-basic", false);
    converse(&web, "chat-history-after", false);
    converse(&web, "chat-send-dup", false);
    fake_control(&K.openrouter, CALL("call_2_0", "session_status", "{}"));
    converse(&web, "chat-send-tool", false);
    fake_control(&K.openrouter, CALL("call_4_0", "exec", "{\"command\":\"echo hi-from-exec\"}"));
    converse(&web, "chat-send-exec", false);
    model(SLOW);
    converse(&web, "chat-abort", false);
    converse(&web, "chat-stop-cmd", false);
    converse(&web, "chat-abort-none", false);
    converse(&web, "chat-abort-mismatch", false);
    model(HELLO);
    converse(&web, "chat-inject", false);
    converse(&web, "chat-empty", false);
    converse(&web, "chat-attach-image", false);
    converse(&web, "chat-unknown-agent", false);
    converse(&web, "agent-rpc", true);
    converse(&web, "agent-rpc-unknown", false);
    converse(&web, "chat-failover", false);
    fake_control(&K.openrouter, "{\"models\":{\"err429\":{\"status\":500,\"message\":\"mock error 500\",\"times\":-1}}}");
    converse(&web, "chat-failall", false);
    converse(&web, "chat-failall-history", false);
    frames_leave(&web);
    ws_device_free(&device);
    frames_end(&F);
    kit_stop(&K);
}

/* --- HTTP ----------------------------------------------------------------------------------------------------------- */

/* The page names its files: one that ends in `.css`. */
static void find_asset(char *out, size_t size)
{
    struct http_reply r = { 0 };
    const struct http_call call = { .path = "/" };
    cr_assert_eq(http_call(K.port, &call, KIT_TURN_MS, &r), 0);
    const char *text = buf_cstr(&r.body), *end = strstr(text, ".css"), *start = end;
    cr_assert(end, "the page has no style sheet");
    while (start > text && start[-1] != '"') start--;
    while (*start == '.') start++;
    snprintf(out, size, "%.*s", (int)(end + 4 - start), start);
    http_reply_free(&r);
}

static void fetch(const char *name)
{
    json_t *recorded = frames_load(name), *request = json_object_get(recorded, "request"), *value;
    const char *path = text_of(request, "path"), *key, *nested = strstr(path, "/assets/index-");
    char ours[256], asset[128];
    struct http_reply r = { 0 };
    struct buf text = { 0 };
    find_asset(asset, sizeof asset);
    snprintf(ours, sizeof ours, "%.*s%s", nested ? (int)(nested - path) : 200, path, nested ? asset : "");
    const struct http_call call = { .path = ours, .method = text_of(request, "method") };
    cr_assert_eq(http_call(K.port, &call, KIT_TURN_MS, &r), 0, "%s", name);
    json_t *got = json_object(), *headers = json_object();
    json_object_foreach(json_object_get(recorded, "headers"), key, value)
    {
        struct str header = http_reply_header(&r, key);
        if (header.p) json_object_set_new(headers, key, json_stringn(header.p, header.n));
    }
    json_object_set_new(got, "request", json_deep_copy(request));
    json_object_set_new(got, "status", json_integer(r.status));
    json_object_set_new(got, "headers", headers);
    if (r.body.n < 256) json_object_set_new(got, "body", json_stringn(r.body.p ? r.body.p : "", r.body.n));
    if (text_of(recorded, "body")[0] == '(') json_object_set_new(got, "body", json_string(text_of(recorded, "body"))); /* of a file */
    frames_compare(&F, name, recorded, got);
    json_decref(got);
    json_decref(recorded);
    buf_free(&text);
    http_reply_free(&r);
}

Test(e2e_frames_chat, the_page_is_served_as_recorded, .timeout = 60)
{
    static const char *const names[] = { "http-get-root",      "http-head-root",        "http-post-root",     "http-get-asset",
                                         "http-get-spa-route", "http-get-asset-nested", "http-get-bootstrap", "http-head-bootstrap",
                                         "http-get-avatar",    "http-get-avatar-meta",  "http-get-ui",        "http-get-health",
                                         "http-get-healthz",   "http-get-missing-asset" };
    frames_start(&F, &K, KNOWN, KNOWN_COUNT);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) fetch(names[i]);
    frames_end(&F);
    kit_stop(&K);
}
