/** providers/openai.h -- the event reader of chat completions, for the dialects that share it (providers/demo.c).
 *
 *  In:     one event or body        Out: pieces in a struct reply
 *  Owns:   nothing                  Thread: any */
#ifndef PROVIDERS_OPENAI_H
#define PROVIDERS_OPENAI_H

#include "base/str.h"

struct reply;

/** As provider.event. */
void openai_event(struct reply *reply, struct str event, struct str data);

#endif
