#include "channels/discord_rest.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

#include "base/err.h"
#include "base/json_read.h"

enum {
    BUCKET_NAME_MAX = 160,
    BACKOFF_MS = 500,
    BACKOFF_MAX_MS = 30000,
    INVALID_WINDOW_MS = 600000,
    SECOND_MS = 1000,
    RETRY_AFTER_MAX_MS = 3600000, /* a longer pause is taken as this */
};

struct bucket { /* by route at first, by Discord's own name and the thing it counts for once that is known */
    char name[BUCKET_NAME_MAX];
    int64_t remaining, reset_ms;
    int under_way;
    bool known; /* Discord has said how many */
    UT_hash_handle hh;
};

struct route { /* which bucket a route has */
    char *name;
    struct bucket *bucket;
    UT_hash_handle hh;
};

struct lane {
    char name[64];
    uint64_t pass; /* in which it was found busy */
    int waiting;   /* calls of it */
    UT_hash_handle hh;
};

struct discord_rest {
    struct discord_call *calls; /* in order */
    size_t count;
    struct bucket *buckets;
    struct route *routes;
    struct lane *lanes;
    uint64_t last_tag, pass;
    int64_t global_ms;                   /* nothing goes out before */
    int64_t sent_ms[DISCORD_GLOBAL_MAX]; /* a ring: when the last ones went out */
    size_t sent;
    int64_t invalid_since_ms;
    int invalid;
    int64_t due_ms;
};

int discord_rest_create(discord_rest_t **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return GW_ENOMEM;
    for (size_t i = 0; i < DISCORD_GLOBAL_MAX; i++) (*out)->sent_ms[i] = INT64_MIN / 2;
    return 0;
}

void discord_call_free(struct discord_call *call)
{
    if (call) buf_free(&call->body);
    if (call) free(call->note);
    free(call);
}

/* --- routes ---------------------------------------------------------------------------------------------------------- */

static bool is_id(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!isdigit((unsigned char)s.p[i])) return false;
    return s.n >= 15;
}

void discord_route(const char *method, struct str path, struct buf *out)
{
    struct str before = { 0 }, first = { 0 };
    size_t index = 0;
    path = str_split(&path, '?');
    buf_printf(out, "%s ", method);
    while (path.n) {
        struct str part = str_split(&path, '/');
        if (part.n == 0) continue;
        bool major = index == 1 && (str_is(before, "channels") || str_is(before, "guilds") || str_is(before, "webhooks"));
        bool token = index == 2 && str_is(first, "webhooks");
        buf_char(out, '/');
        if (str_is(before, "reactions") || (is_id(part) && !major && !token))
            buf_char(out, '*');
        else
            buf_add(out, part);
        if (index == 0) first = part;
        before = part;
        index++;
    }
}

/* What limits count for: the second part of "/channels/1/...", and the third of "/webhooks/1/token". */
static struct str major_of(struct str route)
{
    struct str method = str_split(&route, ' '), rest = route;
    (void)method;
    if (rest.n) str_split(&rest, '/');
    struct str first = str_split(&rest, '/'), second = str_split(&rest, '/');
    bool webhook = str_is(first, "webhooks");
    struct str third = webhook ? str_split(&rest, '/') : (struct str){ 0 };
    if (!webhook && !str_is(first, "channels") && !str_is(first, "guilds")) return (struct str){ 0 };
    return third.n ? (struct str){ second.p, (size_t)(third.p + third.n - second.p) } : second;
}

static struct bucket *bucket_named(struct discord_rest *rest, const char *name)
{
    struct bucket *b;
    HASH_FIND_STR(rest->buckets, name, b);
    if (b || !(b = calloc(1, sizeof *b))) return b;
    str_copy(b->name, sizeof b->name, str_of(name));
    b->remaining = 1; /* one, until it is known how many */
    HASH_ADD_STR(rest->buckets, name, b);
    return b;
}

static struct route *route_named(struct discord_rest *rest, const char *name)
{
    struct route *r;
    char bucket[BUCKET_NAME_MAX];
    HASH_FIND_STR(rest->routes, name, r);
    if (r) return r;
    r = calloc(1, sizeof *r);
    if (r) r->name = str_dup(str_of(name));
    snprintf(bucket, sizeof bucket, "?%.*s", BUCKET_NAME_MAX - 2, name);
    if (r && r->name) r->bucket = bucket_named(rest, bucket);
    if (!r || !r->bucket) {
        if (r) free(r->name);
        free(r);
        return NULL;
    }
    HASH_ADD_KEYPTR(hh, rest->routes, r->name, strlen(r->name), r);
    return r;
}

