/** tests/support/provider_rig.h -- plays a recorded answer into a model stream and writes the outcome as text.
 *
 *  In:     a dialect, a status, body bytes and where to cut them       Out: one text that two runs can be compared by
 *  Owns:   what it returns belongs to the caller (free)                Thread: any */
#ifndef TESTS_SUPPORT_PROVIDER_RIG_H
#define TESTS_SUPPORT_PROVIDER_RIG_H

#include "providers/provider.h"

struct rig_answer {
    const char *api;
    int status;
    const char *content_type;
    const char *retry_after;
    enum failure transport;
};

/** A file of tests/data. Aborts the test when it cannot be read. */
struct buf rig_load(const char *path);

/** Feed the body in pieces of `first`, then `rest` bytes (0: all that is left) and finish. */
char *rig_run(const struct rig_answer *answer, struct str body, size_t first, size_t rest);

/** The outcome of the whole body must be `expected`, and the same when it is cut in two at every byte, fed byte by byte, and,
 *  for an event stream, when its lines end in CRLF or CR or it begins with a comment. */
void rig_check(const struct rig_answer *answer, struct str body, const char *expected);

/** The same with a file of tests/data. */
void rig_check_file(const struct rig_answer *answer, const char *path, const char *expected);

/** The request a dialect builds, as "url\nheader\n...\n\n" with the body left in *body (a JSON text; free). NULL: it refused. */
char *rig_request(const char *api, const struct provider_endpoint *endpoint, const struct model_request *request, char **body);

/** True when both texts are JSON and mean the same; prints both when not. */
bool rig_same_json(const char *got, const char *expected);

#endif
