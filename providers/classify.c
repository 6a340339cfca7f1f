#include "providers/classify.h"

#include <time.h>

#include "providers/wire.h"

enum { NESTED_MAX = 3 }; /* error in a gateway's error in a gateway's error */

/* What an error answer says about itself; strings borrowed from its JSON. */
struct facts {
    int status;
    enum failure strong; /* from a code that says more than a status */
    enum failure weak;   /* from a code that repeats one */
    enum failure known;  /* from a known text */
    int64_t retry_after_ms;
    struct str message;
};

/* Code words, in lower case; those that are strong decide over the status. */
static const struct code {
    const char *word;
    enum failure class;
    bool strong;
} codes[] = {
    { "insufficient_quota", FAILURE_billing, true },
    { "billing_error", FAILURE_billing, true },
    { "billing_hard_limit_reached", FAILURE_billing, true },
    { "billing_not_active", FAILURE_billing, true },
    { "insufficient_balance", FAILURE_billing, true },
    { "insufficient_credits", FAILURE_billing, true },
    { "insufficient_user_quota", FAILURE_billing, true },
    { "payment_required", FAILURE_billing, true },
    { "billing_disabled", FAILURE_billing, true },
    { "invalid_api_key", FAILURE_auth, true },
    { "api_key_invalid", FAILURE_auth, true },
    { "api_key_expired", FAILURE_auth, true },
    { "api_key_service_blocked", FAILURE_auth, true },
    { "service_disabled", FAILURE_auth, true },
    { "account_deactivated", FAILURE_auth, true },
    { "authentication_error", FAILURE_auth, true },
    { "unauthenticated", FAILURE_auth, true },
    { "permission_denied", FAILURE_auth, true },
    { "permission_error", FAILURE_auth, true },
    { "failed_precondition", FAILURE_auth, true }, /* Google: region or account is not served */
    { "context_length_exceeded", FAILURE_context_overflow, true },
    { "context_window_exceeded", FAILURE_context_overflow, true },
    { "model_context_window_exceeded", FAILURE_context_overflow, true },
    { "exceed_context_size_error", FAILURE_context_overflow, true },
    { "string_above_max_length", FAILURE_context_overflow, true },
    { "request_too_large", FAILURE_context_overflow, true },
    { "model_not_found", FAILURE_unknown_model, true },
    { "model_decommissioned", FAILURE_unknown_model, true },
    { "model_not_available", FAILURE_unknown_model, true },
    { "invalid_model", FAILURE_unknown_model, true },
    { "unknown_model", FAILURE_unknown_model, true },
    { "unsupported_model", FAILURE_unknown_model, true },
    { "not_found_error", FAILURE_unknown_model, true },
    { "rate_limit_exceeded", FAILURE_rate_limit, true },
    { "rate_limit_error", FAILURE_rate_limit, true },
    { "resource_exhausted", FAILURE_rate_limit, true },
    { "too_many_requests", FAILURE_rate_limit, true },
    { "overloaded_error", FAILURE_overloaded, true },
    { "overloaded", FAILURE_overloaded, true },
    { "engine_overloaded", FAILURE_overloaded, true },
    { "server_overloaded", FAILURE_overloaded, true },
    { "slow_down", FAILURE_overloaded, true },
    { "unavailable", FAILURE_overloaded, false },
    { "service_unavailable", FAILURE_overloaded, false },
    { "timeout_error", FAILURE_timeout, true },
    { "deadline_exceeded", FAILURE_timeout, false },
    { "request_timeout", FAILURE_timeout, false },
    { "not_found", FAILURE_unknown_model, false },
    { "server_error", FAILURE_server, false },
    { "api_error", FAILURE_server, false },
    { "internal", FAILURE_server, false },
    { "internal_server_error", FAILURE_server, false },
    { "internal_error", FAILURE_server, false },
    { "invalid_request_error", FAILURE_bad_request, false },
    { "invalid_argument", FAILURE_bad_request, false },
    { "bad_request", FAILURE_bad_request, false },
};

/* Texts that some providers send without a code of their own. */
static const struct phrase {
    const char *text; /* lower case */
    enum failure class;
} phrases[] = {
    { "prompt is too long", FAILURE_context_overflow },
    { "input is too long", FAILURE_context_overflow },
    { "maximum context length", FAILURE_context_overflow },
    { "context length exceeded", FAILURE_context_overflow },
    { "exceeds the context", FAILURE_context_overflow },
    { "exceeds the available context", FAILURE_context_overflow },
    { "exceed context limit", FAILURE_context_overflow },
    { "greater than the context length", FAILURE_context_overflow },
    { "exceeds the maximum number of tokens", FAILURE_context_overflow },
    { "maximum prompt length", FAILURE_context_overflow },
    { "reduce the length of the messages", FAILURE_context_overflow },
    { "credit balance is too low", FAILURE_billing },
    { "insufficient credits", FAILURE_billing },
    { "insufficient balance", FAILURE_billing },
    { "api key not valid", FAILURE_auth },
    { "is not a valid model id", FAILURE_unknown_model },
};

