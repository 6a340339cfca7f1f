#include "tests/support/rig.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

#include "bus/hub.h"

enum { RIG_ACTORS_MAX = 64 };

struct rig {
    bus_t *bus;
    hub_t *hub;
    pthread_t router;
    mailbox_t *mailbox;
    actor_t *actors[RIG_ACTORS_MAX];
    char names[RIG_ACTORS_MAX][MSG_NAME_MAX + 1];
    size_t actor_count;
    pthread_mutex_t lock; /* over ready */
    pthread_cond_t changed;
    char ready[RIG_ACTORS_MAX][MSG_NAME_MAX + 1]; /* who has said hello */
    size_t ready_count;
};

static void note_ready(rig_t *rig, const char *name)
{
    pthread_mutex_lock(&rig->lock);
    if (rig->ready_count < RIG_ACTORS_MAX) str_copy(rig->ready[rig->ready_count++], MSG_NAME_MAX + 1, str_of(name));
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->lock);
}

static void *route(void *arg)
{
    rig_t *rig = arg;
    struct msg in;
    for (;;) {
        int rc = hub_recv(rig->hub, -1, &in);
        if (rc == GW_ECLOSED) break;
        if (rc) continue;
        struct msg pong = { .kind = MSG_router_pong, .corr = in.corr };
        pong.router_pong.json = STR("{}");
        if (in.kind == MSG_router_ping) hub_send(rig->hub, in.from, &pong, NULL);
        if (in.kind == MSG_actor_hello) note_ready(rig, in.from);
        msg_clear(&in);
    }
    hub_close(&rig->hub);
    return NULL;
}

rig_t *rig_start(void)
{
    rig_t *rig = calloc(1, sizeof *rig);
    cr_assert(rig);
    pthread_mutex_init(&rig->lock, NULL);
    pthread_cond_init(&rig->changed, NULL);
    cr_assert(bus_create(&rig->bus) == 0 && hub_open(rig->bus, &rig->hub) == 0);
    cr_assert(pthread_create(&rig->router, NULL, route, rig) == 0);
    cr_assert(mailbox_open(rig->bus, "test", 0, &rig->mailbox) == 0);
    return rig;
}

bus_t *rig_bus(rig_t *rig)
{
    return rig->bus;
}

mailbox_t *rig_mailbox(rig_t *rig)
{
    return rig->mailbox;
}

void rig_stop(rig_t **rig_p)
{
    rig_t *rig = *rig_p;
    struct msg stop = { .kind = MSG_actor_stop };
    for (size_t i = 0; i < rig->actor_count; i++) mailbox_send(rig->mailbox, rig->names[i], &stop);
    for (size_t i = 0; i < rig->actor_count; i++) actor_join(&rig->actors[i]);
    mailbox_close(&rig->mailbox);
    bus_shutdown(rig->bus);
    pthread_join(rig->router, NULL);
    bus_destroy(&rig->bus);
    free(rig);
    *rig_p = NULL;
}

static bool is_ready(const rig_t *rig, const char *name)
{
    for (size_t i = 0; i < rig->ready_count; i++)
        if (strcmp(rig->ready[i], name) == 0) return true;
    return false;
}

static void wait_until_ready(rig_t *rig, const char *name)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RIG_WAIT_MS / 1000;
    pthread_mutex_lock(&rig->lock);
    int rc = 0;
    while (rc == 0 && !is_ready(rig, name)) rc = pthread_cond_timedwait(&rig->changed, &rig->lock, &until);
    pthread_mutex_unlock(&rig->lock);
    cr_assert(rc == 0, "%s did not open its mailbox", name);
}

void rig_spawn(rig_t *rig, const char *name, actor_fn *fn, void *arg)
{
    size_t i = rig->actor_count;
    cr_assert(i < RIG_ACTORS_MAX);
    cr_assert(str_copy(rig->names[i], sizeof rig->names[i], str_of(name)) == 0);
    cr_assert(actor_spawn(rig->bus, name, 0, fn, arg, &rig->actors[i]) == 0);
    rig->actor_count++;
    wait_until_ready(rig, name);
}

struct msg rig_ask(rig_t *rig, const char *to, struct msg question)
{
    struct msg answer;
    int rc = mailbox_ask(rig->mailbox, to, &question, RIG_WAIT_MS, &answer);
    cr_assert(rc == 0, "asking %s for %s: %s", to, msg_kind_name(question.kind), err_name(rc));
    return answer;
}

struct msg rig_next(rig_t *rig)
{
    struct msg m;
    int rc = mailbox_recv(rig->mailbox, RIG_WAIT_MS, &m);
    cr_assert(rc == 0, "nothing came: %s", err_name(rc));
    return m;
}
