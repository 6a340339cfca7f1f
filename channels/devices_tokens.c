#include <openssl/crypto.h>

#include "channels/devices_internal.h"

static void hash(struct str text, unsigned char out[SHA256_DIGEST_LENGTH])
{
    SHA256((const unsigned char *)text.p, text.n, out);
}

void device_token_kill(struct device_token *token)
{
    OPENSSL_cleanse(token->newest, sizeof token->newest);
    OPENSSL_cleanse(token->hashes, sizeof token->hashes);
    token->count = 0;
}

/* One more valid text, the newest; the oldest one makes room. */
static void add_text(struct device_token *token)
{
    memmove(token->hashes[1], token->hashes[0], sizeof token->hashes - sizeof token->hashes[0]);
    random_token(token->newest);
    hash(str_of(token->newest), token->hashes[0]);
    if (token->count < DEVICE_TOKENS_MAX) token->count++;
}

void device_token_renew(struct device_token *token, const struct scopes *scopes, int64_t now_ms)
{
    device_token_kill(token);
    token->created_ms = token->there ? token->created_ms : now_ms;
    token->rotated_ms = token->there ? now_ms : 0;
    token->revoked_ms = 0;
    token->there = true;
    token->scopes = *scopes;
    add_text(token);
}

bool device_token_matches(const struct device_token *token, struct str text)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    bool found = false;
    if (!token->there || token->revoked_ms || text.n == 0) return false;
    hash(text, digest);
    for (size_t i = 0; i < token->count; i++)
        if (CRYPTO_memcmp(digest, token->hashes[i], sizeof digest) == 0) found = true;
    return found;
}

void device_token_give(struct device_token *token, struct str came_with, const struct scopes *scopes, int64_t now_ms, bool *changed)
{
    *changed = false;
    if (came_with.n) {
        token->used_ms = now_ms;
        return;
    }
    bool usable = token->there && !token->revoked_ms && token->count && scopes_cover(&token->scopes, scopes);
    if (usable && token->newest[0]) return;
    *changed = true;
    if (usable)
        add_text(token);
    else
        device_token_renew(token, scopes, now_ms);
}