enum failure classify_status(int http_status)
{
    switch (http_status) {
    case 401:
    case 403: return FAILURE_auth;
    case 402: return FAILURE_billing;
    case 404: return FAILURE_unknown_model;
    case 408: return FAILURE_timeout;
    case 413: return FAILURE_context_overflow;
    case 409:
    case 425:
    case 499: return FAILURE_server; /* conflict, too early, cancelled on their side: another try may do */
    case 429: return FAILURE_rate_limit;
    case 498: /* Groq: no capacity */
    case 503:
    case 529: return FAILURE_overloaded;
    default: break;
    }
    if (http_status >= 200 && http_status < 300) return FAILURE_none;
    return http_status >= 400 && http_status < 500 ? FAILURE_bad_request : FAILURE_server;
}

static const struct code *find(struct str word)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (str_ieq(word, str_of(codes[i].word))) return &codes[i];
    return NULL;
}

enum failure classify_code(struct str code)
{
    const struct code *c = find(code);
    return c ? c->class : FAILURE_none;
}

static void note_code(struct facts *f, struct str word)
{
    const struct code *c = find(word);
    if (!c) return;
    enum failure *slot = c->strong ? &f->strong : &f->weak;
    if (*slot == FAILURE_none || c->class == FAILURE_billing) *slot = c->class;
}

static bool contains(struct str text, const char *lower)
{
    size_t n = strlen(lower);
    for (size_t i = 0; i + n <= text.n; i++)
        if (str_ieq((struct str){ text.p + i, n }, (struct str){ lower, n })) return true;
    return false;
}

static void note_message(struct facts *f, struct str message)
{
    if (message.n == 0) return;
    f->message = message;
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases && f->known == FAILURE_none; i++)
        if (contains(message, phrases[i].text)) f->known = phrases[i].class;
}

/* A code field: a word, or a number that is a status (OpenRouter, Google), also as a string. */
static void note_code_field(struct facts *f, const json_t *code)
{
    struct str word = json_text(code);
    int64_t number = json_is_integer(code) ? json_integer_value(code) : 0;
    if (word.n == 3) str_to_int(word, &number);
    if (number >= 400 && number < 600 && classify_status(f->status) == FAILURE_none) f->status = (int)number;
    note_code(f, word);
}

/* google.protobuf.Duration as JSON: "12.5s". */
static int64_t duration_ms(struct str s)
{
    if (!str_ends(s, STR("s"))) return -1;
    return classify_retry_after((struct str){ s.p, s.n - 1 }, 0);
}

/* google.rpc.Status.details: ErrorInfo has a reason, RetryInfo a delay. */
static void note_details(struct facts *f, const json_t *details)
{
    size_t i;
    json_t *item;
    if (!json_is_array(details)) return;
    json_array_foreach((json_t *)details, i, item)
    {
        note_code(f, json_str(item, "reason"));
        int64_t delay = duration_ms(json_str(item, "retryDelay"));
        if (delay >= 0) f->retry_after_ms = delay;
    }
}

static void note_error(struct facts *f, const json_t *error);

/* A gateway's error: `raw` is what the provider behind it said, as text or JSON. Its tree ends here, so its message is
 * copied to *raw_text. */
static void note_metadata(struct facts *f, const json_t *metadata, struct buf *raw_text)
{
    struct str text = json_str(metadata, "raw");
    if (text.n == 0) return;
    json_t *raw = wire_parse(text);
    struct facts inner = { .status = f->status, .retry_after_ms = f->retry_after_ms };
    const json_t *error = json_object_get(raw, "error");
    if (json_is_object(raw)) note_error(&inner, json_is_object(error) ? error : raw);
    if (inner.message.n == 0) note_message(&inner, json_is_object(raw) ? json_str(raw, "error") : text);
    buf_clear(raw_text);
    buf_add(raw_text, inner.message);
    f->retry_after_ms = inner.retry_after_ms;
    if (inner.strong != FAILURE_none) f->strong = inner.strong;
    if (inner.known != FAILURE_none) f->known = inner.known;
    json_decref(raw);
}

static void note_error(struct facts *f, const json_t *error)
{
    note_code(f, json_str(error, "type"));
    note_code(f, json_str(error, "status"));
    note_code_field(f, json_object_get(error, "code"));
    note_details(f, json_object_get(error, "details"));
    note_message(f, json_str(error, "message"));
}

/* The object that describes the error, through the wrappers in use. */
static const json_t *error_of(const json_t *root)
{
    for (int depth = 0; depth < NESTED_MAX; depth++) {
        if (json_is_array(root)) root = json_array_get(root, 0);
        const json_t *inner = json_object_get(root, "error");
        if (!json_is_object(inner)) break;
        root = inner;
    }
    return root;
}

