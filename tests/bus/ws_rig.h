/** tests/bus/ws_rig.h -- WebSocket clients of the gateway_rig, whose token is WS_RIG_TOKEN. */
#ifndef TESTS_BUS_WS_RIG_H
#define TESTS_BUS_WS_RIG_H

#include "bus/gateway_rig.h"
#include "support/ws_client.h"

#define WS_RIG_TOKEN "token-of-the-rig"

/** @param options  NULL: none; its token is replaced */
void ws_rig_start(struct gateway_rig *rig, const struct gateway_rig_options *options);

/** Connect; fails the test when the upgrade is not taken. */
ws_t *ws_rig_open(const struct gateway_rig *rig);
/** Connect and say hello as a device of this test (admin), or without one (no scopes). */
ws_t *ws_rig_join(const struct gateway_rig *rig, const struct ws_device *device);

/** chat.send with this text; the run's id is `run`. Fails the test when it is not started. */
void ws_rig_say(ws_t *ws, const char *run, const char *text);
/** The next `chat` event of a run with this state; NULL when none comes. */
json_t *ws_rig_chat(ws_t *ws, const char *run, const char *state);

/** Ask something and fail the test when the answer is not ok. */
void ws_rig_expect_alive(ws_t *ws);
/** Read to the end and compare; `code` 0: it ends without a close frame. */
void ws_rig_expect_close(ws_t *ws, int code, const char *reason);

const char *ws_rig_text(const json_t *root, const char *a, const char *b); /* root.a.b, or root.a when b is NULL; "" */

#endif
