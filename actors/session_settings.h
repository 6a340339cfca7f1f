/** actors/session_settings.h -- what a user may set for a session: the words of each setting and its refusal.
 *
 *  In:     what a client sent for one of sessions.patch's levels and choices     Out: the word that is kept
 *  Thread: any
 *  Source: reference gateway-protocol 6.6, frames/rpc-sessions.patch-* */
#ifndef ACTORS_SESSION_SETTINGS_H
#define ACTORS_SESSION_SETTINGS_H

#include "base/str.h"

enum { SESSION_LABEL_CHARS = 64 };

struct session_setting {
    const char *name;      /* as in sessions.patch and in the stored object */
    const char *words;     /* those that are kept, '|' between them */
    const char *aliases;   /* "other=word|..." */
    bool off_clears;       /* `off` is the same as null */
    const char *complaint; /* what a client is told; static */
};

/** The settings that are words, in the order in which they are checked; ends with name NULL. */
extern const struct session_setting session_settings[];

/** The thinking level: kept in a column of its own. */
extern const struct session_setting session_setting_thinking;

/** The word that stands for `text`, any case, copied into `into`. @return it; NULL when the text stands for none */
const char *session_setting_word(const struct session_setting *setting, struct str text, char *into, size_t cap);

/** True when this model takes the thinking level xhigh. */
bool session_takes_xhigh(struct str provider, struct str model);
#define SESSION_XHIGH_MODELS                                                                                                               \
    "openai/gpt-5.2, openai-codex/gpt-5.3-codex, openai-codex/gpt-5.2-codex, openai-codex/gpt-5.1-codex, github-copilot/gpt-5.2-codex or " \
    "github-copilot/gpt-5.2"

#endif