static enum failure decide(const struct facts *f)
{
    enum failure by_status = classify_status(f->status);
    bool vague = by_status == FAILURE_none || by_status == FAILURE_bad_request || by_status == FAILURE_server || f->status == 413;
    if (f->strong == FAILURE_billing || f->strong == FAILURE_context_overflow) return f->strong;
    /* a 503 that says "rate limit" is one, but a 401 with a word like not_found_error stays a 401 */
    if (f->strong != FAILURE_none && (vague || f->status == 429 || f->status == 503 || f->status == 529)) return f->strong;
    if (f->known != FAILURE_none && vague) return f->known;
    if (f->known == FAILURE_billing && (f->status == 403 || f->status == 429)) return f->known;
    if (by_status != FAILURE_none) return by_status;
    return f->weak != FAILURE_none ? f->weak : FAILURE_server;
}

static void write_text(struct buf *text, int http_status, const struct facts *f, struct str raw)
{
    if (http_status >= 300) buf_printf(text, "HTTP %d: ", http_status);
    wire_clean(text, f->message.n > 0 ? f->message : STR("the provider gave no reason"));
    if (raw.n > 0 && !str_eq(raw, f->message)) {
        buf_text(text, ": ");
        wire_clean(text, raw);
    }
}

void classify_json(const json_t *root, int http_status, struct model_failure *out, struct buf *text)
{
    struct facts f = { .status = http_status, .retry_after_ms = -1 };
    struct buf raw = { .max = PROVIDER_ERROR_BODY_MAX };
    const json_t *error = error_of(root);
    note_error(&f, error);
    if (f.message.n == 0) note_message(&f, json_text(error)); /* ["text"] and "text" */
    if (f.message.n == 0) note_message(&f, json_str(error, "error"));
    if (f.message.n == 0) note_message(&f, json_str(error, "detail"));
    note_metadata(&f, json_object_get(error, "metadata"), &raw);
    *out = (struct model_failure){ .class = decide(&f), .http_status = http_status, .retry_after_ms = f.retry_after_ms };
    write_text(text, http_status, &f, buf_str(&raw));
    out->text = buf_str(text);
    buf_free(&raw);
}

/* The title of an HTML page, which proxies answer with; else the text itself. */
static struct str gist(struct str body)
{
    body = str_trim(body);
    if (body.n == 0 || body.p[0] != '<') return body;
    ptrdiff_t from = str_find(body, STR("<title>")), to = str_find(body, STR("</title>"));
    if (from < 0 || to < from + 7) return STR("the answer is a web page, not JSON: check the base URL");
    return str_trim((struct str){ body.p + from + 7, (size_t)(to - from - 7) });
}

void classify_failure(int http_status, struct str body, struct model_failure *out, struct buf *text)
{
    json_t *root = wire_parse(body);
    if (json_is_object(root) || json_is_array(root)) {
        classify_json(root, http_status, out, text);
    } else {
        struct facts f = { .status = http_status, .retry_after_ms = -1 };
        note_message(&f, root ? json_text(root) : gist(body));
        *out = (struct model_failure){ .class = decide(&f), .http_status = http_status, .retry_after_ms = -1 };
        write_text(text, http_status, &f, STR(""));
        out->text = buf_str(text);
    }
    json_decref(root);
}

/* The three forms of RFC 9110, section 5.6.7: IMF-fixdate, RFC 850, asctime. */
static int64_t date_ms(const char *text)
{
    static const char *const forms[] = { "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y" };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm = { 0 };
        const char *end = strptime(text, forms[i], &tm);
        if (end && *end == '\0') return (int64_t)timegm(&tm) * 1000;
    }
    return -1;
}

/* Digits with an optional fraction, as milliseconds; -1 when it is something else. */
static int64_t seconds_ms(struct str value)
{
    struct str fraction = value, whole = str_split(&fraction, '.');
    int64_t seconds = 0, ms = 0, scale = 100;
    if (whole.n == 0 || whole.p[0] == '-') return -1;
    for (size_t i = 0; i < whole.n; i++) {
        if (whole.p[i] < '0' || whole.p[i] > '9') return -1;
        if (seconds <= CLASSIFY_RETRY_MAX_S) seconds = seconds * 10 + (whole.p[i] - '0');
    }
    for (size_t i = 0; i < fraction.n; i++, scale /= 10) {
        if (fraction.p[i] < '0' || fraction.p[i] > '9') return -1;
        ms += (fraction.p[i] - '0') * scale;
    }
    return seconds * 1000 + ms;
}

int64_t classify_retry_after(struct str value, int64_t now_ms)
{
    const int64_t max = (int64_t)CLASSIFY_RETRY_MAX_S * 1000;
    char text[64];
    value = str_trim(value);
    int64_t ms = seconds_ms(value);
    if (ms < 0) {
        if (value.n == 0 || str_copy(text, sizeof text, value) != 0) return -1;
        int64_t at = date_ms(text);
        if (at < 0) return -1;
        ms = at > now_ms ? at - now_ms : 0;
    }
    return ms < max ? ms : max;
}
