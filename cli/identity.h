/** cli/identity.h -- the command line's own device: its Ed25519 key, and the token that the gateway gave it.
 *
 *  In:     <state>/identity/device.json and device-auth.json, OpenClaw's files (reference: gateway-protocol 2.3 and 9)
 *  Out:    signatures; both files, mode 0600. Where nothing can be written the key lives as long as the process
 *  Owns:   identity_t: the key
 *  Thread: the main one */
#ifndef CLI_IDENTITY_H
#define CLI_IDENTITY_H

#include "base/buf.h"

enum {
    IDENTITY_ID_SIZE = 65,         /* SHA-256 in hex, NUL included */
    IDENTITY_PUBLIC_SIZE = 44,     /* 32 bytes in base64url, NUL included */
    IDENTITY_SIGNATURE_SIZE = 87,  /* 64 bytes in base64url, NUL included */
    IDENTITY_FILE_MAX = 64 * 1024, /* bytes of either file */
};

typedef struct identity identity_t;

/** The stored key, or a new one that is stored when that is possible.
 *  @return 0, GW_ENOMEM, GW_ESYS (OpenSSL); *out is then NULL */
int identity_open(const char *state_dir, identity_t **out);
void identity_close(identity_t **key_p);

const char *identity_id(const identity_t *key);     /* SHA-256 of the public key, lower-case hex */
const char *identity_public(const identity_t *key); /* base64url */

/** Sign a text. @return 0 or GW_ESYS */
int identity_sign(const identity_t *key, struct str text, char out[IDENTITY_SIGNATURE_SIZE]);

/** Append the stored token of this device for a role. @return 0 or GW_ENOENT: none, or another device's */
int identity_token_load(const char *state_dir, const identity_t *key, const char *role, struct buf *out);

/** Keep a token, replacing the one of that role; an unwritable place is no error.
 *  @param scopes  a JSON array as text
 *  @return 0, GW_ENOMEM, or GW_EIO: not kept */
int identity_token_store(const char *state_dir, const identity_t *key, const char *role, struct str token, struct str scopes,
                         int64_t now_ms);

/** Forget the token of a role. @return as identity_token_store() */
int identity_token_drop(const char *state_dir, const identity_t *key, const char *role);

#endif
