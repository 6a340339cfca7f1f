/** actors/system.h -- the whole gateway as one object: bus, router and the actors that the router starts.
 *
 *  In:     a config and what to start        Out: system.ready or system.failed in the caller's mailbox `main`
 *  Owns:   the bus, the router's thread, the mailbox `main`
 *  Thread: the one that started it (the main thread of `openclaw gateway`, `openclaw agent`)
 *
 *  The router starts and supervises everything else: store, providers, gateway, session threads. */
#ifndef ACTORS_SYSTEM_H
#define ACTORS_SYSTEM_H

#include "base/config.h"
#include "bus/bus.h"

typedef struct system system_t;

enum {
    SYSTEM_START_TIMEOUT_MS = 30000, /* until system.ready */
    SYSTEM_DRAIN_MS = 20000,         /* default time for running turns after the first SIGTERM */
};

struct system_options {
    config_t *config;        /* a reference is taken */
    const char *state_dir;   /* where openclaw.sqlite lives */
    bool gateway;            /* listen for HTTP; false for one turn in process */
    const char *bind_host;   /* address the gateway binds ("127.0.0.1", "0.0.0.0"); with loopback also [::1] when it can */
    int port;                /* 0: any free one */
    struct str token;        /* overrides the config's token; empty: does not */
    struct str config_note;  /* shown by /readyz when the config is not the wanted one; empty: all is well */
    const char *config_path; /* watched, and read again when it changes (actors/reload.h); NULL: it is not */
    struct env env;          /* for reading it again; its source outlives the system */
    bool verbose;            /* the log stays at debug whatever the configuration says */
};

/** Start and wait until everything runs.
 *  @param why   appended on failure: what went wrong and what to do
 *  @param port  the gateway's port
 *  @return 0; GW_EBUSY (state directory or port in use), GW_EIO, GW_ETIMEOUT, GW_ENOMEM, GW_ESYS; *out is NULL then */
int system_start(const struct system_options *options, system_t **out, int *port, struct buf *why);

/** The mailbox `main`; for turn.submit by an in-process client, and to wait on. */
mailbox_t *system_mailbox(system_t *system);

/** Ask everything to stop: refuse new turns, give running ones budget_ms, then end every actor. Returns at once;
 *  system.stopped arrives in the mailbox. May be called again with a smaller budget. */
int system_drain(system_t *system, int budget_ms);

/** Read the configuration file now, whatever its watch has seen. Returns at once; the log tells how it went.
 *  @return as mailbox_send() */
int system_reload(system_t *system);

/** End and free. Without a drain before, stops at once: nothing accepted is lost, it is taken up at the next start. */
void system_destroy(system_t **system_p);

#endif
