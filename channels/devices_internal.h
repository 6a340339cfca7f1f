/* channels/devices_internal.h -- the table itself, for devices.c, devices_tokens.c and devices_json.c. */
#ifndef CHANNELS_DEVICES_INTERNAL_H
#define CHANNELS_DEVICES_INTERNAL_H

#include <openssl/sha.h>

#include "channels/devices.h"

struct device_token {
    bool there; /* the device has or had one for this role */
    struct scopes scopes;
    int64_t created_ms, rotated_ms, revoked_ms, used_ms;           /* 0: never */
    size_t count;                                                  /* valid texts */
    unsigned char hashes[DEVICE_TOKENS_MAX][SHA256_DIGEST_LENGTH]; /* newest first */
    char newest[RANDOM_TOKEN_SIZE];                                /* its text while this process knows it; never stored */
};

/* What a device calls itself. */
struct device_face {
    char display_name[DEVICE_NAME_SIZE];
    char platform[DEVICE_WORD_SIZE], client_id[DEVICE_WORD_SIZE], client_mode[DEVICE_WORD_SIZE];
    char remote_ip[DEVICE_ADDRESS_SIZE];
    enum device_role role;
};

enum device_mark { DEVICE_KEPT, DEVICE_SEEN, DEVICE_CHANGED };

struct device_paired {
    char id[DEVICE_ID_SIZE], public_key[DEVICE_KEY_TEXT_SIZE];
    struct device_face face;
    struct scopes roles, scopes;
    int64_t created_ms, approved_ms, seen_ms, saved_seen_ms;
    bool silent; /* approved without an operator: can give way to another one */
    struct device_token tokens[DEVICE_ROLES];
    enum device_mark mark;
};

struct device_request {
    char id[RANDOM_UUID_SIZE], device_id[DEVICE_ID_SIZE], public_key[DEVICE_KEY_TEXT_SIZE];
    struct device_face face;
    struct scopes scopes;
    char address[DEVICE_ADDRESS_SIZE];
    bool repair;
    int64_t ts_ms;
    enum device_mark mark;
};

struct device_spent {
    char hash[2 * SHA256_DIGEST_LENGTH + 1], device_id[DEVICE_ID_SIZE];
    int64_t ts_ms;
    enum device_mark mark;
};

struct device_gone { /* a row that is to be deleted from the store */
    struct device_gone *next;
    enum device_row kind;
    char id[DEVICE_ROW_ID_SIZE];
};

struct devices {
    struct device_paired *paired[DEVICES_PAIRED_MAX]; /* owned, in order of arrival */
    size_t paired_count;
    struct device_request *requests[DEVICES_REQUESTS_MAX]; /* owned, oldest first */
    size_t request_count;
    struct device_spent spent[DEVICES_SPENT_MAX];
    size_t spent_count;
    struct device_gone *gone; /* owned */
};

struct device_paired *device_find(const devices_t *devices, struct str device_id);
struct device_request *device_find_request(const devices_t *devices, struct str request_id);
void device_set_face(struct device_face *face, const struct device_claim *claim);
/* Text that people read in a terminal: cut, and without control characters. */
void device_copy_shown(char *dst, size_t size, struct str text);

/* devices_tokens.c */
void device_token_renew(struct device_token *token, const struct scopes *scopes, int64_t now_ms);
bool device_token_matches(const struct device_token *token, struct str text);
void device_token_give(struct device_token *token, struct str came_with, const struct scopes *scopes, int64_t now_ms, bool *changed);
void device_token_kill(struct device_token *token);

#endif
