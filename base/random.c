#include "base/random.h"

#include <limits.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"

void random_bytes(void *out, size_t n)
{
    if (n > INT_MAX || RAND_bytes(out, (int)n) != 1) {
        fputs("openclaw: the random generator failed; the system's entropy source must be repaired first\n", stderr);
        abort();
    }
}

uint64_t random_u64(void)
{
    uint64_t value;
    random_bytes(&value, sizeof value);
    return value;
}

void random_uuid(char out[RANDOM_UUID_SIZE])
{
    unsigned char b[16];
    random_bytes(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    snprintf(out, RANDOM_UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4],
             b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

void random_token(char out[RANDOM_TOKEN_SIZE])
{
    unsigned char b[32];
    random_bytes(b, sizeof b);
    base64url_write(b, sizeof b, out);
}
