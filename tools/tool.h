/** tools/tool.h -- what a tool is: its declaration, the call in hand, and the ways to answer.
 *
 *  In:     a call of a model, its arguments checked against the declaration (tools/tools.def)
 *  Out:    a text for the model
 *  Owns:   nothing: arguments and result belong to the caller
 *  Thread: that of the session whose turn calls; a tool shares nothing with other threads
 *  Source: reference agent-runtime 4 (names, parameters, texts of results)
 *
 *  Tools of this folder touch files of the workspace and nothing else. Those that need the bus are in actors/turn_tool_*.c. */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/chat.h"
#include "base/config.h"

enum {
    TOOL_RESULT_MAX = 200 * 1024, /* bytes of a result that a model gets; the rest goes to a file (DESIGN 6) */
    TOOL_ARGUMENTS_MAX = 4 * 1024 * 1024,
    TOOL_ERRORS_MAX = 16, /* wrong arguments that are told */
};

#define TOOL_GROUPS(X) X(fs) X(runtime) X(automation) X(messaging) X(sessions) X(web) X(memory)

enum tool_group {
#define X(name) TOOL_GROUP_##name,
    TOOL_GROUPS(X)
#undef X
        TOOL_GROUP_COUNT
};

enum tool_id {
#define TOOL(id, name, group, home, summary, description) TOOL_##id,
#define FIRST(name, kind, need, lo, hi, doc)
#define PARAM(name, kind, need, lo, hi, doc)
#define FIRST_CHOICE(name, need, doc, ...)
#define CHOICE(name, need, doc, ...)
#define END
#include "tools/tools.def"
#include "tools/tools_undef.h"
    TOOL_COUNT
};

/* Where a call works: what a tool may know of its turn. All borrowed. */
struct tool_place {
    const config_t *config;
    const struct config_agent *agent;
    const char *workspace; /* absolute */
    struct str session_key;
    int64_t now_ms;             /* wall clock when the call began */
    const struct str *readable; /* absolute folders outside that may be read: those of skills; NUL-terminated */
    size_t readable_count;
    const char *confined_by; /* a setting that keeps this tool inside the workspace even where tools.fs.workspaceOnly does not; or NULL */
};

struct tool_call {
    const struct tool_place *place;
    struct str name;
    struct str id;      /* the model's id of this call */
    const json_t *args; /* an object; every parameter has its declared kind and bounds */
    struct buf *result; /* text for the model; what goes over TOOL_RESULT_MAX is cut by the caller */
    bool failed;        /* the model is told that it went wrong */
};

/** Carry a call out. What the model did wrong is a result (tool_fail), not a code.
 *  @return 0; GW_ENOMEM; of a TURN tool also GW_EABORTED, GW_ECLOSED: the turn ends */
typedef int tool_fn(struct tool_call *call);

/* The tools of this folder, `tool_<id>`. */
#define TOOL_DECLARE_LOCAL(id) tool_fn tool_##id;
#define TOOL_DECLARE_TURN(id)

#define TOOL(id, name, group, home, summary, description) TOOL_DECLARE_##home(id)
#define FIRST(name, kind, need, lo, hi, doc)
#define PARAM(name, kind, need, lo, hi, doc)
#define FIRST_CHOICE(name, need, doc, ...)
#define CHOICE(name, need, doc, ...)
#define END
#include "tools/tools.def"
#include "tools/tools_undef.h"
#undef TOOL_DECLARE_LOCAL
#undef TOOL_DECLARE_TURN

enum tool_param_kind { TOOL_TEXT, TOOL_WHOLE, TOOL_FLAG, TOOL_TEXTS, TOOL_FREE, TOOL_ANY, TOOL_CHOICE };

struct tool_param {
    const char *name; /* NULL ends a list */
    enum tool_param_kind kind;
    bool must;
    int64_t lo, hi;
    const char *const *words; /* TOOL_CHOICE; NULL ends it */
};

struct tool {
    const char *name;
    enum tool_group group;
    const char *summary;
    const char *description;
    const char *properties; /* the first half of its JSON schema, and the rest: written by the compiler, not once a request */
    const char *required;
    const struct tool_param *params;
    tool_fn *run; /* NULL: a TURN tool */
};

/** The declaration; static. */
const struct tool *tool_at(enum tool_id id);

/** By name. @return TOOL_COUNT: there is none */
enum tool_id tool_find(struct str name);

const char *tool_group_name(enum tool_group group); /* "fs" */

/** The JSON schema of its parameters, {"type":"object",...}; in the arena. */
struct str tool_schema(const struct tool *tool, struct arena *arena);

/** Read and check arguments as a model sent them.
 *  @param args  receives an object to json_decref(); NULL when they are refused
 *  @return 0; GW_EINVAL: `why` has got the text for the model; GW_ENOMEM
 *  Source: agent-runtime 4, "schema violation" */
int tool_read_args(const struct tool *tool, struct str text, json_t **args, struct buf *why);

/* Arguments by name; what is absent is empty, the fallback, false. `alias`: a second name that models use, or NULL. */
struct str tool_text(const struct tool_call *call, const char *name, const char *alias);
int64_t tool_whole(const struct tool_call *call, const char *name, int64_t fallback);
bool tool_flag(const struct tool_call *call, const char *name);

/** The call went wrong: its result becomes {"status":"error","tool":...,"error":...}, pretty-printed. @return 0, for `return
 * tool_fail(...)` */
int tool_fail(struct tool_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The result is this value, pretty-printed with two spaces; takes it over. @return 0 or GW_ENOMEM (also for NULL) */
int tool_answer_json(struct tool_call *call, json_t *value);

#endif
