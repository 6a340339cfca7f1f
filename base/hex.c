#include "base/hex.h"

#include <openssl/sha.h>

void hex_write(const unsigned char *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

void hex_sha256(struct str text, char out[HEX_SHA256_SIZE])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)(text.p ? text.p : ""), text.n, digest);
    hex_write(digest, sizeof digest, out);
}
