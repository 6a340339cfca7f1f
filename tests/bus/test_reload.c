/* The reload actor: it sees changes however they come, puts good files in force, and keeps off bad ones. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/reload.h"
#include "base/config_shared.h"
#include "bus/hub.h"
#include "support/tempdir.h"

enum { RELOAD_TEST_MS = 10000 };

static char dir[TEMPDIR_MAX];

static const char *variable(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "OPENCLAW_STATE_DIR") == 0 || strcmp(name, "HOME") == 0 ? dir : NULL;
}

/* The router: what it is told goes to the test. */
static int route(hub_t *hub, void *arg)
{
    (void)arg;
    for (;;) {
        struct msg in;
        int rc = hub_recv(hub, -1, &in);
        if (rc == GW_ECLOSED) return 0;
        if (rc) continue;
        if (in.kind == MSG_config_changed) hub_send(hub, "test", &in, NULL);
        msg_clear(&in);
    }
}

struct bench {
    bus_t *bus;
    actor_t *router, *reload;
    mailbox_t *mailbox;
    char path[TEMPDIR_MAX + 64];
};

static void put(const char *name, const char *text)
{
    char path[TEMPDIR_MAX + 128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0, "%s", path);
}

/* As editors do: a new file takes the name. */
static void put_anew(const char *name, const char *text)
{
    char from[TEMPDIR_MAX + 128], to[TEMPDIR_MAX + 128];
    put(".fresh", text);
    snprintf(from, sizeof from, "%s/.fresh", dir);
    snprintf(to, sizeof to, "%s/%s", dir, name);
    cr_assert(rename(from, to) == 0);
}

static int64_t port(void)
{
    config_t *cfg = config_shared_get(NULL);
    int64_t n = config_gateway(cfg)->port;
    config_unref(&cfg);
    return n;
}

/* The actor on the file `name`, which is good and in force. */
static struct bench start(const char *name)
{
    struct bench b = { 0 };
    struct reload_options *o = calloc(1, sizeof *o);
    struct config_problems problems = { 0 };
    config_t *cfg = NULL;
    snprintf(b.path, sizeof b.path, "%s/%s", dir, name);
    o->env = (struct env){ variable, NULL };
    o->path = str_dup(str_of(b.path));
    o->state_dir = str_dup(str_of(dir));
    cr_assert(config_load(b.path, &o->env, &cfg, &problems) == 0);
    config_shared_set(cfg);
    config_unref(&cfg);
    config_problems_free(&problems);
    cr_assert(bus_create(&b.bus) == 0 && hub_spawn(b.bus, route, NULL, &b.router) == 0);
    cr_assert(mailbox_open(b.bus, "test", 0, &b.mailbox) == 0);
    cr_assert(actor_spawn(b.bus, "reload", 0, reload_actor, o, &b.reload) == 0);
    return b;
}

/* Ask until it hears, so that its watches stand. @return what it answered */
static int ask(struct bench *b, struct buf *text)
{
    const struct msg q = { .kind = MSG_config_reload };
    struct msg a;
    while (mailbox_ask(b->mailbox, "reload", &q, RELOAD_TEST_MS, &a) != 0) continue;
    int code = (int)a.config_reloaded.code;
    if (text) buf_add(text, a.config_reloaded.text);
    msg_clear(&a);
    return code;
}

static int64_t changed(struct bench *b)
{
    struct msg m;
    int rc = mailbox_recv(b->mailbox, RELOAD_TEST_MS, &m);
    cr_assert(rc == 0 && m.kind == MSG_config_changed, "%s", err_name(rc));
    int64_t generation = m.config_changed.generation;
    msg_clear(&m);
    return generation;
}

static void begin(void)
{
    tempdir_make(dir);
}

static void stop(struct bench *b)
{
    const struct msg m = { .kind = MSG_actor_stop };
    cr_assert(mailbox_send(b->mailbox, "reload", &m) == 0);
    actor_join(&b->reload);
    mailbox_close(&b->mailbox);
    bus_shutdown(b->bus);
    actor_join(&b->router);
    bus_destroy(&b->bus);
    tempdir_remove(dir);
}

static struct bench start_plain(void)
{
    put("openclaw.json", "{gateway: {port: 1111, reload: {debounceMs: 1}}}");
    struct bench b = start("openclaw.json");
    cr_assert(ask(&b, NULL) == 0);
    changed(&b);
    return b;
}

Test(reload, takes_a_file_that_was_written_in_place, .init = begin, .timeout = 30)
{
    struct bench b = start_plain();
    put("openclaw.json", "{gateway: {port: 2222, reload: {debounceMs: 1}}}");
    while (port() != 2222) changed(&b); /* a write in two steps may be seen half done */
    put_anew("openclaw.json", "{gateway: {port: 3333}}");
    changed(&b);
    cr_assert(port() == 3333);
    stop(&b);
}

