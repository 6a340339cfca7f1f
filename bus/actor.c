#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "bus/hub.h"

struct actor {
    pthread_t thread;
    bus_t *bus;
    actor_fn *fn; /* of an actor */
    int queue;
    hub_fn *hub_fn; /* of the router */
    hub_t *hub;
    void *arg;
    char name[MSG_NAME_MAX + 1];
};

static void set_name(const actor_t *a)
{
    char name[16]; /* the kernel's limit */
    snprintf(name, sizeof name, "%.15s", a->name);
    pthread_setname_np(pthread_self(), name);
    log_set_actor(a->name);
}

static void *run_hub(void *memory)
{
    actor_t *a = memory;
    set_name(a);
    a->hub_fn(a->hub, a->arg);
    hub_close(&a->hub);
    return NULL;
}

static void *run(void *memory)
{
    actor_t *a = memory;
    mailbox_t *mb;
    set_name(a);
    int rc = mailbox_open(a->bus, a->name, a->queue, &mb);
    if (rc) {
        if (rc != GW_ECLOSED) log_event(LOG_ERROR, "actor_not_opened", LOG_T("code", err_name(rc)));
        mb = mailbox_closed(); /* the actor owns its argument: it finds its mailbox closed, and frees that */
        if (mb) a->fn(mb, a->arg);
        mailbox_close(&mb);
        return NULL;
    }
    rc = a->fn(mb, a->arg);
    struct msg ended = { .kind = MSG_actor_ended };
    ended.actor_ended.code = rc < 0 ? rc : 0;
    mailbox_send(mb, "router", &ended);
    mailbox_close(&mb);
    return NULL;
}

static int start(actor_t *a, void *(*body)(void *))
{
    pthread_attr_t attr;
    sigset_t all, before;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, BUS_STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
    int failed = pthread_create(&a->thread, &attr, body, a);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return failed ? GW_ESYS : 0;
}

int actor_spawn(bus_t *bus, const char *name, int queue, actor_fn *fn, void *arg, actor_t **out)
{
    *out = NULL;
    actor_t *a = calloc(1, sizeof *a);
    if (!a) return GW_ENOMEM;
    *a = (actor_t){ .bus = bus, .fn = fn, .arg = arg, .queue = queue };
    int rc = str_copy(a->name, sizeof a->name, str_of(name)) ? GW_EINVAL : start(a, run);
    if (rc) {
        free(a);
        return rc;
    }
    *out = a;
    return 0;
}

int hub_spawn(bus_t *bus, hub_fn *fn, void *arg, actor_t **out)
{
    *out = NULL;
    actor_t *a = calloc(1, sizeof *a);
    if (!a) return GW_ENOMEM;
    *a = (actor_t){ .bus = bus, .hub_fn = fn, .arg = arg, .name = HUB_NAME };
    int rc = hub_open(bus, &a->hub);
    if (rc == 0) rc = start(a, run_hub);
    if (rc) {
        if (a->hub) hub_close(&a->hub);
        free(a);
        return rc;
    }
    *out = a;
    return 0;
}

void actor_join(actor_t **actor_p)
{
    if (!*actor_p) return;
    pthread_join((*actor_p)->thread, NULL);
    free(*actor_p);
    *actor_p = NULL;
}
