/** base/random.h -- random bytes, numbers and identifiers from OpenSSL's generator. Any thread.
 *
 *  A failure of the generator ends the process: nothing safe can be done without it. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum {
    RANDOM_UUID_SIZE = 37,  /* bytes for a UUID, NUL included */
    RANDOM_TOKEN_SIZE = 44, /* bytes for a token of 43 characters, NUL included */
};

void random_bytes(void *out, size_t n);
uint64_t random_u64(void);

/** A version 4 UUID in lower case (RFC 9562, section 5.4). */
void random_uuid(char out[RANDOM_UUID_SIZE]);

/** 32 random bytes in base64url without padding: OpenClaw's token form (reference: gateway-protocol 5.2). */
void random_token(char out[RANDOM_TOKEN_SIZE]);

#endif
