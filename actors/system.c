#include "actors/system.h"

#include <stdlib.h>

#include "actors/router.h"
#include "base/clock.h"

struct system {
    bus_t *bus;
    actor_t *router;
    mailbox_t *mailbox;
};

static struct router_options *options_of(const struct system_options *from, bus_t *bus)
{
    struct router_options *o = calloc(1, sizeof *o);
    if (!o) return NULL;
    o->bus = bus;
    o->config = config_ref(from->config);
    o->gateway = from->gateway;
    o->port = from->port;
    str_copy(o->bind_host, sizeof o->bind_host, str_of(from->bind_host));
    o->state_dir = str_dup(str_of(from->state_dir));
    if (from->token.n) o->token = str_dup(from->token);
    if (from->config_note.n) o->config_note = str_dup(from->config_note);
    if (from->config_path) o->config_path = str_dup(str_of(from->config_path));
    o->env = from->env;
    o->verbose = from->verbose;
    return o;
}

static void free_options(struct router_options *o)
{
    if (!o) return;
    config_unref(&o->config);
    free(o->state_dir);
    free(o->token);
    free(o->config_note);
    free(o->config_path);
    free(o);
}

/* Wait for system.ready or system.failed. */
static int await_ready(system_t *s, int *port, struct buf *why)
{
    int64_t deadline = clock_mono_ms() + SYSTEM_START_TIMEOUT_MS;
    for (;;) {
        struct msg m;
        int rc = mailbox_recv(s->mailbox, clock_left_ms(deadline), &m);
        if (rc == GW_ETIMEOUT) buf_printf(why, "the gateway did not start within %d ms", SYSTEM_START_TIMEOUT_MS);
        if (rc) return rc;
        bool failed = m.kind == MSG_system_failed, ready = m.kind == MSG_system_ready;
        if (failed) rc = (int)m.system_failed.code;
        if (failed) buf_add(why, m.system_failed.text);
        if (ready) *port = (int)m.system_ready.port;
        msg_clear(&m);
        if (failed || ready) return rc;
    }
}

int system_start(const struct system_options *options, system_t **out, int *port, struct buf *why)
{
    *out = NULL;
    *port = 0;
    int rc = GW_ENOMEM;
    struct router_options *o = NULL;
    system_t *s = calloc(1, sizeof *s);
    if (!s) return rc;
    rc = bus_create(&s->bus);
    if (rc) goto fail;
    o = options_of(options, s->bus);
    rc = o ? hub_spawn(s->bus, router_run, o, &s->router) : GW_ENOMEM;
    if (rc) goto fail;
    o = NULL; /* the router's from here on */
    rc = mailbox_open(s->bus, "main", 0, &s->mailbox);
    if (rc == 0) rc = await_ready(s, port, why);
    if (rc) goto fail;
    *out = s;
    return 0;
fail:
    if (why->n == 0) buf_text(why, err_text(rc));
    free_options(o);
    system_destroy(&s);
    return rc;
}

mailbox_t *system_mailbox(system_t *system)
{
    return system->mailbox;
}

int system_drain(system_t *system, int budget_ms)
{
    struct msg m = { .kind = MSG_system_drain };
    m.system_drain.budget_ms = budget_ms;
    return mailbox_send(system->mailbox, "router", &m);
}

int system_reload(system_t *system)
{
    const struct msg m = { .kind = MSG_config_reload }; /* corr 0: nothing is answered */
    return mailbox_send(system->mailbox, "reload", &m);
}

void system_destroy(system_t **system_p)
{
    system_t *s = *system_p;
    if (!s) return;
    mailbox_close(&s->mailbox);
    if (s->bus) bus_shutdown(s->bus);
    actor_join(&s->router);
    bus_destroy(&s->bus);
    free(s);
    *system_p = NULL;
}
