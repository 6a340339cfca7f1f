/* exec.approvals.get and set: the list of commands that need no asking.
 *
 * OpenClaw keeps it in ~/.openclaw/exec-approvals.json wherever the state directory is. Here it is a file of the state
 * directory, as nothing else may be written; OpenClaw's is read as long as there is no other. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/query_answers.h"
#include "actors/query_util.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/random.h"

#define RERUN "re-run exec.approvals.get and retry"

struct approvals_file {
    char path[PATH_MAX]; /* in the state directory */
    struct buf raw;      /* what is in force */
    bool exists;
    char from[PATH_MAX]; /* where raw was read */
    char hash[HEX_SHA256_SIZE];
    json_t *root; /* an object; owned */
};

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int read_raw(struct approvals_file *f, const config_t *config)
{
    const char *home = getenv("HOME");
    int n = snprintf(f->path, sizeof f->path, "%.*s/exec-approvals.json", STR_ARG(config_state(config)));
    if (n < 0 || (size_t)n >= sizeof f->path) return GW_ELIMIT;
    memcpy(f->from, f->path, (size_t)n + 1);
    int rc = file_read(f->path, QUERY_APPROVALS_FILE_MAX, &f->raw);
    if (rc != GW_ENOENT || !home || !home[0]) return rc;
    n = snprintf(f->from, sizeof f->from, "%s/.openclaw/exec-approvals.json", home);
    rc = n < 0 || (size_t)n >= sizeof f->from ? GW_ENOENT : file_read(f->from, QUERY_APPROVALS_FILE_MAX, &f->raw);
    if (rc != 0) memcpy(f->from, f->path, sizeof f->from);
    return rc == GW_EDENIED ? GW_ENOENT : rc; /* somebody else's home is none of ours */
}

static int open_file(struct rpc_call *call, struct approvals_file **out)
{
    struct approvals_file *f = *out = calloc(1, sizeof *f);
    if (!f) return GW_ENOMEM;
    int rc = read_raw(f, call->config);
    f->exists = rc == 0;
    if (rc != 0 && rc != GW_ENOENT) return rpc_fail(call, "UNAVAILABLE", "%s cannot be read: %s", f->from, err_text(rc));
    hex_sha256(buf_str(&f->raw), f->hash);
    f->root = f->exists ? json_loadb(f->raw.p ? f->raw.p : "", f->raw.n, 0, NULL) : NULL;
    if (f->exists && !json_is_object(f->root)) { /* an unreadable list allows nothing; setting a new one repairs it */
        json_decref(f->root);
        f->root = NULL;
    }
    if (!f->root) f->root = json_object();
    return f->root ? 0 : GW_ENOMEM;
}

static void close_file(struct approvals_file *f)
{
    if (!f) return;
    json_decref(f->root);
    buf_free(&f->raw);
    free(f);
}

/* --- its shape: {version, socket{path, token}, defaults{...}, agents{<id>{..., allowlist[{id, pattern, ...}]}}} ------ */

struct key {
    const char *name;
    const char *words; /* the values it may have, "a|b"; NULL: any string; "": a boolean; "0": a number */
};
static const struct key policy_keys[] = {
    { "security", "deny|allowlist|full" },
    { "ask", "off|on-miss|always" },
    { "askFallback", "deny|allowlist|full" },
    { "autoAllowSkills", "" },
    { NULL, NULL },
};
static const struct key entry_keys[] = {
    { "id", NULL }, { "pattern", NULL }, { "lastUsedAt", "0" }, { "lastUsedCommand", NULL }, { "lastResolvedPath", NULL }, { NULL, NULL },
};

static const struct key socket_keys[] = { { "path", NULL }, { "token", NULL }, { NULL, NULL } };

static bool is_word(const char *words, const char *value)
{
    for (struct str rest = str_of(words); rest.p;)
        if (str_is(str_split(&rest, '|'), value)) return true;
    return false;
}

static const char *fault_of(const struct key *k, const json_t *v)
{
    if (k->words && !k->words[0]) return json_is_boolean(v) ? NULL : "must be boolean";
    if (k->words && strcmp(k->words, "0") == 0) return json_is_number(v) ? NULL : "must be number";
    if (!json_is_string(v)) return "must be string";
    return !k->words || is_word(k->words, json_string_value(v)) ? NULL : "must be equal to one of the allowed values";
}

/* Copies into `to` what `from` has of `keys`; what is of another kind is left out.
 * @param call  not NULL: a word that means nothing is refused */
static int copy_keys(struct rpc_call *call, const char *where, const json_t *from, const struct key *keys, json_t *to)
{
    for (const struct key *k = keys; k->name; k++) {
        json_t *v = json_object_get(from, k->name);
        const char *fault = v ? fault_of(k, v) : NULL;
        if (call && fault)
            return rpc_fail(call, "INVALID_REQUEST", "invalid exec.approvals.set params: at %s/%s: %s", where, k->name, fault);
        if (v && !fault && json_object_set(to, k->name, v) != 0) return GW_ENOMEM;
    }
    return 0;
}

