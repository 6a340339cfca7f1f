/** cli/audit.h -- what about this installation's safety should be said: secrets, permissions, where it listens.
 *
 *  Thread: the main one */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include <jansson.h>

#include "cli/configuration.h"

/** The findings of a configuration: {ts, summary{critical, warn, info}, findings[{checkId, severity, title, detail}]}.
 *  No secret is in it. The caller json_decref()s. @return NULL when memory is out */
json_t *audit_run(const struct configuration *c);

/** Print it: the summary and a line or two for each finding. */
void audit_show(const json_t *audit);

#endif