static void free_route(struct discord_rest *rest, struct route *r)
{
    HASH_DEL(rest->routes, r);
    free(r->name);
    free(r);
}

/* Too many to remember: what nobody waits for is learned again when it is needed. */
static void forget_old(struct discord_rest *rest, int64_t now_ms)
{
    struct route *r, *next_r;
    struct bucket *b, *next_b;
    if (HASH_COUNT(rest->routes) < DISCORD_BUCKETS_MAX && HASH_COUNT(rest->buckets) < DISCORD_BUCKETS_MAX) return;
    HASH_ITER(hh, rest->routes, r, next_r)
    {
        if (r->bucket->under_way == 0 && r->bucket->reset_ms <= now_ms) free_route(rest, r);
    }
    HASH_ITER(hh, rest->buckets, b, next_b)
    {
        bool used = b->under_way > 0 || b->reset_ms > now_ms;
        for (r = rest->routes; r && !used; r = r->hh.next) used = r->bucket == b;
        if (used) continue;
        HASH_DEL(rest->buckets, b);
        free(b);
    }
}

/* --- calls ------------------------------------------------------------------------------------------------------------ */

static struct lane *lane_of(struct discord_rest *rest, const struct discord_call *call, bool make)
{
    struct lane *lane = NULL;
    if (!call->lane[0]) return NULL;
    HASH_FIND_STR(rest->lanes, call->lane, lane);
    if (lane || !make || !(lane = calloc(1, sizeof *lane))) return lane;
    memcpy(lane->name, call->lane, sizeof lane->name);
    HASH_ADD_STR(rest->lanes, name, lane);
    return lane;
}

static void take_out(struct discord_rest *rest, struct discord_call *call)
{
    struct lane *lane = lane_of(rest, call, false);
    DL_DELETE(rest->calls, call);
    rest->count--;
    if (!lane || --lane->waiting > 0) return;
    HASH_DEL(rest->lanes, lane);
    free(lane);
}

int discord_rest_add(discord_rest_t *rest, struct discord_call *call, int64_t now_ms)
{
    struct buf route = { .max = sizeof call->route - 1 };
    struct lane *lane = NULL;
    if (rest->count >= DISCORD_CALLS_MAX || (call->lane[0] && !(lane = lane_of(rest, call, true)))) {
        discord_call_free(call);
        return GW_EFULL;
    }
    if (lane) lane->waiting++;
    if (!call->foreign) discord_route(call->method, str_of(call->path), &route);
    str_copy(call->route, sizeof call->route, buf_str(&route));
    buf_free(&route);
    call->tag = ++rest->last_tag;
    call->born_ms = call->due_ms = now_ms;
    DL_APPEND(rest->calls, call);
    rest->count++;
    return 0;
}

size_t discord_rest_count(const discord_rest_t *rest)
{
    return rest->count;
}

static void drop(struct discord_rest *rest, struct discord_call *call)
{
    if (call->under_way) { /* its answer still counts for the limits */
        call->subject = NULL;
        call->purpose = DISCORD_FOR_NOTHING;
        call->tries_max = 1;
        return;
    }
    take_out(rest, call);
    discord_call_free(call);
}

void discord_rest_forget(discord_rest_t *rest, const void *subject)
{
    struct discord_call *call, *safe;
    DL_FOREACH_SAFE(rest->calls, call, safe)
    {
        if (call->subject == subject) drop(rest, call);
    }
}

void discord_rest_forget_purpose(discord_rest_t *rest, enum discord_purpose purpose)
{
    struct discord_call *call, *safe;
    DL_FOREACH_SAFE(rest->calls, call, safe)
    {
        if (call->purpose == purpose) drop(rest, call);
    }
}

