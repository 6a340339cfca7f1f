/** base/config_shared.h -- the one place of the process that holds the configuration in force.
 *
 *  In:     a new configuration, what is to be said about it
 *  Out:    references to it; each actor takes the new one where it can, and keeps its own until then
 *  Owns:   one reference, two texts
 *  Thread: any; a lock inside
 *  Source: DESIGN section 10 */
#ifndef BASE_CONFIG_SHARED_H
#define BASE_CONFIG_SHARED_H

#include "base/config.h"

enum { CONFIG_SHARED_TEXT_MAX = 1024 }; /* bytes of a text below; what is longer is cut */

/** Put `cfg` in force; a reference to it is taken, that to the one before is given back. Counts the generation up.
 *  The note is forgotten: the file and what is in force are the same again. */
void config_shared_set(config_t *cfg);

/** A new reference to the configuration in force; NULL when there is none yet.
 *  @param generation  which one it is, from 1; may be NULL */
config_t *config_shared_get(int64_t *generation);

/** Give *cfg_p back and leave a reference to the one in force there, when that is another generation than *generation.
 *  @return whether it was; whoever borrowed from the old one must then forget what it borrowed */
bool config_shared_take(config_t **cfg_p, int64_t *generation);

/** Say why what is in force is not what the file says (it has errors); empty: it is. Counts the generation up. */
void config_shared_set_note(struct str note);

/** Name the settings, one a line, whose new value waits for a restart of the process; empty: none does. */
void config_shared_set_restart(struct str paths);

/** Append both texts; either may be NULL. */
void config_shared_texts(struct buf *note, struct buf *restart);

#endif
