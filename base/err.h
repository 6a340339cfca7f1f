/** base/err.h -- the error codes that functions and messages return.
 *
 *  0 is success, every failure is a negative GW_E*. The list is base/err.def. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define ERR(name, value, text) name = (value),
enum gw_err {
    GW_OK = 0,
#include "base/err.def"
};
#undef ERR

/** The English text of a code.
 *  @param code  0 or a GW_E*
 *  @return a static string; "unknown error" for a code that is not in err.def. Any thread. */
const char *err_text(int code);

/** The code's own name, for logs ("GW_EFULL"). @return a static string. Any thread. */
const char *err_name(int code);

#endif
