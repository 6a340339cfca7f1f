/** tests/support/signer.h -- devices that sign: Ed25519 keys made from a number, and the parameters of a `connect`. */
#ifndef TESTS_SUPPORT_SIGNER_H
#define TESTS_SUPPORT_SIGNER_H

#include "channels/device_key.h"

struct signer {
    unsigned char seed[32], key[DEVICE_KEY_SIZE];
    char id[DEVICE_ID_SIZE], public_key[DEVICE_KEY_TEXT_SIZE];
};

/** The device with this number: always the same key. */
struct signer signer_make(unsigned number);

/** Sign as a device does. @param out  base64url, DEVICE_SIGNATURE_TEXT_MAX bytes */
void signer_sign(const struct signer *device, const struct device_statement *statement, char *out);

struct signer_connect {
    const char *client_id, *client_mode, *role; /* NULL: cli, cli, operator */
    const char *scopes;                         /* "a,b"; NULL: operator.read */
    const char *token, *password;               /* NULL: none */
    const char *nonce;                          /* NULL: none */
    const char *display_name;                   /* NULL: none */
    int64_t signed_at_ms;
};

/** Append the parameters of a `connect`, signed by `device`, or without a device when that is NULL. */
void signer_connect(const struct signer *device, const struct signer_connect *c, struct buf *out);

#endif
