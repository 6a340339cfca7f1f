#include "channels/device_key.h"

#include <openssl/evp.h>

#include "base/base64.h"
#include "base/hex.h"

/* What stands between the lines of a PEM text; empty when it is none. */
static struct str pem_body(struct str text)
{
    static const struct str begin = { "-----BEGIN PUBLIC KEY-----", 26 }, end = { "-----END PUBLIC KEY-----", 24 };
    ptrdiff_t from = str_find(text, begin), to = str_find(text, end);
    if (from < 0 || to < from + (ptrdiff_t)begin.n) return (struct str){ 0 };
    return (struct str){ text.p + from + begin.n, (size_t)(to - from) - begin.n };
}

int device_key_read(struct str text, unsigned char raw[DEVICE_KEY_SIZE])
{
    /* SubjectPublicKeyInfo of an Ed25519 key: this, then the key (RFC 8410, section 10.1). */
    static const unsigned char head[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };
    unsigned char bytes[sizeof head + DEVICE_KEY_SIZE];
    size_t n;
    memset(raw, 0, DEVICE_KEY_SIZE);
    if (text.n > DEVICE_KEY_TEXT_MAX) return GW_ELIMIT;
    if (str_find(text, STR("-----BEGIN")) < 0) {
        if (base64_read(text, bytes, sizeof bytes, &n) != 0 || n != DEVICE_KEY_SIZE) return GW_EPARSE;
        memcpy(raw, bytes, DEVICE_KEY_SIZE);
        return 0;
    }
    if (base64_read(pem_body(text), bytes, sizeof bytes, &n) != 0 || n != sizeof bytes) return GW_EPARSE;
    if (memcmp(bytes, head, sizeof head) != 0) return GW_EPARSE;
    memcpy(raw, bytes + sizeof head, DEVICE_KEY_SIZE);
    return 0;
}

void device_key_id(const unsigned char raw[DEVICE_KEY_SIZE], char out[DEVICE_ID_SIZE])
{
    hex_sha256((struct str){ (const char *)raw, DEVICE_KEY_SIZE }, out);
}

void device_statement_write(const struct device_statement *s, struct buf *out)
{
    const struct str fields[] = { s->device_id, s->client_id, s->client_mode, s->role, s->scopes };
    buf_text(out, s->nonce.n ? "v2" : "v1");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        buf_char(out, '|');
        buf_add(out, fields[i]);
    }
    buf_char(out, '|');
    buf_int(out, s->signed_at_ms);
    buf_char(out, '|');
    buf_add(out, s->token);
    if (!s->nonce.n) return;
    buf_char(out, '|');
    buf_add(out, s->nonce);
}

static bool verify(const unsigned char *raw, struct str text, const unsigned char *signature)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw, DEVICE_KEY_SIZE);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool valid = key && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
                 EVP_DigestVerify(ctx, signature, DEVICE_SIGNATURE_SIZE, (const unsigned char *)text.p, text.n) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return valid;
}

bool device_signature_valid(const unsigned char raw[DEVICE_KEY_SIZE], const struct device_statement *s, struct str signature)
{
    unsigned char bytes[DEVICE_SIGNATURE_SIZE];
    struct buf text = { .max = DEVICE_SIGNED_MAX };
    size_t n;
    if (signature.n > DEVICE_SIGNATURE_TEXT_MAX) return false;
    if (base64_read(signature, bytes, sizeof bytes, &n) != 0 || n != sizeof bytes) return false;
    device_statement_write(s, &text);
    bool valid = text.err == 0 && verify(raw, buf_str(&text), bytes);
    buf_free(&text);
    return valid;
}
