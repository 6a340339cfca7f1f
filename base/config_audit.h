/** base/config_audit.h -- <state>/logs/config-audit.jsonl: who changed the configuration file, and from what to what, as hashes.
 *
 *  Thread: as base/config_write.h, which calls it
 *  Source: frame state-config-audit-line */
#ifndef BASE_CONFIG_AUDIT_H
#define BASE_CONFIG_AUDIT_H

#include "base/config_write.h"

/** Append the line of a write that has succeeded. A failure is logged and stops nothing. */
void config_audit(const struct config_write *w);

#endif
