/** channels/split.h -- a long answer as messages that a chat network takes: each within its limits, none of the text lost.
 *
 *  In:     text, limits        Out: messages in order, through a callback
 *  Owns:   nothing             Thread: any
 *  Source: reference discord 4.7 (limits, fences); Unicode Standard Annex 29 by libunistring (docs/adr/0014-libunistring.md)
 *
 *  Cut at the end of a paragraph where that leaves a message at least half full, else of a line, of a sentence, of a word, and of
 *  a character as people see it (a grapheme) last: never inside one, unless it is longer than a message itself. A fenced code block
 *  that goes on in the next message is closed at the end of one and opened again, with its language, at the start of the other.
 *  Blanks at a cut are dropped, and blank lines around a message; inside a fence only the line break. */
#ifndef CHANNELS_SPLIT_H
#define CHANNELS_SPLIT_H

#include "base/buf.h"

enum {
    SPLIT_UNITS_MIN = 16, /* a limit below this is taken as this: a fence has to fit */
    SPLIT_OPENER_MAX = 64 /* bytes of a fence's opening line that are repeated; of a longer one its marker alone */
};

struct split_limits {
    size_t units;    /* UTF-16 code units of a message: whatever a network counts (bytes excepted), this is not less */
    size_t lines;    /* of a message; 0: as many as there are */
    bool paragraphs; /* every paragraph becomes a message of its own (chunkMode newline) */
};

struct split_part {
    struct str before; /* a fence opened again, with its line break; empty: none */
    struct str body;   /* a piece of the text */
    struct str after;  /* a line break and a fence closed; empty: none */
};

/** @return 0 to go on; anything else ends the walk */
typedef int split_part_fn(void *ctx, const struct split_part *part);

/** @param text  UTF-8; a byte that is none counts as one unit
 *  @return 0, or what fn returned */
int split_text(struct str text, const struct split_limits *limits, split_part_fn *fn, void *ctx);

enum { SPLIT_PARTS_MAX = 200 }; /* messages of one text */

struct split_parts { /* a text as the messages it becomes; zero is valid */
    struct buf list[SPLIT_PARTS_MAX];
    size_t count;
};

/** Cut a text. What goes beyond SPLIT_PARTS_MAX is left out, and the last message says so. @return 0 or GW_ENOMEM */
int split_into(struct str text, const struct split_limits *limits, struct split_parts *out);
void split_parts_free(struct split_parts *parts);

/** UTF-16 code units of a UTF-8 text. */
size_t split_units(struct str text);

#endif