void discord_rest_destroy(discord_rest_t **rest_p)
{
    discord_rest_t *rest = *rest_p;
    struct discord_call *call, *safe;
    struct bucket *b, *next_b;
    struct route *r, *next_r;
    if (!rest) return;
    DL_FOREACH_SAFE(rest->calls, call, safe)
    {
        take_out(rest, call);
        discord_call_free(call);
    }
    HASH_ITER(hh, rest->routes, r, next_r)
    {
        free_route(rest, r);
    }
    HASH_ITER(hh, rest->buckets, b, next_b)
    {
        HASH_DEL(rest->buckets, b);
        free(b);
    }
    free(rest);
    *rest_p = NULL;
}

/* --- which may go ------------------------------------------------------------------------------------------------------ */

/* When this one may be sent as far as its limits go; `now_ms`: now. */
static int64_t allowed_at(struct discord_rest *rest, const struct discord_call *call, int64_t now_ms)
{
    if (call->due_ms > now_ms) return call->due_ms;
    if (call->exempt || call->foreign) return now_ms;
    if (rest->global_ms > now_ms) return rest->global_ms;
    if (rest->invalid >= DISCORD_INVALID_MAX && now_ms < rest->invalid_since_ms + INVALID_WINDOW_MS)
        return rest->invalid_since_ms + INVALID_WINDOW_MS;
    int64_t oldest = rest->sent_ms[rest->sent % DISCORD_GLOBAL_MAX];
    if (now_ms - oldest < SECOND_MS) return oldest + SECOND_MS;
    struct route *r = route_named(rest, call->route);
    if (!r) return now_ms + SECOND_MS;
    struct bucket *b = r->bucket;
    if (b->known && b->under_way == 0 && b->reset_ms <= now_ms) { /* a new window; how many it has is told by its first answer */
        b->remaining = 1;
        b->known = false;
    }
    if (b->remaining - b->under_way > 0) return now_ms;
    return b->reset_ms > now_ms ? b->reset_ms : INT64_MAX; /* else an answer has to come first */
}

const struct discord_call *discord_rest_next(discord_rest_t *rest, int64_t now_ms)
{
    struct discord_call *call;
    rest->due_ms = INT64_MAX;
    rest->pass++;
    forget_old(rest, now_ms);
    DL_FOREACH(rest->calls, call)
    {
        struct lane *lane = lane_of(rest, call, false);
        if (lane && lane->pass == rest->pass) continue;
        if (lane) lane->pass = rest->pass; /* whether it goes out or waits: those behind it do not */
        if (call->under_way) continue;
        int64_t at = allowed_at(rest, call, now_ms);
        if (at > now_ms) {
            if (at < rest->due_ms) rest->due_ms = at;
            continue;
        }
        call->under_way = true;
        call->tries++;
        if (!call->exempt && !call->foreign) {
            struct route *r = route_named(rest, call->route);
            if (r) r->bucket->under_way++;
            rest->sent_ms[rest->sent++ % DISCORD_GLOBAL_MAX] = now_ms;
        }
        return call;
    }
    return NULL;
}

int64_t discord_rest_due(const discord_rest_t *rest)
{
    return rest->due_ms;
}

/* --- answers ----------------------------------------------------------------------------------------------------------- */

struct str discord_header(struct str headers, const char *name)
{
    while (headers.n) {
        struct str line = str_split(&headers, '\n');
        struct str value = line, key = str_split(&value, ':');
        if (str_ieq(str_trim(key), str_of(name))) return str_trim(value);
    }
    return (struct str){ 0 };
}

/* Seconds in ms, rounded up; nothing below 0, and no more than an hour. */
static int64_t to_ms(double seconds)
{
    if (!(seconds > 0)) return 0;
    return seconds < RETRY_AFTER_MAX_MS / 1000.0 ? (int64_t)(seconds * 1000) + 1 : RETRY_AFTER_MAX_MS;
}

static int64_t read_seconds(struct str s)
{
    char text[32];
    return str_copy(text, sizeof text, s) == 0 && text[0] ? to_ms(strtod(text, NULL)) : 0;
}

