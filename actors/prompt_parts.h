/** actors/prompt_parts.h -- the pieces that prompt_build() puts in order. For actors/prompt*.c alone.
 *
 *  Each appends whole lines: nothing when it has nothing to say, no empty line between sections. */
#ifndef ACTORS_PROMPT_PARTS_H
#define ACTORS_PROMPT_PARTS_H

#include "actors/prompt.h"

bool prompt_has_tool(const struct prompt_input *in, const char *name);

void prompt_add_head(const struct prompt_input *in, struct buf *out);    /* identity .. CLI */
void prompt_add_skills(const struct prompt_input *in, struct buf *out);  /* skills */
void prompt_add_place(const struct prompt_input *in, struct buf *out);   /* memory .. workspace files */
void prompt_add_talk(const struct prompt_input *in, struct buf *out);    /* reply tags, messaging */
void prompt_add_context(const struct prompt_input *in, struct buf *out); /* group chat or sub-agent context */
void prompt_add_files(const struct prompt_input *in, struct buf *out);   /* project context */
void prompt_add_tail(const struct prompt_input *in, struct buf *out);    /* silent replies .. runtime */

#endif
