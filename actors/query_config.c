#include "actors/query_config.h"

#include <limits.h>
#include <unistd.h>

#include "base/config_edit.h"
#include "base/config_json_schema.h"
#include "base/config_redact.h"
#include "base/config_shared.h"
#include "base/config_view.h"
#include "base/config_write.h"
#include "base/file.h"

/* The file as it is now, and what is to become of it. */
struct change {
    struct rpc_call *call;
    struct env env;
    char path[PATH_MAX];
    bool exists;
    struct buf text;     /* the file's */
    config_t *config;    /* made of it, also when it has errors; NULL: it has none */
    bool valid;          /* it has no errors */
    struct buf fresh;    /* what it is to hold */
    config_t *resulting; /* made of that; no errors */
};

static void free_change(struct change *c)
{
    config_unref(&c->config);
    config_unref(&c->resulting);
    buf_free(&c->text);
    buf_free(&c->fresh);
}

static int find_path(struct change *c)
{
    struct str file = config_file(c->call->config);
    int rc = file.n ? str_copy(c->path, sizeof c->path, file) : config_path(&c->env, c->path, sizeof c->path);
    return rc ? rpc_fail(c->call, "UNAVAILABLE", "the path of the configuration file is too long") : 0;
}

/* @return 0, also when there is no file */
static int read_file(struct rpc_call *call, struct change *c)
{
    *c = (struct change){ .call = call, .env = env_process() };
    int rc = find_path(c);
    if (rc) return rc;
    rc = file_read(c->path, JSON5_TEXT_MAX, &c->text);
    c->exists = rc == 0;
    if (rc == 0 || rc == GW_ENOENT) return 0;
    return rpc_fail(call, "UNAVAILABLE", "the configuration file %s cannot be read: %s", c->path, err_text(rc));
}

/* ---- to look at ---- */

static int get(struct rpc_call *call)
{
    struct change c;
    struct buf note = { 0 }, restart = { 0 };
    int rc = read_file(call, &c);
    config_shared_texts(&note, &restart);
    if (rc == 0) {
        const struct config_view view = { .path = c.path,
                                          .exists = c.exists,
                                          .text = buf_str(&c.text),
                                          .restart = buf_str(&restart),
                                          .note = buf_str(&note),
                                          .env = &c.env };
        rc = config_view_get(&view, call->out);
    }
    buf_free(&note);
    buf_free(&restart);
    free_change(&c);
    return rc;
}

static int schema(struct rpc_call *call)
{
    return config_json_schema(call->now_ms, call->out);
}

static int validate(struct rpc_call *call)
{
    struct change c = { .call = call, .env = env_process() };
    int rc = find_path(&c);
    return rc ? rc : config_view_validate(rpc_str(call, "raw"), c.path, &c.env, call->out);
}

/* ---- to change ---- */

/* The file must be the one that the client has seen. */
static int check_hash(struct change *c)
{
    char hash[CONFIG_HASH_SIZE];
    struct str base = rpc_str(c->call, "baseHash");
    if (!c->exists) return 0;
    config_hash(buf_str(&c->text), hash);
    if (base.n == 0) return rpc_fail(c->call, "INVALID_REQUEST", "config base hash required; re-run config.get and retry");
    if (!str_is(base, hash)) return rpc_fail(c->call, "INVALID_REQUEST", "config changed since last load; re-run config.get and retry");
    return 0;
}

static int inspect(struct change *c)
{
    struct config_problems problems = { 0 };
    int rc = c->exists ? config_inspect(buf_str(&c->text), c->path, &c->env, &c->config, &problems) : 0;
    c->valid = rc == 0 && problems.errors == 0;
    config_problems_free(&problems);
    return rc == GW_ECONFIG ? 0 : rc;
}

/* Reads the file and checks what every change needs. @param seen  the client must have seen the file */
static int begin(struct rpc_call *call, struct change *c, bool seen)
{
    struct buf why = { 0 };
    int rc = read_file(call, c);
    if (rc == 0 && seen) rc = check_hash(c);
    if (rc == 0) rc = inspect(c);
    if (rc == 0 && config_writable(c->path, &why)) rc = rpc_fail(call, "UNAVAILABLE", "%s", buf_cstr(&why));
    buf_free(&why);
    return rc;
}