Test(reload, generations_count_up_and_the_good_file_is_kept, .init = begin, .timeout = 30)
{
    struct bench b = start_plain();
    char path[TEMPDIR_MAX + 64];
    int64_t last = 0;
    for (int i = 0; i < 3; i++) {
        cr_assert(ask(&b, NULL) == 0);
        int64_t now = changed(&b);
        cr_assert(now > last);
        last = now;
    }
    snprintf(path, sizeof path, "%s/openclaw.last-good.json", dir);
    cr_assert(access(path, R_OK) == 0);
    stop(&b);
}

static void expect_note(const char *part)
{
    struct buf note = { 0 };
    config_shared_texts(&note, NULL);
    cr_assert(part ? str_find(buf_str(&note), str_of(part)) >= 0 : note.n == 0, "%s", buf_cstr(&note));
    buf_free(&note);
}

Test(reload, a_file_with_errors_changes_nothing_but_the_note, .init = begin, .timeout = 30)
{
    struct bench b = start_plain();
    struct buf text = { 0 };
    put_anew("openclaw.json", "{\n gateway: {port: 'x'}}");
    changed(&b);
    cr_assert(port() == 1111);
    expect_note("gateway.port: ");
    expect_note("has errors since 2");
    expect_note("(line 2)");
    cr_assert(ask(&b, &text) == GW_ECONFIG && str_find(buf_str(&text), STR("gateway.port")) >= 0);
    changed(&b);
    put_anew("openclaw.json", "{gateway: {port: 2222}}");
    changed(&b);
    cr_assert(port() == 2222);
    expect_note(NULL);
    buf_free(&text);
    stop(&b);
}

Test(reload, a_file_that_is_gone_changes_nothing_until_it_is_back, .init = begin, .timeout = 30)
{
    struct bench b = start_plain();
    cr_assert(unlink(b.path) == 0);
    changed(&b);
    cr_assert(port() == 1111);
    expect_note("openclaw.json");
    put_anew("openclaw.json", "{gateway: {port: 2222}}");
    changed(&b);
    cr_assert(port() == 2222);
    stop(&b);
}

Test(reload, sees_included_files_and_mends_one_that_is_broken, .init = begin, .timeout = 30)
{
    put("ports.json", "{port: 1111}");
    put("openclaw.json", "{gateway: {$include: 'ports.json', reload: {debounceMs: 1}}}");
    struct bench b = start("openclaw.json");
    cr_assert(ask(&b, NULL) == 0);
    changed(&b);
    put_anew("ports.json", "{port: 2222}");
    changed(&b);
    cr_assert(port() == 2222);
    put_anew("ports.json", "{port: ");
    changed(&b);
    cr_assert(port() == 2222);
    put_anew("ports.json", "{port: 3333}");
    changed(&b);
    cr_assert(port() == 3333);
    stop(&b);
}

static void make_version(const char *name, const char *text)
{
    char path[TEMPDIR_MAX + 64], file[64];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    cr_assert(mkdir(path, 0755) == 0);
    snprintf(file, sizeof file, "%s/openclaw.json", name);
    put(file, text);
}

/* What kubelet does with a ConfigMap: a new folder, and `..data` renamed over the old link. */
static void point_data_at(const char *version)
{
    char fresh[TEMPDIR_MAX + 64], data[TEMPDIR_MAX + 64];
    snprintf(fresh, sizeof fresh, "%s/..data_tmp", dir);
    snprintf(data, sizeof data, "%s/..data", dir);
    cr_assert(symlink(version, fresh) == 0 && rename(fresh, data) == 0);
}

Test(reload, takes_a_configmap_whose_data_link_was_swapped, .init = begin, .timeout = 30)
{
    char link[TEMPDIR_MAX + 64];
    snprintf(link, sizeof link, "%s/openclaw.json", dir);
    make_version("..one", "{gateway: {port: 1111, reload: {debounceMs: 1}}}");
    make_version("..two", "{gateway: {port: 2222, reload: {debounceMs: 1}}}");
    make_version("..six", "{gateway: {port: 6666, reload: {debounceMs: 1}}}");
    point_data_at("..one");
    cr_assert(symlink("..data/openclaw.json", link) == 0);
    struct bench b = start("openclaw.json");
    cr_assert(ask(&b, NULL) == 0);
    changed(&b);
    point_data_at("..two");
    changed(&b);
    cr_assert(port() == 2222);
    point_data_at("..six");
    changed(&b);
    cr_assert(port() == 6666);
    stop(&b);
}

Test(reload, what_only_stands_beside_the_file_is_no_change, .init = begin, .timeout = 30)
{
    struct bench b = start_plain();
    struct msg m;
    put("neighbour.json", "{");
    cr_assert(ask(&b, NULL) == 0); /* it has seen the neighbour by now */
    changed(&b);
    cr_assert(mailbox_recv(b.mailbox, 0, &m) == GW_ETIMEOUT);
    stop(&b);
}
