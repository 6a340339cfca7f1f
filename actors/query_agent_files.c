/* agents.files.*: the files of a workspace that go into an agent's prompt. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "actors/query_answers.h"
#include "actors/query_util.h"
#include "base/file.h"

/* Source: reference gateway-protocol 7. MEMORY.md may be called memory.md. */
static const char *const names[] = { "AGENTS.md", "SOUL.md",      "TOOLS.md",     "IDENTITY.md",
                                     "USER.md",   "HEARTBEAT.md", "BOOTSTRAP.md", "MEMORY.md" };
enum { NAMES = sizeof names / sizeof *names };
#define OTHER_MEMORY "memory.md"

struct workspace_file {
    const char *name;
    char path[PATH_MAX];
    bool missing;
    struct stat st;
};

static bool look(const struct config_agent *agent, const char *name, struct workspace_file *f)
{
    int n = snprintf(f->path, sizeof f->path, "%.*s/%s", STR_ARG(agent->workspace), name);
    f->name = name;
    f->missing = n < 0 || (size_t)n >= sizeof f->path || stat(f->path, &f->st) != 0 || !S_ISREG(f->st.st_mode);
    return !f->missing;
}

/* `{"name":...,"path":...,"missing":...` and, when it is there, size and time; left open. */
static void begin_file(struct buf *out, const struct workspace_file *f)
{
    buf_char(out, '{');
    buf_json_pair_str(out, "name", str_of(f->name));
    buf_json_pair_str(out, "path", str_of(f->path));
    buf_json_pair_bool(out, "missing", f->missing);
    if (f->missing) return;
    buf_json_pair_int(out, "size", (int64_t)f->st.st_size);
    buf_json_pair_int(out, "updatedAtMs", (int64_t)f->st.st_mtim.tv_sec * 1000 + f->st.st_mtim.tv_nsec / 1000000);
}

static const struct config_agent *agent_of(struct rpc_call *call)
{
    const struct config_agent *agent = config_agent_find(call->config, str_trim(rpc_str(call, "agentId")));
    if (!agent) rpc_fail(call, "INVALID_REQUEST", "unknown agent id");
    return agent;
}

static const char *name_of(struct rpc_call *call)
{
    struct str name = str_trim(rpc_str(call, "name"));
    for (size_t i = 0; i < NAMES; i++)
        if (str_is(name, names[i])) return names[i];
    if (str_is(name, OTHER_MEMORY)) return OTHER_MEMORY;
    rpc_fail(call, "INVALID_REQUEST", "unsupported file \"%.*s\"", STR_ARG(name));
    return NULL;
}

static void begin_answer(struct rpc_call *call, const struct config_agent *agent)
{
    buf_json_pair_str(call->out, "agentId", agent->id);
    buf_json_pair_str(call->out, "workspace", agent->workspace);
}

static int files_list(struct rpc_call *call)
{
    const struct config_agent *agent = agent_of(call);
    struct workspace_file f;
    if (!agent) return GW_EINVAL;
    buf_char(call->out, '{');
    begin_answer(call, agent);
    buf_json_key(call->out, "files");
    buf_char(call->out, '[');
    for (size_t i = 0; i < NAMES; i++) {
        bool memory = i == NAMES - 1;
        if (!look(agent, names[i], &f) && memory && !look(agent, OTHER_MEMORY, &f)) look(agent, names[i], &f);
        buf_json_comma(call->out);
        begin_file(call->out, &f);
        buf_char(call->out, '}');
    }
    buf_text(call->out, "]}");
    return 0;
}

static int files_get(struct rpc_call *call)
{
    const struct config_agent *agent = agent_of(call);
    const char *name = agent ? name_of(call) : NULL;
    struct workspace_file f;
    struct buf text = { 0 };
    if (!name) return GW_EINVAL;
    int rc = look(agent, name, &f) ? file_read(f.path, QUERY_AGENT_FILE_MAX, &text) : 0;
    if (rc == 0) {
        buf_char(call->out, '{');
        begin_answer(call, agent);
        buf_json_key(call->out, "file");
        begin_file(call->out, &f);
        if (!f.missing) buf_json_pair_str(call->out, "content", buf_str(&text));
        buf_text(call->out, "}}");
    } else if (rc == GW_ELIMIT) {
        rc = rpc_fail(call, "UNAVAILABLE", "%s is larger than QUERY_AGENT_FILE_MAX (%d bytes)", f.path, QUERY_AGENT_FILE_MAX);
    } else {
        rc = rpc_fail(call, "UNAVAILABLE", "%s cannot be read: %s", f.path, err_text(rc));
    }
    buf_free(&text);
    return rc;
}

/* A link is not replaced: what it leads to belongs to somebody else, as in a mounted ConfigMap. */
static int write_file(struct rpc_call *call, struct workspace_file *f, struct str content)
{
    struct stat st;
    int error = 0;
    mode_t mode = f->missing ? 0600 : f->st.st_mode & 0777;
    if (content.n > QUERY_AGENT_FILE_MAX)
        return rpc_fail(call, "INVALID_REQUEST", "the content is larger than QUERY_AGENT_FILE_MAX (%d bytes)", QUERY_AGENT_FILE_MAX);
    if (lstat(f->path, &st) == 0 && S_ISLNK(st.st_mode))
        return rpc_fail(call, "UNAVAILABLE", "%s is a link and stays as it is: change what it leads to", f->path);
    if (query_write_file(f->path, content, mode, &error) != 0)
        return rpc_fail(call, "UNAVAILABLE", "%s cannot be written: %s", f->path, strerror(error));
    return 0;
}

static int files_set(struct rpc_call *call)
{
    const struct config_agent *agent = agent_of(call);
    const char *name = agent ? name_of(call) : NULL;
    struct str content = rpc_str(call, "content");
    struct workspace_file f;
    if (!name) return GW_EINVAL;
    look(agent, name, &f);
    int rc = write_file(call, &f, content);
    if (rc != 0) return rc;
    look(agent, name, &f);
    buf_char(call->out, '{');
    buf_json_pair_bool(call->out, "ok", true);
    begin_answer(call, agent);
    buf_json_key(call->out, "file");
    begin_file(call->out, &f);
    buf_json_pair_str(call->out, "content", content);
    buf_text(call->out, "}}");
    return 0;
}

const struct rpc_handler query_agent_files_handlers[] = {
    { RPC_agents_files_list, files_list },
    { RPC_agents_files_get, files_get },
    { RPC_agents_files_set, files_set },
    { RPC_none, NULL },
};
