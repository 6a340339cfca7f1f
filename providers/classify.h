/** providers/classify.h -- from an error answer to a failure class, a waiting time and a text.
 *
 *  In:     HTTP status, error body or error event      Out: struct model_failure
 *  Owns:   nothing
 *  Thread: any; pure
 *
 *  The class comes from the status and from code fields, in this order: codes that say more than a status, a few known
 *  texts (context overflow, billing, model ids) where the status says little (400, 413, 422, 500, …), the status, codes that
 *  merely repeat it. Digits in a text decide nothing.
 *  Source: the error pages of OpenAI, OpenRouter, Google (google.rpc.Code, ErrorInfo, RetryInfo) and Anthropic, 2026-02. */
#ifndef PROVIDERS_CLASSIFY_H
#define PROVIDERS_CLASSIFY_H

#include <jansson.h>

#include "providers/provider.h"

enum { CLASSIFY_RETRY_MAX_S = 7 * 24 * 3600 }; /* seconds; a longer Retry-After counts as this */

/** The class of a status alone; FAILURE_none for 2xx. */
enum failure classify_status(int http_status);

/** The class of a code, type, status or reason word of any provider ("insufficient_quota"); FAILURE_none when unknown. */
enum failure classify_code(struct str code);

/** An error answer of any dialect; fits provider.failure. Never gives FAILURE_none. */
void classify_failure(int http_status, struct str body, struct model_failure *out, struct buf *text);

/** An error object in a body or event: {"error": {…}}, {"error": "text"}, [{"error": …}], {"message": …}.
 *  @param http_status  the answer's, or 200 for an error inside a good one: then a numeric code field is the status */
void classify_json(const json_t *root, int http_status, struct model_failure *out, struct buf *text);

/** Retry-After: seconds, with or without a fraction, or an HTTP date (RFC 9110, sections 10.2.3 and 5.6.7).
 *  @return milliseconds to wait, 0 for the past, at most CLASSIFY_RETRY_MAX_S, or -1 when it says nothing. */
int64_t classify_retry_after(struct str value, int64_t now_ms);

#endif
