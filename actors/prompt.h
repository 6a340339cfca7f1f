/** actors/prompt.h -- the system prompt of an agent, and the stamp on what people say. Plain values in, text out.
 *
 *  In:     struct prompt_input, the workspace's bootstrap files
 *  Out:    text appended to a buf
 *  Owns:   nothing
 *  Thread: any; reads files
 *  Source: reference agent-runtime 2 and 3 (order, headings, limits, markers); the wording is ours, and short:
 *          every request pays for it */
#ifndef ACTORS_PROMPT_H
#define ACTORS_PROMPT_H

#include "base/buf.h"
#include "base/timezone.h"
#include "skills/skills.h"

enum {
    PROMPT_FILE_CHARS = 20000,   /* agents.defaults.bootstrapMaxChars when it is 0 */
    PROMPT_TOTAL_CHARS = 150000, /* agents.defaults.bootstrapTotalMaxChars when it is 0 */
    PROMPT_CHARS_MAX = 1000000,  /* either is taken as this when it is higher */
};

enum prompt_mode {
    PROMPT_FULL,
    PROMPT_MINIMAL /* sub-agents and cron: fewer sections, only AGENTS.md and TOOLS.md */
};

struct prompt_tool {
    struct str name;
    struct str summary; /* one line; may be empty */
};

struct prompt_alias {
    struct str alias;
    struct str model; /* ref */
};

/* Empty strings and zeros leave out what they would say. */
struct prompt_input {
    enum prompt_mode mode;
    struct str agent_id;
    struct str agent_name;
    const char *workspace; /* absolute */
    struct str model;      /* refs: the one asked for, and the configured one */
    struct str default_model;
    struct str timezone; /* IANA name */
    struct str host;
    struct str os; /* "Linux 6.1 (x64)" */
    struct str shell;
    struct str channel;
    struct str capabilities; /* of the channel; empty: "none" */
    struct str thinking;     /* level; empty: "off" */
    struct str docs;         /* where the documentation is: path or address */
    struct str owners;       /* numbers or ids of the owner, as one line */
    struct str extra_system; /* text of the caller: group context, sub-agent context, inbound metadata */
    struct str heartbeat;    /* heartbeat prompt; empty: no heartbeats */
    struct str reasoning;    /* "off", "on", "stream"; empty: "off" */
    unsigned depth;          /* of a sub-agent; 0: spoken to by people, or cron */
    unsigned depth_max;      /* sub-agents at this depth start no others */
    const struct prompt_tool *tools;
    size_t tool_count;
    const struct prompt_alias *aliases;
    size_t alias_count;
    const skills_t *skills; /* NULL: none */
    struct str only_skills; /* those that may be listed, one a line; "-": none; empty: all of them */
    int64_t file_chars;     /* characters (code points) of one bootstrap file; 0: PROMPT_FILE_CHARS */
    int64_t total_chars;    /* of all of them; 0: PROMPT_TOTAL_CHARS */
};

/** Append the whole system prompt. @return 0, or out's own error (GW_ELIMIT, GW_ENOMEM) */
int prompt_build(const struct prompt_input *in, struct buf *out);

/** Append the text of a user's message as the model gets it: `[Sun 2026-11-22 13:10 UTC] text`, or `GMT+7` where a zone
 *  has no letters. Not stamped: a text that starts with such an envelope ("[... 2026-11-22 13:10 ...]"), one that contains
 *  "Current time: " (cron), and blank text. The greeting after a bare /reset is not stamped either: do not call this for it.
 *  @param zone  the user's; NULL: UTC  @param wall_ms  milliseconds since 1970 */
void prompt_user_text(struct str text, const timezone_t *zone, int64_t wall_ms, struct buf *out);

#endif
