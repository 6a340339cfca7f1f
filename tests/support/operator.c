#include "support/operator.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/wait.h>

enum { ARGS_MAX = 16 };

void operator_open(struct operator_client *o, const struct kit *k)
{
    const struct ws_connect c = { .token = KIT_TOKEN, .device = &o->device };
    cr_assert_eq(ws_device_create(&o->device), 0);
    cr_assert_eq(ws_open(k->port, "/", NULL, &o->ws), 0, "status %d", ws_status());
    json_t *hello = ws_hello(o->ws, &c);
    cr_assert(json_is_true(json_object_get(hello, "ok")), "no hello-ok");
    json_decref(hello);
}

void operator_close(struct operator_client *o)
{
    ws_close(&o->ws);
    ws_device_free(&o->device);
    *o = (struct operator_client){ 0 };
}

void operator_start(struct operator_client *o, struct kit *k, const char *config_text)
{
    const struct kit_options options = { .config_text = config_text };
    kit_start(k, &options);
    operator_open(o, k);
}

void operator_stop(struct operator_client *o, struct kit *k)
{
    operator_close(o);
    kit_stop(k);
}

int operator_run(const struct kit *k, const char *const *args, char **output)
{
    static const char token[] = "OPENCLAW_GATEWAY_TOKEN=" KIT_TOKEN;
    const char *argv[ARGS_MAX + 2] = { GW_OPENCLAW };
    char state[128], config[300], port[64];
    proc_t *p;
    int status = -1;
    for (size_t n = 0; n < ARGS_MAX && args[n]; n++) argv[n + 1] = args[n];
    snprintf(state, sizeof state, "OPENCLAW_STATE_DIR=%s", k->state);
    snprintf(config, sizeof config, "OPENCLAW_CONFIG_PATH=%s", k->config);
    snprintf(port, sizeof port, "OPENCLAW_GATEWAY_PORT=%d", k->port);
    const char *const env[] = { state, config, port, token, NULL };
    cr_assert_eq(proc_start(argv, env, &p), 0);
    cr_assert_eq(proc_wait(p, KIT_TURN_MS, &status), 0);
    if (output) *output = proc_output(p);
    proc_stop(&p);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
