#include "channels/approvals.h"

#include <stdlib.h>

#include "base/random.h"

static const char *const decisions[] = { NULL, "allow-once", "allow-always", "deny" };
enum { DECISIONS = sizeof decisions / sizeof *decisions };

struct entry {
    struct approval shown; /* first: a caller's pointer is the entry's */
    bool used;
    int64_t settled_ms;
    struct buf request; /* JSON object, as it is told */
};

struct approvals {
    struct entry entries[APPROVALS_MAX];
};

int approvals_create(approvals_t **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? 0 : GW_ENOMEM;
}

static void forget(struct entry *e)
{
    buf_free(&e->request);
    *e = (struct entry){ .used = false };
}

void approvals_destroy(approvals_t **approvals_p)
{
    approvals_t *a = *approvals_p;
    *approvals_p = NULL;
    for (size_t i = 0; a && i < APPROVALS_MAX; i++) forget(&a->entries[i]);
    free(a);
}

/* What the time does: the end of waiting, and of remembering. */
static void look(struct entry *e, int64_t now_ms)
{
    struct approval *a = &e->shown;
    if (e->used && !a->settled && now_ms >= a->expires_ms) {
        a->settled = true;
        e->settled_ms = a->expires_ms;
    }
    if (e->used && a->settled && now_ms >= e->settled_ms + APPROVALS_KEPT_MS) forget(e);
}

static struct entry *find(approvals_t *approvals, struct str id, int64_t now_ms)
{
    struct entry *found = NULL;
    for (size_t i = 0; i < APPROVALS_MAX; i++) {
        struct entry *e = &approvals->entries[i];
        look(e, now_ms);
        if (e->used && str_is(id, e->shown.id)) found = e;
    }
    return found;
}

static void add_text(struct buf *out, const char *key, struct str value)
{
    buf_json_key(out, key);
    if (value.p)
        buf_json_str(out, value);
    else
        buf_text(out, "null");
}

static int write_request(const struct approval_request *r, struct buf *out)
{
    const size_t bytes =
        r->command.n + r->cwd.n + r->host.n + r->security.n + r->ask.n + r->agent_id.n + r->resolved_path.n + r->session_key.n;
    if (bytes > APPROVALS_TEXT_MAX) return GW_ELIMIT;
    buf_char(out, '{');
    add_text(out, "command", r->command);
    add_text(out, "cwd", r->cwd);
    add_text(out, "host", r->host);
    add_text(out, "security", r->security);
    add_text(out, "ask", r->ask);
    add_text(out, "agentId", r->agent_id);
    add_text(out, "resolvedPath", r->resolved_path);
    add_text(out, "sessionKey", r->session_key);
    buf_char(out, '}');
    return out->err;
}

static struct entry *free_entry(approvals_t *approvals)
{
    for (size_t i = 0; i < APPROVALS_MAX; i++)
        if (!approvals->entries[i].used) return &approvals->entries[i];
    return NULL;
}

int approvals_add(approvals_t *approvals, const struct approval_request *r, int64_t now_ms, const struct approval **out)
{
    int64_t wait = r->timeout_ms > 0 ? r->timeout_ms : APPROVALS_TIMEOUT_MS;
    char id[RANDOM_UUID_SIZE];
    random_uuid(id);
    struct str name = r->id.n ? r->id : str_of(id);
    *out = NULL;
    if (name.n > APPROVALS_ID_MAX) return GW_ELIMIT;
    if (find(approvals, name, now_ms)) return GW_EEXIST; /* which also forgets what is over */
    struct entry *e = free_entry(approvals);
    if (!e) return GW_EFULL;
    int rc = write_request(r, &e->request);
    if (rc != 0) {
        forget(e);
        return rc;
    }
    e->used = true;
    str_copy(e->shown.id, sizeof e->shown.id, name); /* it fits: checked above */
    e->shown.created_ms = now_ms;
    e->shown.expires_ms = now_ms + (wait < APPROVALS_TIMEOUT_MAX_MS ? wait : APPROVALS_TIMEOUT_MAX_MS);
    *out = &e->shown;
    return 0;
}

const struct approval *approvals_find(approvals_t *approvals, struct str id, int64_t now_ms)
{
    struct entry *e = find(approvals, id, now_ms);
    return e ? &e->shown : NULL;
}

int approvals_decide(approvals_t *approvals, struct str id, enum approval_decision decision, int64_t now_ms)
{
    struct entry *e = find(approvals, id, now_ms);
    if (!e || e->shown.settled) return GW_ENOENT;
    e->shown.settled = true;
    e->shown.decision = decision;
    e->settled_ms = now_ms;
    return 0;
}

enum approval_decision approval_decision_parse(struct str text)
{
    for (size_t i = 1; i < DECISIONS; i++)
        if (str_is(text, decisions[i])) return (enum approval_decision)i;
    return APPROVAL_NONE;
}

static void add_times(const struct approval *a, struct buf *out)
{
    buf_json_pair_int(out, "createdAtMs", a->created_ms);
    buf_json_pair_int(out, "expiresAtMs", a->expires_ms);
    buf_char(out, '}');
}

void approval_write_accepted(const struct approval *a, struct buf *out)
{
    buf_text(out, "{\"status\":\"accepted\"");
    buf_json_pair_str(out, "id", str_of(a->id));
    add_times(a, out);
}

void approval_write_decision(const struct approval *a, struct buf *out)
{
    buf_char(out, '{');
    buf_json_pair_str(out, "id", str_of(a->id));
    add_text(out, "decision", str_of(decisions[a->decision]));
    add_times(a, out);
}

void approval_write_requested(const struct approval *a, struct buf *out)
{
    buf_char(out, '{');
    buf_json_pair_str(out, "id", str_of(a->id));
    buf_json_key(out, "request");
    buf_add(out, buf_str(&((const struct entry *)a)->request));
    add_times(a, out);
}

void approval_write_resolved(const struct approval *a, struct str by, int64_t now_ms, struct buf *out)
{
    buf_char(out, '{');
    buf_json_pair_str(out, "id", str_of(a->id));
    add_text(out, "decision", str_of(decisions[a->decision]));
    buf_json_pair_str(out, "resolvedBy", by);
    buf_json_pair_int(out, "ts", now_ms);
    buf_char(out, '}');
}
