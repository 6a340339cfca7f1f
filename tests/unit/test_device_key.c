#include <criterion/criterion.h>

#include "base/base64.h"
#include "tests/support/signer.h"

/* The key of a recorded device, in each form it may come in. */
#define KEY_URL "7lRguiAtxBS170l9g0JSNWy8V8ilIZNkP2heM05NjQs"
#define KEY_PEM "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA7lRguiAtxBS170l9g0JSNWy8V8ilIZNkP2heM05NjQs=\n-----END PUBLIC KEY-----\n"
#define KEY_ID "6defb49781248e79198fab9f4179a078e3c002abbfc3cbac98d98e3dafabaf21"

static void expect_id(const char *text, const char *id)
{
    unsigned char raw[DEVICE_KEY_SIZE];
    char found[DEVICE_ID_SIZE], again[DEVICE_KEY_TEXT_SIZE];
    cr_assert(device_key_read(str_of(text), raw) == 0, "%s", text);
    device_key_id(raw, found);
    cr_assert_str_eq(found, id);
    base64url_write(raw, sizeof raw, again);
    cr_assert(strlen(again) == DEVICE_KEY_TEXT_SIZE - 1);
}

Test(device_key, is_read_from_base64url_base64_and_pem)
{
    expect_id(KEY_URL, KEY_ID);
    expect_id(KEY_URL "=", KEY_ID);
    expect_id(KEY_PEM, KEY_ID);
    expect_id("PPsjN3JeWfY5RfxbzAFF-xD4v22fXs2oOqDHh7sfR0M", "046586b0ab830dccc1f85d0ac6fff3f5359a3cbdfbaf5c396855ca4db6dbbc32");
    expect_id("PPsjN3JeWfY5RfxbzAFF+xD4v22fXs2oOqDHh7sfR0M=", "046586b0ab830dccc1f85d0ac6fff3f5359a3cbdfbaf5c396855ca4db6dbbc32");
}

Test(device_key, refuses_what_is_no_key)
{
    static const char *const bad[] = {
        "", "7lRguiAtxBS170l9g0JSNWy8V8ilIZNkP2heM05NjQ", /* 31 bytes and a rest */
        "7lRguiAtxBS170l9g0JSNWy8V8ilIZNkP2heM05NjQsAAA", /* 34 bytes */
        "7lRguiAtxBS170l9g0JSNWy8V8ilIZNkP2heM05N!Qs", "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY----------BEGIN PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----",
        /* an X25519 key: one byte of the algorithm differs */
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEA7lRguiAtxBS170l9g0JSNWy8V8ilIZNkP2heM05NjQs=\n-----END PUBLIC KEY-----"
    };
    unsigned char raw[DEVICE_KEY_SIZE];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) cr_expect(device_key_read(str_of(bad[i]), raw) == GW_EPARSE, "%zu", i);
}

Test(device_key, looks_at_a_text_of_its_bound_and_not_at_a_longer_one)
{
    char text[DEVICE_KEY_TEXT_MAX + 2];
    unsigned char raw[DEVICE_KEY_SIZE];
    memset(text, ' ', sizeof text);
    memcpy(text, KEY_URL, sizeof KEY_URL - 1);
    cr_assert(device_key_read((struct str){ text, DEVICE_KEY_TEXT_MAX }, raw) == 0);
    cr_assert(device_key_read((struct str){ text, DEVICE_KEY_TEXT_MAX + 1 }, raw) == GW_ELIMIT);
}

static struct device_statement statement(const struct signer *device, const char *nonce)
{
    return (struct device_statement){ str_of(device->id), STR("cli"), STR("cli"),   STR("operator"), STR("operator.read,operator.write"),
                                      1795352914948,      STR("tok"), str_of(nonce) };
}

Test(device_key, signs_the_text_of_the_protocol)
{
    struct signer device = signer_make(1);
    struct buf text = { 0 }, expected = { 0 };
    struct device_statement said = statement(&device, "n-1");
    device_statement_write(&said, &text);
    buf_printf(&expected, "v2|%s|cli|cli|operator|operator.read,operator.write|1795352914948|tok|n-1", device.id);
    cr_assert_str_eq(buf_cstr(&text), buf_cstr(&expected));
    buf_clear(&text), buf_clear(&expected);
    said = statement(&device, "");
    device_statement_write(&said, &text);
    buf_printf(&expected, "v1|%s|cli|cli|operator|operator.read,operator.write|1795352914948|tok", device.id);
    cr_assert_str_eq(buf_cstr(&text), buf_cstr(&expected));
    buf_free(&text), buf_free(&expected);
}

Test(device_key, takes_its_own_signature_and_no_other)
{
    struct signer device = signer_make(1), other = signer_make(2);
    char signature[DEVICE_SIGNATURE_TEXT_MAX];
    struct device_statement said = statement(&device, "n-1"), changed = said;
    signer_sign(&device, &said, signature);
    cr_assert(device_signature_valid(device.key, &said, str_of(signature)));
    cr_assert_not(device_signature_valid(other.key, &said, str_of(signature)));
    changed.scopes = STR("operator.read,operator.admin");
    cr_assert_not(device_signature_valid(device.key, &changed, str_of(signature)));
    changed = statement(&device, ""); /* a v2 signature without its nonce */
    cr_assert_not(device_signature_valid(device.key, &changed, str_of(signature)));
    signature[10] = signature[10] == 'A' ? 'B' : 'A';
    cr_assert_not(device_signature_valid(device.key, &said, str_of(signature)));
    cr_assert_not(device_signature_valid(device.key, &said, STR("AAAA")));
    cr_assert_not(device_signature_valid(device.key, &said, STR("")));
}

Test(device_key, verifies_a_statement_at_its_bound_and_none_longer)
{
    static char token[DEVICE_SIGNED_MAX];
    struct signer device = signer_make(1);
    char signature[DEVICE_SIGNATURE_TEXT_MAX];
    struct device_statement said = statement(&device, "");
    struct buf text = { 0 };
    said.token.n = 0;
    device_statement_write(&said, &text);
    memset(token, 'x', sizeof token);
    said.token = (struct str){ token, DEVICE_SIGNED_MAX - text.n };
    signer_sign(&device, &said, signature);
    cr_assert(device_signature_valid(device.key, &said, str_of(signature)));
    said.token.n++;
    signer_sign(&device, &said, signature);
    cr_assert_not(device_signature_valid(device.key, &said, str_of(signature)));
    buf_free(&text);
}
