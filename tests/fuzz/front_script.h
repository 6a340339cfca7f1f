/** tests/fuzz/front_script.h -- an input as a script of what clients do: bytes are sent as they are, 0xFF and a letter is a step.
 *
 *  FF        the byte 0xFF                     c    send what is there, and let the gateway run until it would sleep
 *  0 .. 3    go on as this client              o    the same for one round of its loop
 *  h  close the sending half   x  drop it      z r  stop reading, read on
 *  t  every deadline is over                   d s  the gateway is told to drain, to stop
 *  p N       the last byte 256 * N times       u    the request for an upgrade to WebSocket
 *  R N       what was written last, a frame or bytes, N times more
 *  f H F     a frame up to the next step: H its first byte, F bits: 1 not masked, 2 and 4 the form of the length,
 *            8 it announces one byte more
 *  m         a text message up to the next step
 *  q         a request: method, a space, params
 *  C V       a `connect`: see front_write_connect() */
#ifndef TESTS_FUZZ_FRONT_SCRIPT_H
#define TESTS_FUZZ_FRONT_SCRIPT_H

#include "tests/fuzz/front.h"

/* What every client does first, of its own accord. */
enum front_opening { FRONT_PLAIN, FRONT_UPGRADED, FRONT_GREETED };

/** Play `script` with the gateway that is open. @param variant  of the connect of FRONT_GREETED */
void front_play(struct str script, enum front_opening opening, unsigned variant, const char *address);

enum front_connect { /* bits of a variant */
                     FRONT_AS_NODE = 1,
                     FRONT_AS_PAGE = 2,    /* the Control UI, else the CLI */
                     FRONT_SIGNED = 4,     /* with a device */
                     FRONT_READS_ONLY = 8, /* one scope, else all */
};

/** Append a whole `connect` request with the right token. */
void front_write_connect(struct buf *out, unsigned variant);

#endif
