/** actors/message_view.h -- a transcript entry as clients see it: cleaned and bounded for the history, or as plain text.
 *
 *  In:     JSON of one entry (msgs/chat_json.h)     Out: JSON, or text
 *  Owns:   nothing                                   Thread: any
 *  Source: reference gateway-protocol 6.2 */
#ifndef ACTORS_MESSAGE_VIEW_H
#define ACTORS_MESSAGE_VIEW_H

#include <jansson.h>

#include "base/chat.h"
#include "base/config.h"
#include "store/messages.h"

enum {
    MESSAGE_TEXT_MAX = 12000,       /* characters of a text, thinking or cut arguments */
    MESSAGE_SHOWN_MAX = 128 * 1024, /* bytes of one message; a longer one is told as left out */
    MESSAGE_NAMES_MAX = 128,        /* tools named in one message */
};

/** Append the entry as chat.history shows it: one JSON object, always. */
void message_view_history(const config_t *config, const struct message_row *row, struct buf *out);

/* What a message says in words. */
struct message_words {
    struct buf text;  /* its texts, a line break between them */
    struct buf tools; /* names of the tools it calls, ", " between them */
    int64_t calls;    /* how many it calls */
    int64_t images;
    int64_t timestamp;      /* ms; the row's when it carries none */
    bool counted;           /* it tells its usage: */
    struct chat_usage used; /* input is the whole prompt */
    struct buf model;       /* "provider/model"; empty when it names none */
    struct str role;        /* of the row */
    bool tool;              /* a call or a tool's result */
};

/** @param names_max  tools named at most  @return 0; GW_EPARSE: the row is no JSON object. Free in every case */
int message_words_read(const struct message_row *row, int64_t names_max, struct message_words *out);
void message_words_free(struct message_words *words);

/** A user's text without the notes that the gateway puts before it: metadata in a code block, the time in brackets. Borrows. */
struct str message_said(struct str text);

/** Append the first `max` characters; when there are more, the last ones of them are `mark`. */
void message_cut(struct str text, size_t max, const char *mark, struct buf *out);

#endif
