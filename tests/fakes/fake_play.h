/** tests/fakes/fake_play.h -- a behaviour turned into timed steps, and the steps played on an exchange.
 *
 *  In:     a behaviour (fake_provider.h) and the request it answers
 *  Out:    bytes on the exchange, step by step, each after its delay
 *  Owns:   the prepared bytes; freed by play_free() when the exchange is gone */
#ifndef TESTS_FAKES_FAKE_PLAY_H
#define TESTS_FAKES_FAKE_PLAY_H

#include "fakes/fake_provider.h"

/** Append one SSE event to the answer, to be sent after the delay that the behaviour asks for. For dialects. */
void play_event(struct play *p, struct str data);

/** What is wrong with a behaviour, or NULL. Static text or the unknown key, borrowed from `behaviour`. */
const char *play_check(json_t *behaviour);

/** Prepare and start the answer; the exchange's data becomes the play. */
void play_start(fake_exchange_t *x, const struct fake_dialect *dialect, const struct fake_ask *ask, json_t *behaviour);

void play_free(struct play *p); /* NULL is fine */

#endif
