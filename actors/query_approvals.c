/* exec.approvals.get and set: the list of commands that need no asking.
 *
 * OpenClaw keeps it in ~/.openclaw/exec-approvals.json wherever the state directory is. Here it is a file of the state
 * directory, as nothing else may be written; OpenClaw's is read as long as there is no other. */
#include <errno.h>
#include <limits.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/query_answers.h"
#include "actors/query_util.h"
#include "base/file.h"
#include "base/random.h"

enum { AGENTS_MAX = CONFIG_AGENTS_MAX, ALLOWLIST_MAX = 1000 };
#define RERUN "re-run exec.approvals.get and retry"

struct approvals_file {
    char path[PATH_MAX]; /* in the state directory */
    struct buf raw;      /* what is in force */
    bool exists;
    char from[PATH_MAX]; /* where raw was read */
    char hash[2 * SHA256_DIGEST_LENGTH + 1];
    json_t *root; /* an object; owned */
};

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void hash_of(struct str text, char out[2 * SHA256_DIGEST_LENGTH + 1])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)(text.p ? text.p : ""), text.n, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

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
    hash_of(buf_str(&f->raw), f->hash);
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

/* Copies into `to` what `from` has of `keys`. With `call` anything else is refused; without, it is left out. */
static int copy_keys(struct rpc_call *call, const char *where, const json_t *from, const struct key *keys, json_t *to)
{
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)from, name, v)
    {
        const struct key *k = keys;
        while (k->name && strcmp(k->name, name) != 0) k++;
        const char *fault = k->name ? fault_of(k, v) : NULL;
        if (k->name && !fault && json_object_set(to, name, v) != 0) return GW_ENOMEM;
        if (call && fault) return rpc_fail(call, "INVALID_REQUEST", "invalid exec.approvals.set params: at %s/%s: %s", where, name, fault);
        if (call && !k->name && strcmp(name, "allowlist") != 0)
            return rpc_fail(call, "INVALID_REQUEST", "invalid exec.approvals.set params: at %s: unexpected property '%s'", where, name);
    }
    return 0;
}

static int not_this(struct rpc_call *call, const char *where, const char *fault)
{
    return call ? rpc_fail(call, "INVALID_REQUEST", "invalid exec.approvals.set params: at %s: %s", where, fault) : 0;
}

/* One entry; a pattern alone counts as one. Without an id it gets one. */
static int copy_entry(struct rpc_call *call, const char *where, const json_t *from, json_t *list)
{
    char uuid[RANDOM_UUID_SIZE];
    if (!json_is_string(from) && !json_is_object(from)) return not_this(call, where, "must be object");
    json_t *to = json_object();
    if (!to || json_array_append_new(list, to) != 0) return GW_ENOMEM;
    if (json_is_string(from)) json_object_set(to, "pattern", (json_t *)from);
    int rc = json_is_object(from) ? copy_keys(call, where, from, entry_keys, to) : 0;
    if (rc != 0 || json_object_get(to, "id")) return rc;
    random_uuid(uuid);
    return json_object_set_new(to, "id", json_string(uuid)) ? GW_ENOMEM : 0;
}

static int copy_allowlist(struct rpc_call *call, const char *where, const json_t *from, json_t *agent)
{
    char at[256];
    size_t i;
    const json_t *v;
    snprintf(at, sizeof at, "%s/allowlist", where);
    if (!json_is_array(from)) return not_this(call, at, "must be array");
    if (json_array_size(from) > ALLOWLIST_MAX) return not_this(call, at, "must NOT have more than 1000 items");
    json_t *list = json_array();
    if (!list || json_object_set_new(agent, "allowlist", list) != 0) return GW_ENOMEM;
    json_array_foreach(from, i, v)
    {
        snprintf(at, sizeof at, "%s/allowlist/%zu", where, i);
        int rc = copy_entry(call, at, v, list);
        if (rc != 0) return rc;
    }
    return 0;
}

static int copy_agents(struct rpc_call *call, const json_t *from, json_t *to)
{
    char where[128];
    const char *id;
    json_t *v;
    if (from && !json_is_object(from)) return not_this(call, "/file/agents", "must be object");
    if (json_object_size(from) > AGENTS_MAX) return not_this(call, "/file/agents", "must NOT have more than 1000 properties");
    json_object_foreach((json_t *)from, id, v)
    {
        snprintf(where, sizeof where, "/file/agents/%.64s", id);
        if (!json_is_object(v)) {
            int rc = not_this(call, where, "must be object");
            if (rc != 0) return rc;
            continue;
        }
        json_t *agent = json_object();
        if (!agent || json_object_set_new(to, id, agent) != 0) return GW_ENOMEM;
        int rc = copy_keys(call, where, v, policy_keys, agent);
        if (rc == 0 && json_object_get(v, "allowlist")) rc = copy_allowlist(call, where, json_object_get(v, "allowlist"), agent);
        if (rc != 0) return rc;
    }
    return 0;
}

/* The whole file in order, of what is known. @param call  NULL: leave out what is wrong  @param socket  the file's own part */
static int arrange(struct rpc_call *call, const json_t *from, const json_t *socket, json_t **out)
{
    json_t *root = *out = json_object(), *defaults = json_object(), *agents = json_object(), *kept = json_object();
    const json_t *given = json_object_get(from, "defaults");
    int failed = json_object_set_new(root, "version", json_integer(1)) | json_object_set_new(root, "socket", kept) |
                 json_object_set_new(root, "defaults", defaults) | json_object_set_new(root, "agents", agents);
    if (failed) return GW_ENOMEM;
    if (json_is_string(json_object_get(socket, "path"))) json_object_set(kept, "path", json_object_get(socket, "path"));
    if (json_is_string(json_object_get(socket, "token"))) json_object_set(kept, "token", json_object_get(socket, "token"));
    if (given && !json_is_object(given)) {
        int rc = not_this(call, "/file/defaults", "must be object");
        if (rc != 0) return rc;
    } else if (given) {
        int rc = copy_keys(call, "/file/defaults", given, policy_keys, defaults);
        if (rc != 0) return rc;
    }
    return copy_agents(call, json_object_get(from, "agents"), agents);
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
    hash_of(buf_str(&f->raw), f->hash);
    return 0;
}

static int check_file(struct rpc_call *call, const json_t *given)
{
    const char *name;
    const json_t *v;
    if (!json_is_object(given)) return not_this(call, "/file", "must be object");
    if (!json_is_integer(json_object_get(given, "version")) || json_integer_value(json_object_get(given, "version")) != 1)
        return not_this(call, "/file/version", "must be equal to constant");
    json_object_foreach((json_t *)given, name, v)
    {
        if (is_word("version|socket|defaults|agents", name)) continue;
        return rpc_fail(call, "INVALID_REQUEST", "invalid exec.approvals.set params: at /file: unexpected property '%s'", name);
    }
    return 0;
}

static int approvals_set(struct rpc_call *call)
{
    struct approvals_file *f;
    const json_t *given = json_object_get(call->params, "file");
    json_t *file = NULL;
    int rc = open_file(call, &f);
    if (rc == 0) rc = check_base(call, f);
    if (rc == 0) rc = check_file(call, given);
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