/* The parameter `raw` must be JSON5. @param kind  what it is */
static int check_raw(struct rpc_call *call, enum json5_kind *kind)
{
    struct arena arena = { .max = CONFIG_MEMORY_MAX };
    struct json5_node *root;
    struct json5_error error;
    int rc = json5_parse(&arena, rpc_str(call, "raw"), 0, &root, &error);
    if (rc == 0) *kind = root->kind;
    if (rc == GW_EPARSE || rc == GW_ELIMIT)
        rc = rpc_fail(call, "INVALID_REQUEST", "SyntaxError: JSON5: %s at %u:%u", error.text, (unsigned)error.place.line,
                      (unsigned)error.place.column);
    arena_free(&arena);
    return rc;
}

/* `text` is what the client wants: put its hidden values back, and check the whole. */
static int prepare(struct change *c, struct str text)
{
    struct rpc_call *call = c->call;
    struct config_problems problems = { 0 };
    struct buf why = { 0 };
    int rc = config_redact_restore(text, buf_str(&c->text), c->config, &c->fresh, &why);
    if (rc == 0 && c->fresh.p[c->fresh.n - 1] != '\n') buf_char(&c->fresh, '\n');
    if (rc == 0 && c->fresh.n > JSON5_TEXT_MAX) rc = GW_ELIMIT;
    if (rc == 0) rc = config_inspect(buf_str(&c->fresh), c->path, &c->env, &c->resulting, &problems);
    if (rc == GW_EINVAL && why.n) {
        rc = rpc_fail(call, "INVALID_REQUEST", "%s", buf_cstr(&why));
    } else if (rc == GW_ELIMIT) {
        rc = rpc_fail(call, "INVALID_REQUEST", "the configuration would be larger than %d bytes", JSON5_TEXT_MAX);
    } else if ((rc == 0 && problems.errors) || rc == GW_ECONFIG) {
        buf_text(&call->details, "{\"issues\":");
        config_view_issues(&problems, CONFIG_ERROR, false, &call->details);
        buf_char(&call->details, '}');
        rc = rpc_fail(call, "INVALID_REQUEST", "invalid config");
    }
    config_problems_free(&problems);
    buf_free(&why);
    return rc;
}

static int write_file(struct change *c)
{
    struct buf why = { 0 };
    char state[PATH_MAX];
    if (str_copy(state, sizeof state, config_state(c->call->config))) return GW_ELIMIT;
    const struct config_write w = { .path = c->path,
                                    .state_dir = state,
                                    .before = buf_str(&c->text),
                                    .existed = c->exists,
                                    .after = buf_str(&c->fresh),
                                    .now_ms = c->call->now_ms };
    int rc = config_write(&w, &why);
    if (rc) rc = rpc_fail(c->call, "UNAVAILABLE", "%s", buf_cstr(&why));
    if (rc == 0) c->call->written = config_ref(c->resulting);
    buf_free(&why);
    return rc;
}

static int write_result(struct change *c)
{
    struct buf *out = c->call->out;
    buf_text(out, "{\"ok\":true");
    buf_json_pair_str(out, "path", str_of(c->path));
    buf_json_key(out, "config");
    return config_view_values(c->resulting, out);
}

static int set(struct rpc_call *call)
{
    struct change c;
    enum json5_kind kind;
    int rc = begin(call, &c, true);
    if (rc == 0) rc = check_raw(call, &kind);
    if (rc == 0) rc = prepare(&c, rpc_str(call, "raw"));
    if (rc == 0) rc = write_file(&c);
    if (rc == 0) rc = write_result(&c);
    if (rc == 0) buf_char(call->out, '}');
    free_change(&c);
    return rc ? rc : call->out->err;
}

/* ---- patch and apply: OpenClaw restarts after them, this gateway reads the file again while it runs ---- */

static void pair_or_null(struct buf *out, const char *key, struct str text)
{
    buf_json_key(out, key);
    if (text.n)
        buf_json_str(out, text);
    else
        buf_text(out, "null");
}

