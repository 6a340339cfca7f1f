/** actors/turn_tools.h -- the tools of a turn: which are offered, and how a call becomes a result.
 *
 *  In:     the tool calls of a reply
 *  Out:    one result each, in order, durable before the next step; turn.tool to whoever watches the run
 *  Owns:   nothing beyond the call in hand
 *  Thread: the session's
 *  Source: reference agent-runtime 4; DESIGN 8.8 (a call that did not finish gets its result from history.c)
 *
 *  A tool that needs the bus is a `turn_tool_<id>` in actors/turn_tool_<what>.c; one that does not is a `tool_<id>` in tools/.
 *  It may wait with turn_ask(), which an abort of the turn ends at once. */
#ifndef ACTORS_TURN_TOOLS_H
#define ACTORS_TURN_TOOLS_H

#include "actors/turn_internal.h"
#include "base/arena.h"
#include "tools/tool_policy.h"

enum {
    TURN_RESULT_BYTES_MAX = 16 * 1024 * 1024, /* of a tool's result before it is cut to TOOL_RESULT_MAX */
    TURN_RESULT_FILES = 256,                  /* whole results kept in a workspace; the oldest make room */
};

/** Carry out a call that needs the bus. @return as tool_fn */
typedef int turn_tool_fn(struct turn *t, struct tool_call *call);

/* The tools of actors/, `turn_tool_<id>`. */
#define TOOL_DECLARE_LOCAL(id)
#define TOOL_DECLARE_TURN(id) turn_tool_fn turn_tool_##id;
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

/** Decide what this turn is offered: t->tools. Once, when it begins. */
void turn_offer_tools(struct turn *t);

/** The offered tools as a request carries them, in the arena. @return their number */
size_t turn_list_tools(const struct turn *t, struct arena *arena, const struct chat_tool **out);

/** Record that a call was left for the user's next message. @return as turn_run_tool() */
int turn_skip_tool(struct turn *t, const struct chat_part *part);

/** Run one call and record its result. @return 0; GW_EABORTED, GW_ECLOSED, or what the store answered: the turn ends */
int turn_run_tool(struct turn *t, const struct chat_part *part);

#endif
