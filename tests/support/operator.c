#include "support/operator.h"

#include <criterion/criterion.h>

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
