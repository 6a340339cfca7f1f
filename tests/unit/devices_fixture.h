/* What the tests of the device table share: a table, claims of devices that need no real key, and the store's part of a restart. */
#ifndef TESTS_UNIT_DEVICES_FIXTURE_H
#define TESTS_UNIT_DEVICES_FIXTURE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "channels/devices.h"

#define NOW INT64_C(1795353954000)

static devices_t *devices;
static struct buf text;

static inline void begin(void)
{
    cr_assert(devices_create(&devices) == 0);
}

static inline void end(void)
{
    devices_destroy(&devices);
    buf_free(&text);
}

static inline struct scopes scopes_of(const char *names)
{
    struct scopes list = { 0 };
    struct str rest = str_of(names);
    while (rest.n) cr_assert(scopes_add(&list, str_split(&rest, ',')) == 0);
    return list;
}

/* A device's claim; the scopes live as long as the test's process. */
static inline struct device_claim claim_of(unsigned number, const char *role, const char *names)
{
    static struct made {
        unsigned char key[DEVICE_KEY_SIZE];
        char id[DEVICE_ID_SIZE], public_key[DEVICE_KEY_TEXT_SIZE];
    } made[DEVICES_PAIRED_MAX + 1000];
    struct made *s = &made[number];
    static struct scopes scopes[64];
    static size_t used;
    if (!s->id[0]) {
        memcpy(s->key, &number, sizeof number); /* a real key is not needed: nothing is verified here */
        s->key[31] = 1;
        device_key_id(s->key, s->id);
        base64url_write(s->key, sizeof s->key, s->public_key);
    }
    struct scopes *wanted = &scopes[used++ % 64];
    *wanted = scopes_of(names);
    return (struct device_claim){ .device_id = str_of(s->id),
                                  .public_key = str_of(s->public_key),
                                  .display_name = STR("Dev X"),
                                  .platform = STR("linux"),
                                  .client_id = STR("test"),
                                  .client_mode = STR("test"),
                                  .role = device_role_of(str_of(role)),
                                  .scopes = wanted,
                                  .address = STR("192.0.2.1") };
}

static inline void ask(const struct device_claim *claim, int64_t now_ms, char id[RANDOM_UUID_SIZE])
{
    bool fresh;
    cr_assert(devices_request(devices, claim, now_ms, id, &fresh) == 0 && fresh);
}

static inline void approve(const char *request_id, int64_t now_ms)
{
    char device_id[DEVICE_ID_SIZE];
    cr_assert(devices_approve(devices, str_of(request_id), now_ms, device_id) == 0 && device_id[0]);
}

static inline struct device_grant connect_with(const struct device_claim *claim, const char *token, int64_t now_ms)
{
    struct device_grant grant;
    cr_assert(devices_connected(devices, claim, str_of(token), now_ms, &grant) == 0);
    return grant;
}

static inline void pair_it(const struct device_claim *claim, int64_t now_ms)
{
    char id[RANDOM_UUID_SIZE];
    ask(claim, now_ms, id);
    approve(id, now_ms);
}

/* Every changed row into another table, as the store would bring it back. @return how many were urgent */
static inline int store_into(devices_t *other)
{
    struct device_change change;
    struct buf json = { 0 };
    int urgent = 0;
    while (devices_take_change(devices, &change, &json)) {
        urgent += change.urgent;
        if (json.n) cr_assert(devices_load_row(other, change.kind, str_of(change.id), buf_str(&json)) == 0, "%s", buf_cstr(&json));
    }
    buf_free(&json);
    return urgent;
}

/* The process ends and another one loads what was stored. */
static inline void restart(void)
{
    devices_t *next;
    cr_assert(devices_create(&next) == 0);
    store_into(next);
    devices_destroy(&devices);
    devices = next;
}

#endif