/* The members of OpenClaw's answer; `mode` says what really happens, and no file waits for a restart. */
static void write_restart(const struct change *c, const char *method, const char *kind)
{
    struct buf *out = c->call->out;
    struct str note = rpc_str(c->call, "note"), session = rpc_str(c->call, "sessionKey");
    buf_text(out, ",\"restart\":{\"ok\":true");
    buf_json_pair_int(out, "pid", getpid());
    buf_json_pair_str(out, "signal", STR("SIGUSR1"));
    buf_json_pair_int(out, "delayMs", 0);
    buf_json_pair_str(out, "reason", str_of(method));
    buf_json_pair_str(out, "mode", STR("reload"));
    buf_text(out, "},\"sentinel\":{\"path\":null,\"payload\":{");
    buf_json_pair_str(out, "kind", str_of(kind));
    buf_json_pair_str(out, "status", STR("ok"));
    buf_json_pair_int(out, "ts", c->call->now_ms);
    if (session.n) buf_json_pair_str(out, "sessionKey", session);
    pair_or_null(out, "message", note);
    buf_json_pair_str(out, "doctorHint", STR("Run: openclaw config validate"));
    buf_text(out, ",\"stats\":{");
    buf_json_pair_str(out, "mode", str_of(method));
    buf_json_pair_str(out, "root", str_of(c->path));
    buf_text(out, "}}}}");
}

/* @param text  what the client wants the file to hold */
static int replace(struct change *c, struct str text, const char *method, const char *kind)
{
    int rc = prepare(c, text);
    if (rc == 0) rc = write_file(c);
    if (rc == 0) rc = write_result(c);
    if (rc == 0) write_restart(c, method, kind);
    return rc ? rc : c->call->out->err;
}

static int apply(struct rpc_call *call)
{
    struct change c;
    enum json5_kind kind;
    int rc = begin(call, &c, true);
    if (rc == 0) rc = check_raw(call, &kind);
    if (rc == 0) rc = replace(&c, rpc_str(call, "raw"), "config.apply", "config-apply");
    free_change(&c);
    return rc;
}

static int patch(struct rpc_call *call)
{
    struct change c;
    struct buf text = { 0 };
    enum json5_kind kind = JSON5_NULL;
    char why[CONFIG_EDIT_WHY_MAX] = "";
    int rc = begin(call, &c, true);
    if (rc == 0 && c.exists && !c.valid) rc = rpc_fail(call, "INVALID_REQUEST", "invalid config; fix before patching");
    if (rc == 0) rc = check_raw(call, &kind);
    if (rc == 0 && kind != JSON5_OBJECT) rc = rpc_fail(call, "INVALID_REQUEST", "config.patch raw must be an object");
    if (rc == 0) {
        rc = config_edit_patch(c.exists ? buf_str(&c.text) : STR("{}\n"), rpc_str(call, "raw"), &text, why);
        if (rc && rc != GW_ENOMEM) rc = rpc_fail(call, "INVALID_REQUEST", "%s", why);
    }
    if (rc == 0) rc = replace(&c, buf_str(&text), "config.patch", "config-patch");
    buf_free(&text);
    free_change(&c);
    return rc;
}

/* ---- for other methods that change it ---- */

int query_config_edit(struct query_config_edit *edit)
{
    struct change c;
    struct rpc_call *call = edit->call;
    struct buf text = { 0 };
    char why[CONFIG_EDIT_WHY_MAX] = "";
    int rc = begin(call, &c, false);
    if (rc == 0 && c.exists && !c.valid) rc = rpc_fail(call, "INVALID_REQUEST", "invalid config; fix %s first", c.path);
    if (rc == 0) {
        rc = edit->change(edit, c.exists ? buf_str(&c.text) : STR("{}\n"), c.config ? c.config : call->config, &text, why);
        if (rc && rc != GW_ENOMEM && why[0]) rc = rpc_fail(call, "UNAVAILABLE", "%s: %s", c.path, why);
    }
    if (rc == 0) rc = prepare(&c, buf_str(&text));
    if (rc == 0) rc = edit->accept(edit, c.config ? c.config : call->config, c.resulting);
    if (rc == 0) rc = call->out->err ? call->out->err : write_file(&c);
    buf_free(&text);
    free_change(&c);
    return rc;
}

const struct rpc_handler query_config_handlers[] = {
    { RPC_config_get, get }, { RPC_config_schema, schema }, { RPC_config_validate, validate },
    { RPC_config_set, set }, { RPC_config_patch, patch },   { RPC_config_apply, apply },
    { RPC_none, NULL },
};
