/* tests/fuzz/front_connect.c -- a `connect` that is let in, of a device that signs. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/clock.h"
#include "channels/device_key.h"
#include "tests/fuzz/front_script.h"

enum { SIGNED_FOR_MS = 60000 /* a signature is used so long: making one takes more time than all the rest */ };

struct device {
    EVP_PKEY *key;
    char id[DEVICE_ID_SIZE], public_key[DEVICE_KEY_TEXT_SIZE];
};

static const struct device *the_device(void)
{
    static struct device device;
    static const unsigned char seed[32] = { 7 };
    unsigned char raw[DEVICE_KEY_SIZE];
    size_t n = sizeof raw;
    if (device.key) return &device;
    device.key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed);
    if (!device.key || EVP_PKEY_get_raw_public_key(device.key, raw, &n) != 1) abort();
    device_key_id(raw, device.id);
    base64url_write(raw, sizeof raw, device.public_key);
    return &device;
}

static void sign(const struct device_statement *statement, char out[DEVICE_SIGNATURE_TEXT_MAX])
{
    unsigned char signature[DEVICE_SIGNATURE_SIZE];
    size_t n = sizeof signature;
    struct buf text = { 0 };
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    device_statement_write(statement, &text);
    if (EVP_DigestSignInit(ctx, NULL, NULL, NULL, the_device()->key) != 1) abort();
    if (EVP_DigestSign(ctx, signature, &n, (const unsigned char *)text.p, text.n) != 1) abort();
    EVP_MD_CTX_free(ctx);
    buf_free(&text);
    base64url_write(signature, n, out);
}

static const char *id_of(unsigned variant)
{
    return variant & FRONT_AS_PAGE ? "openclaw-control-ui" : "cli";
}

static const char *mode_of(unsigned variant)
{
    return variant & FRONT_AS_PAGE ? "webchat" : "cli";
}

static const char *role_of(unsigned variant)
{
    return variant & FRONT_AS_NODE ? "node" : "operator";
}

static struct str scopes_of(unsigned variant)
{
    return variant & FRONT_READS_ONLY ? STR("operator.read") : STR("operator.admin,operator.approvals,operator.pairing");
}

static void write_device(struct buf *out, unsigned variant, int64_t now_ms)
{
    char signature[DEVICE_SIGNATURE_TEXT_MAX];
    const struct device *device = the_device();
    const struct device_statement said = {
        str_of(device->id),       str_of(id_of(variant)),
        str_of(mode_of(variant)), str_of(role_of(variant)),
        scopes_of(variant),       now_ms,
        STR(FRONT_TOKEN),         { 0 },
    };
    sign(&said, signature);
    buf_json_key(out, "device");
    buf_char(out, '{');
    buf_json_pair_str(out, "id", str_of(device->id));
    buf_json_pair_str(out, "publicKey", str_of(device->public_key));
    buf_json_pair_str(out, "signature", str_of(signature));
    buf_json_pair_int(out, "signedAt", now_ms);
    buf_char(out, '}');
}

static void write_whole(struct buf *out, unsigned variant, int64_t now_ms)
{
    struct str scopes = scopes_of(variant);
    buf_text(out, "{\"type\":\"req\",\"id\":\"c\",\"method\":\"connect\",\"params\":{\"minProtocol\":3,\"maxProtocol\":3,\"client\":{");
    buf_json_pair_str(out, "id", str_of(id_of(variant)));
    buf_text(out, ",\"version\":\"dev\",\"platform\":\"linux\"");
    buf_json_pair_str(out, "mode", str_of(mode_of(variant)));
    buf_char(out, '}');
    buf_json_pair_str(out, "role", str_of(role_of(variant)));
    buf_text(out, ",\"scopes\":[");
    while (scopes.n) {
        buf_json_comma(out);
        buf_json_str(out, str_split(&scopes, ','));
    }
    buf_text(out, "],\"caps\":[\"tool-events\"],\"auth\":{\"token\":\"" FRONT_TOKEN "\"}");
    if (variant & FRONT_SIGNED) write_device(out, variant, now_ms);
    buf_text(out, "}}");
}

void front_write_connect(struct buf *out, unsigned variant)
{
    static struct buf kept[16];
    static int64_t kept_ms[16];
    int64_t now_ms = clock_wall_ms();
    variant %= 16;
    if (kept[variant].n == 0 || now_ms - kept_ms[variant] > SIGNED_FOR_MS) {
        buf_clear(&kept[variant]);
        write_whole(&kept[variant], variant, now_ms);
        kept_ms[variant] = now_ms;
    }
    buf_add(out, buf_str(&kept[variant]));
}
