#include "actors/curl_api.h"

#include <dlfcn.h>

#include "base/err.h"

static const char *reason(void)
{
    const char *text = dlerror();
    return text ? text : "unknown reason";
}

static int look_up(struct curl_api *api)
{
#define LOOK_UP(name)                                                                                                                      \
    api->name = (__typeof__(curl_##name) *)dlsym(api->library, "curl_" #name);                                                             \
    if (!api->name) return GW_ENOENT;
    CURL_API_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    return 0;
}

int curl_api_open(struct curl_api *out, const char *file, struct buf *why)
{
    struct curl_api api = { 0 };
    *out = api;
    /* NODELETE: the thirty libraries behind it were not made to be unmapped while other threads run (they leave
     * destructors for the ends of threads), and a restarted provider finds them again at no cost. */
    api.library = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    int rc = api.library ? look_up(&api) : GW_ENOENT;
    if (rc) {
        buf_printf(why, "libcurl, which asks the models, cannot be loaded (%s): install it, in Debian the package libcurl4", reason());
    } else if (api.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        buf_text(why, "libcurl, which asks the models, cannot be initialised: curl_global_init failed");
        rc = GW_ESYS;
    }
    if (rc == 0) {
        *out = api;
    } else if (api.library) {
        dlclose(api.library);
    }
    return rc;
}

void curl_api_close(struct curl_api *api)
{
    if (!api->library) return;
    api->global_cleanup();
    dlclose(api->library);
    *api = (struct curl_api){ 0 };
}
