#include "base/err.h"

const char *err_text(int code)
{
    switch (code) {
    case 0: return "ok";
#define ERR(name, value, text)                                                                                                             \
    case value:                                                                                                                            \
        return text;
#include "base/err.def"
#undef ERR
    default: return "unknown error";
    }
}

const char *err_name(int code)
{
    switch (code) {
    case 0: return "GW_OK";
#define ERR(name, value, text)                                                                                                             \
    case value:                                                                                                                            \
        return #name;
#include "base/err.def"
#undef ERR
    default: return "GW_UNKNOWN";
    }
}
