/* The command line's device key and token, held against the gateway's own reading of keys and signatures. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "channels/device_key.h"
#include "cli/identity.h"
#include "support/tempdir.h"

static char dir[TEMPDIR_MAX];

static void begin(void)
{
    tempdir_make(dir);
}

static void end(void)
{
    chmod(dir, 0700);
    tempdir_remove(dir);
}

static json_t *stored(const char *name, mode_t *mode)
{
    char path[TEMPDIR_MAX + 64];
    struct stat st;
    struct buf text = { 0 };
    snprintf(path, sizeof path, "%s/identity/%s", dir, name);
    cr_assert_eq(stat(path, &st), 0, "%s", path);
    *mode = st.st_mode & 0777;
    cr_assert_eq(file_read(path, 65536, &text), 0);
    json_t *root = json_loadb(text.p, text.n, 0, NULL);
    buf_free(&text);
    return root;
}

static const char *text_of(const json_t *root, const char *key)
{
    return json_string_value(json_object_get(root, key));
}

Test(identity, is_made_once_and_kept_for_its_owner_alone, .init = begin, .fini = end)
{
    identity_t *a, *b;
    mode_t mode;
    cr_assert_eq(identity_open(dir, &a), 0);
    json_t *root = stored("device.json", &mode);
    cr_assert_eq(mode, 0600);
    cr_assert_eq(json_integer_value(json_object_get(root, "version")), 1);
    cr_assert_str_eq(text_of(root, "deviceId"), identity_id(a));
    cr_assert(strstr(text_of(root, "publicKeyPem"), "BEGIN PUBLIC KEY") && strstr(text_of(root, "privateKeyPem"), "BEGIN PRIVATE KEY"));
    cr_assert(json_is_integer(json_object_get(root, "createdAtMs")));
    json_decref(root);
    cr_assert_eq(identity_open(dir, &b), 0);
    cr_assert_str_eq(identity_id(a), identity_id(b));
    identity_close(&a);
    identity_close(&b);
}

Test(identity, signs_what_the_gateway_accepts, .init = begin, .fini = end)
{
    identity_t *key;
    unsigned char raw[DEVICE_KEY_SIZE];
    char id[DEVICE_ID_SIZE], signature[IDENTITY_SIGNATURE_SIZE];
    struct buf text = { 0 };
    cr_assert_eq(identity_open(dir, &key), 0);
    cr_assert_eq(device_key_read(str_of(identity_public(key)), raw), 0);
    device_key_id(raw, id);
    cr_assert_str_eq(id, identity_id(key));
    struct device_statement s = { .device_id = str_of(id),
                                  .client_id = STR("cli"),
                                  .client_mode = STR("cli"),
                                  .role = STR("operator"),
                                  .scopes = STR("operator.admin,operator.pairing"),
                                  .signed_at_ms = 1795352917878,
                                  .token = STR("t"),
                                  .nonce = STR("n") };
    device_statement_write(&s, &text);
    cr_assert_eq(identity_sign(key, buf_str(&text), signature), 0);
    cr_assert(device_signature_valid(raw, &s, str_of(signature)));
    s.nonce = STR("m");
    cr_assert(!device_signature_valid(raw, &s, str_of(signature)));
    buf_free(&text);
    identity_close(&key);
}

Test(identity, replaces_a_damaged_file, .init = begin, .fini = end)
{
    identity_t *a, *b;
    char path[TEMPDIR_MAX + 64];
    cr_assert_eq(identity_open(dir, &a), 0);
    snprintf(path, sizeof path, "%s/identity/device.json", dir);
    FILE *f = fopen(path, "w");
    cr_assert(f && fputs("{\"privateKeyPem\": \"nonsense\"}", f) >= 0 && fclose(f) == 0);
    cr_assert_eq(identity_open(dir, &b), 0);
    cr_assert_str_neq(identity_id(a), identity_id(b));
    identity_close(&a);
    cr_assert_eq(identity_open(dir, &a), 0);
    cr_assert_str_eq(identity_id(a), identity_id(b));
    identity_close(&a);
    identity_close(&b);
}

Test(identity, lives_in_memory_where_nothing_can_be_written, .init = begin, .fini = end)
{
    identity_t *key;
    cr_assert_eq(identity_open("/proc/self/none", &key), 0);
    cr_assert_eq(strlen(identity_id(key)), 64);
    cr_assert_neq(identity_token_store("/proc/self/none", key, "operator", STR("tok"), STR("[]"), 1), 0);
    identity_close(&key);
}

static bool has_token(const identity_t *key, const char *expected)
{
    struct buf token = { 0 };
    int rc = identity_token_load(dir, key, "operator", &token);
    bool same = expected ? rc == 0 && str_is(buf_str(&token), expected) : rc == GW_ENOENT;
    buf_free(&token);
    return same;
}

Test(identity, keeps_the_token_of_this_device, .init = begin, .fini = end)
{
    identity_t *key, *other;
    mode_t mode;
    cr_assert_eq(identity_open(dir, &key), 0);
    cr_assert_eq(identity_open("/proc/self/none", &other), 0);
    cr_assert(has_token(key, NULL));
    cr_assert_eq(identity_token_store(dir, key, "operator", STR("tok-1"), STR("[\"operator.admin\"]"), 77), 0);
    cr_assert(has_token(key, "tok-1"));
    cr_assert(has_token(other, NULL));
    json_t *root = stored("device-auth.json", &mode);
    const json_t *entry = json_object_get(json_object_get(root, "tokens"), "operator");
    cr_assert_eq(mode, 0600);
    cr_assert_str_eq(text_of(root, "deviceId"), identity_id(key));
    cr_assert_str_eq(text_of(entry, "role"), "operator");
    cr_assert_str_eq(json_string_value(json_array_get(json_object_get(entry, "scopes"), 0)), "operator.admin");
    cr_assert_eq(json_integer_value(json_object_get(entry, "updatedAtMs")), 77);
    json_decref(root);
    cr_assert_eq(identity_token_store(dir, key, "operator", STR("tok-2"), STR("[]"), 78), 0);
    cr_assert(has_token(key, "tok-2"));
    cr_assert_eq(identity_token_drop(dir, key, "operator"), 0);
    cr_assert(has_token(key, NULL));
    identity_close(&key);
    identity_close(&other);
}