static void learn(struct discord_rest *rest, const struct discord_call *call, struct str headers, int64_t now_ms)
{
    struct str hash = discord_header(headers, "X-RateLimit-Bucket"), left = discord_header(headers, "X-RateLimit-Remaining");
    struct str major = major_of(str_of(call->route));
    int64_t remaining;
    char name[BUCKET_NAME_MAX];
    struct route *r = route_named(rest, call->route);
    if (!r) return;
    r->bucket->under_way--;
    if (!hash.n || str_to_int(left, &remaining) != 0) {
        if (!r->bucket->known)
            r->bucket->remaining = 1;
        else if (r->bucket->remaining > 0)
            r->bucket->remaining--; /* no answer, or one that says nothing: it may have counted */
        return;
    }
    snprintf(name, sizeof name, "%.*s:%.*s", STR_ARG(hash), STR_ARG(major));
    struct bucket *b = bucket_named(rest, name);
    if (!b) return;
    int64_t reset_ms = now_ms + read_seconds(discord_header(headers, "X-RateLimit-Reset-After"));
    bool newer = !b->known || reset_ms > b->reset_ms + SECOND_MS / 2;
    if (newer || remaining < b->remaining) b->remaining = remaining; /* answers may come out of order */
    if (reset_ms > b->reset_ms) b->reset_ms = reset_ms;
    b->known = true;
    if (r->bucket != b) {
        b->under_way += r->bucket->under_way; /* others of this route are counted there from now on */
        r->bucket->under_way = 0;
        r->bucket = b;
    }
}

static void note_invalid(struct discord_rest *rest, int status, struct str scope, int64_t now_ms)
{
    if (status != 401 && status != 403 && (status != 429 || str_is(scope, "shared"))) return;
    if (now_ms - rest->invalid_since_ms >= INVALID_WINDOW_MS) {
        rest->invalid_since_ms = now_ms;
        rest->invalid = 0;
    }
    rest->invalid++;
}

static void limited(struct discord_rest *rest, struct discord_call *call, const struct channel_response *a, int64_t now_ms)
{
    json_t *body = json_loadb(a->body.p ? a->body.p : "", a->body.n, 0, NULL);
    double seconds = json_number_value(json_object_get(body, "retry_after"));
    bool global = json_is_true(json_object_get(body, "global")) || str_ieq(discord_header(a->headers, "X-RateLimit-Global"), STR("true"));
    int64_t wait_ms = seconds > 0 ? to_ms(seconds) : read_seconds(discord_header(a->headers, "Retry-After"));
    json_decref(body);
    if (wait_ms <= 0) wait_ms = SECOND_MS;
    struct route *r = global ? NULL : route_named(rest, call->route);
    call->due_ms = now_ms + wait_ms;
    if (global && call->due_ms > rest->global_ms) rest->global_ms = call->due_ms;
    if (!r) return;
    r->bucket->remaining = 0;
    r->bucket->known = true;
    if (call->due_ms > r->bucket->reset_ms) r->bucket->reset_ms = call->due_ms;
}

static bool tries_again(struct discord_rest *rest, struct discord_call *call, const struct channel_response *a, int64_t now_ms,
                        uint64_t random)
{
    bool unsure = a->status == 0 || a->status >= 500;
    if (!unsure && a->status != 429) return false;
    if (call->tries_max && call->tries >= call->tries_max && unsure) return false;
    if (call->cheap) {
        if (!unsure) limited(rest, call, a, now_ms);
        return false;
    }
    if (!unsure) {
        limited(rest, call, a, now_ms);
        call->tries--; /* it was not carried out */
    } else {
        int64_t pause = BACKOFF_MS;
        for (int i = 1; i < call->tries && pause < BACKOFF_MAX_MS; i++) pause *= 2;
        if (pause > BACKOFF_MAX_MS) pause = BACKOFF_MAX_MS;
        call->due_ms = now_ms + pause + (int64_t)(random % (uint64_t)(pause / 5 + 1));
    }
    return !call->patience_ms || call->due_ms - call->born_ms <= call->patience_ms;
}

struct discord_call *discord_rest_answered(discord_rest_t *rest, const struct channel_response *response, int64_t now_ms, uint64_t random)
{
    struct discord_call *call;
    DL_FOREACH(rest->calls, call)
    {
        if (call->tag == response->tag) break;
    }
    if (!call || !call->under_way) return NULL;
    call->under_way = false;
    if (!call->exempt && !call->foreign) {
        learn(rest, call, response->headers, now_ms);
        note_invalid(rest, response->status, discord_header(response->headers, "X-RateLimit-Scope"), now_ms);
    }
    if (tries_again(rest, call, response, now_ms, random)) return NULL;
    take_out(rest, call);
    return call;
}