/* One entry, its members in the order they came; a pattern alone counts as one. Without an id it gets one. */
static int copy_entry(const json_t *from, json_t *list)
{
    char uuid[RANDOM_UUID_SIZE];
    const char *name;
    json_t *v;
    bool text = json_is_string(from);
    if (!text && !json_is_string(json_object_get(from, "pattern"))) return 0;
    json_t *to = json_object();
    if (!to || json_array_append_new(list, to) != 0) return GW_ENOMEM;
    if (text) json_object_set(to, "pattern", (json_t *)from);
    json_object_foreach((json_t *)from, name, v)
    {
        const struct key *k = entry_keys;
        while (k->name && strcmp(k->name, name) != 0) k++;
        if (k->name && !fault_of(k, v) && json_object_set(to, name, v) != 0) return GW_ENOMEM;
    }
    if (json_object_get(to, "id")) return 0;
    random_uuid(uuid);
    return json_object_set_new(to, "id", json_string(uuid)) ? GW_ENOMEM : 0;
}

static int copy_agent(struct rpc_call *call, const char *id, const json_t *from, json_t *to)
{
    char where[128];
    size_t i;
    const json_t *entry, *given = json_object_get(from, "allowlist");
    snprintf(where, sizeof where, "/file/agents/%.64s", id);
    int rc = copy_keys(call, where, from, policy_keys, to);
    if (rc != 0 || !json_is_array(given)) return rc;
    json_t *list = json_array();
    if (!list || json_object_set_new(to, "allowlist", list) != 0) return GW_ENOMEM;
    json_array_foreach(given, i, entry)
    {
        rc = copy_entry(entry, list);
        if (rc != 0) return rc;
    }
    return 0;
}

/* The whole file in its order, of what is known. @param call  as copy_keys()  @param socket  of the file on disk: nobody else sets it
 * @param out  owned by the caller, also on failure */
static int arrange(struct rpc_call *call, const json_t *from, const json_t *socket, json_t **out)
{
    json_t *root = *out = json_object(), *defaults = json_object(), *agents = json_object(), *kept = json_object();
    const char *id;
    json_t *v;
    int failed = json_object_set_new(root, "version", json_integer(1)) | json_object_set_new(root, "socket", kept) |
                 json_object_set_new(root, "defaults", defaults) | json_object_set_new(root, "agents", agents);
    if (failed) return GW_ENOMEM;
    int rc = copy_keys(NULL, "", socket, socket_keys, kept);
    if (rc == 0) rc = copy_keys(call, "/file/defaults", json_object_get(from, "defaults"), policy_keys, defaults);
    json_object_foreach(json_object_get(from, "agents"), id, v)
    {
        if (rc != 0 || !json_is_object(v)) continue;
        json_t *agent = json_object();
        if (!agent || json_object_set_new(agents, id, agent) != 0) return GW_ENOMEM;
        rc = copy_agent(call, id, v, agent);
    }
    return rc;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* The socket's token is nobody's business. */
static void answer(struct rpc_call *call, const char *path, bool exists, const char *hash, json_t *file)
{
    json_object_del(json_object_get(file, "socket"), "token");
    buf_char(call->out, '{');
    buf_json_pair_str(call->out, "path", str_of(path));
    buf_json_pair_bool(call->out, "exists", exists);
    buf_json_pair_str(call->out, "hash", str_of(hash));
    buf_json_key(call->out, "file");
    query_json(call->out, file);
    buf_char(call->out, '}');
}

static int approvals_get(struct rpc_call *call)
{
    struct approvals_file *f;
    json_t *file = NULL;
    int rc = open_file(call, &f);
    if (rc == 0) rc = arrange(NULL, f->root, json_object_get(f->root, "socket"), &file);
    if (rc == 0) answer(call, f->from, f->exists, f->hash, file);
    json_decref(file);
    close_file(f);
    return rc;
}

/* What is written must follow from what the client saw. */
static int check_base(struct rpc_call *call, const struct approvals_file *f)
{
    struct str base = rpc_str(call, "baseHash");
    if (!f->exists) return 0;
    if (!base.n) return rpc_fail(call, "INVALID_REQUEST", "exec approvals base hash required; " RERUN);
    if (!str_is(base, f->hash)) return rpc_fail(call, "INVALID_REQUEST", "exec approvals changed since last load; " RERUN);
    return 0;
}

static int write_file(struct rpc_call *call, struct approvals_file *f, const json_t *file)
{
    int error = 0;
    char *text = json_dumps(file, JSON_INDENT(2));
    if (!text) return GW_ENOMEM;
    buf_clear(&f->raw);
    buf_text(&f->raw, text);
    buf_char(&f->raw, '\n');
    free(text);
    if (f->raw.err) return f->raw.err;
    if (f->raw.n > QUERY_APPROVALS_FILE_MAX)
        return rpc_fail(call, "INVALID_REQUEST", "the list is larger than QUERY_APPROVALS_FILE_MAX (%d bytes)", QUERY_APPROVALS_FILE_MAX);
    if (query_write_file(f->path, buf_str(&f->raw), 0600, &error) != 0)
        return rpc_fail(call, "UNAVAILABLE", "%s cannot be written: %s", f->path, strerror(error));
    hex_sha256(buf_str(&f->raw), f->hash);
    return 0;
}

static int approvals_set(struct rpc_call *call)
{
    struct approvals_file *f;
    const json_t *given = json_object_get(call->params, "file");
    json_t *file = NULL;
    int rc = open_file(call, &f);
    if (rc == 0) rc = check_base(call, f);
    if (rc == 0) rc = arrange(call, given, json_object_get(f->root, "socket"), &file);
    if (rc == 0) rc = write_file(call, f, file);
    if (rc == 0) answer(call, f->path, true, f->hash, file);
    json_decref(file);
    close_file(f);
    return rc;
}

const struct rpc_handler query_approvals_handlers[] = {
    { RPC_exec_approvals_get, approvals_get },
    { RPC_exec_approvals_set, approvals_set },
    { RPC_none, NULL },
};
