/** base/config_redact.h -- a configuration that may be shown: secrets hidden by their place, and put back when it returns.
 *
 *  In:     the text of a file, what a client sends back
 *  Out:    the text with CONFIG_REDACTED where a secret stood; the text as it is to be written
 *  Owns:   nothing
 *  Thread: any
 *  Source: reference gateway-protocol 7 (config.get); DESIGN 9: by place, not by searching for the secret's text
 *
 *  A place is secret by base/config.def or by its name (...token, password, secret, api key). A text that is "${NAME}" and
 *  nothing else is shown: it names a variable. Comments are shown as they are. */
#ifndef BASE_CONFIG_REDACT_H
#define BASE_CONFIG_REDACT_H

#include "base/config.h"

#define CONFIG_REDACTED "__OPENCLAW_REDACTED__"

/** Append `text` with its secrets replaced. @return 0; GW_EPARSE, GW_ELIMIT for a text that is not JSON5: nothing is appended,
 *  because nobody can tell where its secrets are; GW_ENOMEM */
int config_redact_text(struct str text, struct buf *out);

/** Append `fresh`, which a client made from what it was shown, as it is to be written: where it holds CONFIG_REDACTED, or the
 *  value that a variable gave, stands what `disk` has at the same place. Elements of a list are the same when their `id` is,
 *  or without one when they stand at the same index of lists of one length.
 *  @param disk      the file's text; empty: there is none
 *  @param resolved  the same file read, includes and variables put in; NULL: not known
 *  @param why       appended when a CONFIG_REDACTED stands for nothing: OpenClaw's sentence
 *  @return 0, GW_EINVAL (see why), GW_EPARSE, GW_ELIMIT, GW_ENOMEM */
int config_redact_restore(struct str fresh, struct str disk, const config_t *resolved, struct buf *out, struct buf *why);

#endif
