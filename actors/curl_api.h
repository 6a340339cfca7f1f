/** actors/curl_api.h -- libcurl, opened when the first request to a model needs it.
 *
 *  In, Out: nothing; a table of libcurl's functions under their own types
 *  Owns:    a reference to the loaded library
 *  Thread:  the one that opened it; several threads may each open their own
 *  Source:  docs/adr/0009-lazy-libcurl.md */
#ifndef ACTORS_CURL_API_H
#define ACTORS_CURL_API_H

#include <curl/curl.h>

#include "base/buf.h"

/* From 7.84 on curl_global_init() may be called by several threads; CURLOPT_PROTOCOLS_STR came with 7.85. */
_Static_assert(LIBCURL_VERSION_NUM >= 0x075500, "libcurl 7.85 or newer is needed");

#define CURL_API_FILE "libcurl.so.4" /* its name since 2006; Debian: libcurl4 */

#define CURL_API_FUNCTIONS(X)                                                                                                              \
    X(global_init)                                                                                                                         \
    X(global_cleanup)                                                                                                                      \
    X(slist_append)                                                                                                                        \
    X(slist_free_all)                                                                                                                      \
    X(easy_init)                                                                                                                           \
    X(easy_setopt)                                                                                                                         \
    X(easy_perform)                                                                                                                        \
    X(easy_getinfo)                                                                                                                        \
    X(easy_reset)                                                                                                                          \
    X(easy_cleanup)                                                                                                                        \
    X(easy_strerror)                                                                                                                       \
    X(multi_init)                                                                                                                          \
    X(multi_setopt)                                                                                                                        \
    X(multi_add_handle)                                                                                                                    \
    X(multi_remove_handle)                                                                                                                 \
    X(multi_perform)                                                                                                                       \
    X(multi_info_read)                                                                                                                     \
    X(multi_socket_action)                                                                                                                 \
    X(multi_poll)                                                                                                                          \
    X(multi_cleanup)

/* curl_easy_init() is called as api.easy_init(), and so on. All NULL: not open. */
struct curl_api {
    void *library;
#define CURL_API_MEMBER(name) __typeof__(curl_##name) *name;
    CURL_API_FUNCTIONS(CURL_API_MEMBER)
#undef CURL_API_MEMBER
};

/** Load libcurl and initialise it. Takes some milliseconds the first time in a process.
 *  @param file  CURL_API_FILE; tests give others
 *  @param why   on failure, what is missing and how to get it is appended
 *  @return 0 and the caller ends with curl_api_close(); GW_ENOENT when the library or a function of it is missing, GW_ESYS
 *          when it cannot be initialised; *out is then zeroed */
int curl_api_open(struct curl_api *out, const char *file, struct buf *why);

/** After every handle was cleaned up. Safe on a zeroed one. */
void curl_api_close(struct curl_api *api);

#endif
