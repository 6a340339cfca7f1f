/** tests/support/operator.h -- somebody at the gateway's WebSocket with all of an operator's scopes, paired by being local. */
#ifndef SUPPORT_OPERATOR_H
#define SUPPORT_OPERATOR_H

#include "support/gateway.h"
#include "support/ws_client.h"

struct operator_client {
    ws_t *ws;
    struct ws_device device;
};

/** Connect; a failure fails the test. operator_close() when done; it may then be opened again, as another device. */
void operator_open(struct operator_client *o, const struct kit *k);
void operator_close(struct operator_client *o);

/** A gateway with this configuration, and somebody at it; and the end of both. */
void operator_start(struct operator_client *o, struct kit *k, const char *config_text);
void operator_stop(struct operator_client *o, struct kit *k);

/** Run a command of openclaw beside the gateway. @param args  after its name, NULL at the end
 *  @param output  what it wrote, the caller's to free; may be NULL  @return its exit code; -1: a signal ended it */
int operator_run(const struct kit *k, const char *const *args, char **output);

#endif
