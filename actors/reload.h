/** actors/reload.h -- sees that the configuration file changed, and puts a good new one in force.
 *
 *  In:     changes of the file, of what it includes and of the links on the way (inotify); config.reload
 *  Out:    config.changed to the router; config.reloaded to whoever asked; <state>/openclaw.last-good.json
 *  Owns:   the watches
 *  Thread: its own; supervised by the router
 *  Source: DESIGN sections 8.9 and 10; reference gateway-protocol 7 (hot reload, 300 ms)
 *
 *  A file with errors changes nothing but the note that /readyz shows. Where the kernel gives no watch, files are looked at
 *  every RELOAD_LOOK_MS instead. */
#ifndef ACTORS_RELOAD_H
#define ACTORS_RELOAD_H

#include "base/config.h"
#include "bus/bus.h"

enum {
    RELOAD_FOLDERS_MAX = 2 * CONFIG_FILES_MAX, /* folders watched: of each file, and of what it is a link to */
    RELOAD_LOOK_MS = 5000,                     /* without watches: time between two looks at the files */
    RELOAD_SETTLE_FACTOR = 10,                 /* changes that go on for this many debounce times do not put it off any longer */
};

struct reload_options {
    struct env env;  /* for config_load(); its source outlives the actor */
    char *path;      /* of the configuration file; owned by the actor */
    char *state_dir; /* owned by the actor */
    bool verbose;    /* the log level stays at debug */
};

actor_fn reload_actor; /* arg: struct reload_options *, allocated; freed by the actor */

/** Free options that no actor took. Safe on NULL. */
void reload_options_free(struct reload_options *options);

#endif
