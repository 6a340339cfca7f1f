#include "tests/support/signer.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>

#include "base/base64.h"

static EVP_PKEY *private_key(const struct signer *device)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, device->seed, sizeof device->seed);
    cr_assert_not_null(key);
    return key;
}

struct signer signer_make(unsigned number)
{
    struct signer device = { 0 };
    size_t n = sizeof device.key;
    memcpy(device.seed, &number, sizeof number);
    EVP_PKEY *key = private_key(&device);
    cr_assert(EVP_PKEY_get_raw_public_key(key, device.key, &n) == 1 && n == sizeof device.key);
    EVP_PKEY_free(key);
    device_key_id(device.key, device.id);
    base64url_write(device.key, sizeof device.key, device.public_key);
    return device;
}

void signer_sign(const struct signer *device, const struct device_statement *statement, char *out)
{
    unsigned char signature[DEVICE_SIGNATURE_SIZE];
    size_t n = sizeof signature;
    struct buf text = { 0 };
    EVP_PKEY *key = private_key(device);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    device_statement_write(statement, &text);
    cr_assert(EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1);
    cr_assert(EVP_DigestSign(ctx, signature, &n, (const unsigned char *)text.p, text.n) == 1);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    buf_free(&text);
    base64url_write(signature, n, out);
}

static const char * or (const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

static void add_device(const struct signer *device, const struct signer_connect *c, struct buf *out)
{
    char signature[DEVICE_SIGNATURE_TEXT_MAX];
    const struct device_statement said = { str_of(device->id),
                                           str_of(or (c->client_id, "cli")),
                                           str_of(or (c->client_mode, "cli")),
                                           str_of(or (c->role, "operator")),
                                           str_of(or (c->scopes, "operator.read")),
                                           c->signed_at_ms,
                                           str_of(c->token),
                                           str_of(c->nonce) };
    signer_sign(device, &said, signature);
    buf_json_key(out, "device");
    buf_char(out, '{');
    buf_json_pair_str(out, "id", str_of(device->id));
    buf_json_pair_str(out, "publicKey", str_of(device->public_key));
    buf_json_pair_str(out, "signature", str_of(signature));
    buf_json_pair_int(out, "signedAt", c->signed_at_ms);
    if (c->nonce) buf_json_pair_str(out, "nonce", str_of(c->nonce));
    buf_char(out, '}');
}

static void add_auth(const struct signer_connect *c, struct buf *out)
{
    buf_json_key(out, "auth");
    buf_char(out, '{');
    if (c->token) buf_json_pair_str(out, "token", str_of(c->token));
    if (c->password) buf_json_pair_str(out, "password", str_of(c->password));
    buf_char(out, '}');
}

void signer_connect(const struct signer *device, const struct signer_connect *c, struct buf *out)
{
    struct str scopes = str_of(or (c->scopes, "operator.read"));
    buf_text(out, "{\"minProtocol\":3,\"maxProtocol\":3,\"client\":{");
    buf_json_pair_str(out, "id", str_of(or (c->client_id, "cli")));
    if (c->display_name) buf_json_pair_str(out, "displayName", str_of(c->display_name));
    buf_text(out, ",\"version\":\"dev\",\"platform\":\"linux\"");
    buf_json_pair_str(out, "mode", str_of(or (c->client_mode, "cli")));
    buf_char(out, '}');
    buf_json_pair_str(out, "role", str_of(or (c->role, "operator")));
    buf_text(out, ",\"scopes\":[");
    while (scopes.n) {
        buf_json_comma(out);
        buf_json_str(out, str_split(&scopes, ','));
    }
    buf_text(out, "],\"caps\":[]");
    if (c->token || c->password) add_auth(c, out);
    if (device) add_device(device, c, out);
    buf_char(out, '}');
}
