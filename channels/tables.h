/** channels/tables.h -- Markdown tables for networks that do not draw them: each becomes a fenced block with its columns aligned.
 *
 *  In:     Markdown        Out: the same with tables replaced
 *  Owns:   nothing         Thread: any
 *  Source: reference discord 4.7; GitHub Flavored Markdown 4.10 */
#ifndef CHANNELS_TABLES_H
#define CHANNELS_TABLES_H

#include "base/buf.h"

/** Append `text`. What stands inside fences is left as it is. */
void tables_to_code(struct str text, struct buf *out);

#endif
