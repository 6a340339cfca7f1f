#include <stdlib.h>

#include "bus/bus.h"

static int send_by_mailbox(void *ctx, const char *to, const struct msg *m)
{
    return mailbox_send(ctx, to, m);
}

int serve(mailbox_t *mb, void *self, step_fn *step)
{
    const struct post post = { send_by_mailbox, mb };
    struct msg in;
    for (;;) {
        int rc = mailbox_recv(mb, -1, &in);
        if (rc == GW_EBADMSG) continue; /* logged by the bus: the sender's fault, not ours */
        if (rc != 0) return rc == GW_ECLOSED ? 0 : rc;
        bool stop = in.kind == MSG_actor_stop;
        int err = stop ? 0 : step(self, &in, &post);
        struct msg no = msg_error(&in, err);
        if (err != 0 && in.kind != MSG_error) mailbox_send(mb, in.from, &no); /* errors are never answered */
        msg_clear(&in);
        if (stop) return 0;
    }
}
