#include "cli/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/random.h"

#define KEY_FILE "device.json"
#define TOKEN_FILE "device-auth.json"

enum { KEY_BYTES = 32, SIGNATURE_BYTES = 64, PATH_SIZE = 4096 + 64 };

struct identity {
    EVP_PKEY *key;
    char id[IDENTITY_ID_SIZE];
    char public_key[IDENTITY_PUBLIC_SIZE];
};

/* --- files ------------------------------------------------------------------------------------------------------ */

static void path_of(const char *state_dir, const char *name, char out[PATH_SIZE])
{
    snprintf(out, PATH_SIZE, "%s/identity/%s", state_dir, name);
}

static json_t *read_json(const char *state_dir, const char *name)
{
    char path[PATH_SIZE];
    struct buf text = { 0 };
    path_of(state_dir, name, path);
    json_t *root = file_read(path, IDENTITY_FILE_MAX, &text) == 0 ? json_loadb(text.p ? text.p : "", text.n, 0, NULL) : NULL;
    buf_free(&text);
    return root;
}

static int write_all(const char *path, const char *text)
{
    size_t n = strlen(text);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return GW_EIO;
    bool whole = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
    return close(fd) == 0 && whole ? 0 : GW_EIO;
}

/* Write beside it, then put in place: replacing, or (`only_new`) unless another process was faster (GW_EEXIST). */
static int write_json(const char *state_dir, const char *name, const json_t *root, bool only_new)
{
    char folder[PATH_SIZE], path[PATH_SIZE], fresh[PATH_SIZE], uuid[RANDOM_UUID_SIZE], unique[RANDOM_UUID_SIZE + 8];
    char *text = json_dumps(root, JSON_INDENT(2));
    if (!text) return GW_ENOMEM;
    random_uuid(uuid);
    snprintf(unique, sizeof unique, "%s.new", uuid);
    path_of(state_dir, "", folder);
    path_of(state_dir, name, path);
    path_of(state_dir, unique, fresh);
    mkdir(state_dir, 0700);
    mkdir(folder, 0700);
    int rc = write_all(fresh, text);
    free(text);
    if (rc == 0 && only_new && link(fresh, path) != 0) rc = errno == EEXIST ? GW_EEXIST : GW_EIO;
    if (rc == 0 && !only_new && rename(fresh, path) != 0) rc = GW_EIO;
    if (rc || only_new) unlink(fresh);
    return rc;
}

/* --- the key ---------------------------------------------------------------------------------------------------- */

/* Fill in what follows from the key. @return 0 or GW_ESYS */
static int name_key(identity_t *k)
{
    unsigned char raw[KEY_BYTES], digest[EVP_MAX_MD_SIZE];
    size_t n = sizeof raw;
    unsigned digest_n = 0;
    if (!k->key || EVP_PKEY_get_id(k->key) != EVP_PKEY_ED25519) return GW_ESYS;
    if (EVP_PKEY_get_raw_public_key(k->key, raw, &n) != 1 || n != sizeof raw) return GW_ESYS;
    if (EVP_Digest(raw, n, digest, &digest_n, EVP_sha256(), NULL) != 1) return GW_ESYS;
    hex_write(digest, digest_n, k->id);
    base64url_write(raw, n, k->public_key);
    return 0;
}

static int load(const char *state_dir, identity_t *k)
{
    json_t *root = read_json(state_dir, KEY_FILE);
    const char *pem = json_string_value(json_object_get(root, "privateKeyPem"));
    BIO *bio = pem ? BIO_new_mem_buf(pem, -1) : NULL;
    if (bio) k->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    json_decref(root);
    int rc = k->key ? name_key(k) : GW_ENOENT;
    if (rc) {
        EVP_PKEY_free(k->key);
        k->key = NULL;
    }
    return rc;
}

static json_t *as_json(const identity_t *k)
{
    BIO *public_pem = BIO_new(BIO_s_mem()), *private_pem = BIO_new(BIO_s_mem());
    char *public_text, *private_text;
    json_t *root = NULL;
    if (public_pem && private_pem && PEM_write_bio_PUBKEY(public_pem, k->key) == 1 &&
        PEM_write_bio_PrivateKey(private_pem, k->key, NULL, NULL, 0, NULL, NULL) == 1) {
        long public_n = BIO_get_mem_data(public_pem, &public_text), private_n = BIO_get_mem_data(private_pem, &private_text);
        root = json_pack("{s:i, s:s, s:s%, s:s%, s:I}", "version", 1, "deviceId", k->id, "publicKeyPem", public_text, (size_t)public_n,
                         "privateKeyPem", private_text, (size_t)private_n, "createdAtMs", (json_int_t)clock_wall_ms());
    }
    BIO_free(public_pem);
    BIO_free(private_pem);
    return root;
}

