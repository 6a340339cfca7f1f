/* actors/gateway_config.c -- the gateway takes a new configuration while it serves. */
#include <stdlib.h>

#include "actors/gateway_heartbeat.h"
#include "base/config_shared.h"
#include "base/log.h"

/* What /readyz says about it. */
static void take_note(struct gateway_options *options)
{
    struct buf note = { 0 };
    config_shared_texts(&note, NULL);
    free(options->config_note);
    options->config_note = note.n ? str_dup(buf_str(&note)) : NULL;
    buf_free(&note);
}

void gateway_take_config(struct gateway *gw)
{
    struct gateway_options *o = gw->options;
    config_t *fresh = config_shared_get(NULL), *before = o->config;
    if (!fresh) return;
    o->config = fresh;
    gw->cfg = config_gateway(fresh);
    gateway_auth_take(gw->auth, gw->cfg, str_of(o->token));
    take_note(o);
    gateway_heartbeat_take_config(gw);
    config_unref(&before); /* last: nothing borrows from it any more */
}
