#include "channels/channel.h"

static const struct channel *const all[] = {
#define CHANNEL(id) &channel_##id,
#include "channels/channels.def"
#undef CHANNEL
    NULL,
};

const struct channel *const *channels_all(void)
{
    return all;
}

const struct channel *channel_find(struct str id)
{
    for (const struct channel *const *c = all; *c; c++)
        if (str_is(id, (*c)->id)) return *c;
    return NULL;
}