/* A damaged file is replaced; one that another process wrote meanwhile is taken instead. */
static void keep(const char *state_dir, identity_t *k)
{
    char path[PATH_SIZE];
    json_t *root = as_json(k);
    path_of(state_dir, KEY_FILE, path);
    int rc = root ? write_json(state_dir, KEY_FILE, root, true) : GW_ENOMEM;
    if (rc == GW_EEXIST) {
        identity_t other = { 0 };
        if (load(state_dir, &other) == 0) {
            EVP_PKEY_free(k->key);
            *k = other;
        } else {
            write_json(state_dir, KEY_FILE, root, false);
        }
    }
    json_decref(root);
}

int identity_open(const char *state_dir, identity_t **out)
{
    identity_t *k = calloc(1, sizeof *k);
    *out = NULL;
    if (!k) return GW_ENOMEM;
    int rc = load(state_dir, k);
    if (rc) {
        k->key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        rc = name_key(k);
        if (rc == 0) keep(state_dir, k);
    }
    if (rc) identity_close(&k);
    *out = k;
    return rc;
}

void identity_close(identity_t **key_p)
{
    identity_t *k = *key_p;
    *key_p = NULL;
    if (!k) return;
    EVP_PKEY_free(k->key);
    free(k);
}

const char *identity_id(const identity_t *key)
{
    return key->id;
}

const char *identity_public(const identity_t *key)
{
    return key->public_key;
}

int identity_sign(const identity_t *key, struct str text, char out[IDENTITY_SIGNATURE_SIZE])
{
    unsigned char signature[SIGNATURE_BYTES];
    size_t n = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestSignInit(context, NULL, NULL, NULL, key->key) == 1 &&
              EVP_DigestSign(context, signature, &n, (const unsigned char *)text.p, text.n) == 1 && n == sizeof signature;
    EVP_MD_CTX_free(context);
    if (!ok) return GW_ESYS;
    base64url_write(signature, n, out);
    return 0;
}

/* --- the token -------------------------------------------------------------------------------------------------- */

/* The file's content when it is this device's, else NULL; the caller json_decref()s. */
static json_t *tokens_of(const char *state_dir, const identity_t *key)
{
    json_t *root = read_json(state_dir, TOKEN_FILE);
    const char *id = json_string_value(json_object_get(root, "deviceId"));
    if (id && strcmp(id, key->id) == 0 && json_is_object(json_object_get(root, "tokens"))) return root;
    json_decref(root);
    return NULL;
}

int identity_token_load(const char *state_dir, const identity_t *key, const char *role, struct buf *out)
{
    json_t *root = tokens_of(state_dir, key);
    const char *token = json_string_value(json_object_get(json_object_get(json_object_get(root, "tokens"), role), "token"));
    if (token) buf_text(out, token);
    json_decref(root);
    return token ? 0 : GW_ENOENT;
}

int identity_token_store(const char *state_dir, const identity_t *key, const char *role, struct str token, struct str scopes,
                         int64_t now_ms)
{
    json_t *root = tokens_of(state_dir, key), *list = json_loadb(scopes.p ? scopes.p : "", scopes.n, 0, NULL);
    const char *known = json_string_value(json_object_get(json_object_get(json_object_get(root, "tokens"), role), "token"));
    if (known && str_is(token, known)) { /* written at every connection otherwise */
        json_decref(root);
        json_decref(list);
        return 0;
    }
    if (!root) root = json_pack("{s:i, s:s, s:{}}", "version", 1, "deviceId", key->id, "tokens");
    json_t *entry = json_pack("{s:s%, s:s, s:o, s:I}", "token", token.p, token.n, "role", role, "scopes", list ? list : json_array(),
                              "updatedAtMs", (json_int_t)now_ms);
    int rc = root && entry && json_object_set_new(json_object_get(root, "tokens"), role, entry) == 0 ? 0 : GW_ENOMEM;
    if (rc == 0) rc = write_json(state_dir, TOKEN_FILE, root, false);
    json_decref(root);
    return rc;
}

int identity_token_drop(const char *state_dir, const identity_t *key, const char *role)
{
    json_t *root = tokens_of(state_dir, key);
    int rc = root && json_object_del(json_object_get(root, "tokens"), role) == 0 ? write_json(state_dir, TOKEN_FILE, root, false) : 0;
    json_decref(root);
    return rc;
}
