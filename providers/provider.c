#include "providers/provider.h"

#define PROVIDER(name, api) extern const struct provider provider_##name;
#include "providers/providers.def"
#undef PROVIDER

static const struct row {
    const char *api;
    const struct provider *provider;
} rows[] = {
#define PROVIDER(name, api) { api, &provider_##name },
#include "providers/providers.def"
#undef PROVIDER
};

const struct provider *provider_find(struct str api)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (str_is(api, rows[i].api)) return rows[i].provider;
    return NULL;
}

void http_request_free(struct http_request *r)
{
    buf_free(&r->url);
    buf_free(&r->headers);
    buf_free(&r->body);
}
