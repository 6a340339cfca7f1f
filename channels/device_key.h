/** channels/device_key.h -- a device's Ed25519 key: its texts, its id, its signatures.
 *
 *  In:     what a `connect` says of its device      Out: raw bytes, ids, yes or no
 *  Owns:   nothing                                  Thread: any
 *  Source: reference gateway-protocol 2.3; Ed25519 is RFC 8032, the PEM text RFC 8410 */
#ifndef CHANNELS_DEVICE_KEY_H
#define CHANNELS_DEVICE_KEY_H

#include "base/buf.h"
#include "base/err.h"

enum {
    DEVICE_KEY_SIZE = 32,       /* bytes of a raw public key */
    DEVICE_KEY_TEXT_SIZE = 44,  /* a key in base64url without padding, NUL included */
    DEVICE_KEY_TEXT_MAX = 512,  /* bytes of a key's text in any form */
    DEVICE_ID_SIZE = 65,        /* a device id, NUL included */
    DEVICE_SIGNATURE_SIZE = 64, /* bytes of a raw signature */
    DEVICE_SIGNATURE_TEXT_MAX = 128,
    DEVICE_SIGNED_MAX = 8192, /* bytes of the text that is signed */
};

/** Read a public key: base64url, base64 or PEM. @return 0; GW_EPARSE; GW_ELIMIT for a text over DEVICE_KEY_TEXT_MAX */
int device_key_read(struct str text, unsigned char raw[DEVICE_KEY_SIZE]);
/** The device id of a key: the SHA-256 of its raw bytes. */
void device_key_id(const unsigned char raw[DEVICE_KEY_SIZE], char out[DEVICE_ID_SIZE]);

struct device_statement { /* what a device signs */
    struct str device_id, client_id, client_mode, role;
    struct str scopes; /* joined by ',' in the order sent */
    int64_t signed_at_ms;
    struct str token; /* auth.token, or empty */
    struct str nonce; /* empty: the text is v1, else v2 */
};

/** Append the text that is signed. */
void device_statement_write(const struct device_statement *s, struct buf *out);

/** True when `signature` (base64url or base64) is the key's signature of the statement. */
bool device_signature_valid(const unsigned char raw[DEVICE_KEY_SIZE], const struct device_statement *s, struct str signature);

#endif
