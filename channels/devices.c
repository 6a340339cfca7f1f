#include "channels/devices.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/hex.h"
#include "channels/devices_internal.h"

static const char *const role_names[DEVICE_ROLES] = { "node", "operator" };

enum device_role device_role_of(struct str name)
{
    for (int role = 0; role < DEVICE_ROLES; role++)
        if (str_is(name, role_names[role])) return (enum device_role)role;
    return DEVICE_ROLES;
}

const char *device_role_name(enum device_role role)
{
    return role_names[role];
}

int devices_create(devices_t **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? 0 : GW_ENOMEM;
}

static void free_paired(struct device_paired *p)
{
    OPENSSL_cleanse(p, sizeof *p);
    free(p);
}

void devices_destroy(devices_t **devices_p)
{
    devices_t *d = *devices_p;
    if (!d) return;
    for (size_t i = 0; i < d->paired_count; i++) free_paired(d->paired[i]);
    for (size_t i = 0; i < d->request_count; i++) free(d->requests[i]);
    while (d->gone) {
        struct device_gone *next = d->gone->next;
        free(d->gone);
        d->gone = next;
    }
    free(d);
    *devices_p = NULL;
}

size_t devices_paired_count(const devices_t *d)
{
    return d->paired_count;
}

size_t devices_request_count(const devices_t *d)
{
    return d->request_count;
}

/* --- rows ----------------------------------------------------------------------------------------------------------- */

struct device_paired *device_find(const devices_t *d, struct str device_id)
{
    for (size_t i = 0; i < d->paired_count; i++)
        if (str_is(device_id, d->paired[i]->id)) return d->paired[i];
    return NULL;
}

struct device_request *device_find_request(const devices_t *d, struct str request_id)
{
    for (size_t i = 0; i < d->request_count; i++)
        if (str_is(request_id, d->requests[i]->id)) return d->requests[i];
    return NULL;
}

/* The request of a device for a role. */
static struct device_request *find_asked(const devices_t *d, struct str device_id, enum device_role role)
{
    for (size_t i = 0; i < d->request_count; i++)
        if (d->requests[i]->face.role == role && str_is(device_id, d->requests[i]->device_id)) return d->requests[i];
    return NULL;
}

static int note_gone(devices_t *d, enum device_row kind, const char *id)
{
    struct device_gone *gone = calloc(1, sizeof *gone), **end = &d->gone;
    if (!gone) return GW_ENOMEM;
    gone->kind = kind;
    str_copy(gone->id, sizeof gone->id, str_of(id));
    while (*end) end = &(*end)->next;
    *end = gone;
    return 0;
}

static int drop_request(devices_t *d, struct device_request *r)
{
    size_t i = 0;
    int rc = note_gone(d, DEVICE_ROW_REQUEST, r->id);
    if (rc) return rc;
    while (d->requests[i] != r) i++;
    memmove(&d->requests[i], &d->requests[i + 1], (--d->request_count - i) * sizeof(struct device_request *));
    free(r);
    return 0;
}

static int drop_paired(devices_t *d, struct device_paired *p)
{
    size_t i = 0;
    int rc = note_gone(d, DEVICE_ROW_PAIRED, p->id);
    if (rc) return rc;
    while (d->paired[i] != p) i++;
    memmove(&d->paired[i], &d->paired[i + 1], (--d->paired_count - i) * sizeof(struct device_paired *));
    free_paired(p);
    return 0;
}

void devices_expire(devices_t *d, int64_t now_ms)
{
    for (size_t i = d->request_count; i-- > 0;)
        if (now_ms - d->requests[i]->ts_ms > DEVICE_REQUEST_MS && drop_request(d, d->requests[i]) != 0) return;
}

void device_copy_shown(char *dst, size_t size, struct str text)
{
    text = str_utf8_prefix(text, size - 1);
    str_copy(dst, size, text);
    for (char *c = dst; *c; c++) {
        bool c1 = (unsigned char)c[0] == 0xc2 && (unsigned char)c[1] >= 0x80 && (unsigned char)c[1] < 0xa0; /* U+0080..U+009F */
        if (c1) c[1] = ' ';
        if (c1 || (unsigned char)*c < 0x20 || *c == 0x7f) *c = ' ';
    }
}

void device_set_face(struct device_face *face, const struct device_claim *claim)
{
    *face = (struct device_face){ .role = claim->role };
    device_copy_shown(face->display_name, sizeof face->display_name, claim->display_name);
    device_copy_shown(face->platform, sizeof face->platform, claim->platform);
    device_copy_shown(face->client_id, sizeof face->client_id, claim->client_id);
    device_copy_shown(face->client_mode, sizeof face->client_mode, claim->client_mode);
    device_copy_shown(face->remote_ip, sizeof face->remote_ip, claim->remote_ip);
}

/* --- connecting ------------------------------------------------------------------------------------------------------- */

enum device_need devices_need(const devices_t *d, const struct device_claim *claim)
{
    const struct device_paired *p = device_find(d, claim->device_id);
    if (!p || !str_is(claim->public_key, p->public_key)) return DEVICE_NEED_PAIRING;
    if (!scopes_has(&p->roles, str_of(role_names[claim->role]))) return DEVICE_NEED_ROLE;
    return scopes_cover(&p->scopes, claim->scopes) ? DEVICE_NEED_NOTHING : DEVICE_NEED_SCOPES;
}

bool devices_token_valid(const devices_t *d, const struct device_claim *claim, struct str token)
{
    const struct device_paired *p = device_find(d, claim->device_id);
    if (!p || !str_is(claim->public_key, p->public_key)) return false;
    const struct device_token *t = &p->tokens[claim->role];
    return device_token_matches(t, token) && scopes_cover(&t->scopes, claim->scopes);
}

/* What the bound of requests counts by: of an IPv6 address the first 64 bits, which is what one customer has. */
static bool same_place(const char *a, const char *b)
{
    unsigned char x[16], y[16];
    if (inet_pton(AF_INET6, a, x) != 1 || inet_pton(AF_INET6, b, y) != 1) return strcmp(a, b) == 0;
    return memcmp(x, y, strchr(a, '.') ? sizeof x : 8) == 0; /* ::ffff:192.0.2.1 is an IPv4 address */
}

static int check_room(const devices_t *d, const char *address)
{
    size_t of_address = 0;
    for (size_t i = 0; i < d->request_count; i++) of_address += same_place(address, d->requests[i]->address);
    if (of_address >= DEVICE_REQUESTS_OF_ADDRESS) return GW_ELIMIT;
    return d->request_count >= DEVICES_REQUESTS_MAX ? GW_EFULL : 0;
}

static void fill_request(const devices_t *d, struct device_request *r, const struct device_claim *claim, int64_t now_ms)
{
    random_uuid(r->id);
    str_copy(r->device_id, sizeof r->device_id, claim->device_id);
    str_copy(r->public_key, sizeof r->public_key, claim->public_key);
    str_copy(r->address, sizeof r->address, claim->address);
    device_set_face(&r->face, claim);
    r->scopes = *claim->scopes;
    r->repair = device_find(d, claim->device_id) != NULL;
    r->ts_ms = now_ms;
    r->mark = DEVICE_CHANGED;
}

int devices_request(devices_t *d, const struct device_claim *claim, int64_t now_ms, char request_id[RANDOM_UUID_SIZE], bool *fresh)
{
    devices_expire(d, now_ms);
    struct device_request *r = find_asked(d, claim->device_id, claim->role), scratch = { 0 };
    request_id[0] = '\0';
    *fresh = r == NULL;
    if (!r) {
        fill_request(d, &scratch, claim, now_ms);
        int rc = check_room(d, scratch.address);
        if (rc) return rc;
        if (!(r = malloc(sizeof *r))) return GW_ENOMEM;
        *r = scratch;
        d->requests[d->request_count++] = r;
    }
    str_copy(request_id, RANDOM_UUID_SIZE, str_of(r->id));
    return 0;
}

/* Room for one more paired device: the longest unseen one that no operator approved gives way. It is paired again when it comes. */
static int make_room(devices_t *d)
{
    struct device_paired *oldest = NULL;
    if (d->paired_count < DEVICES_PAIRED_MAX) return 0;
    for (size_t i = 0; i < d->paired_count; i++)
        if (d->paired[i]->silent && (!oldest || d->paired[i]->seen_ms < oldest->seen_ms)) oldest = d->paired[i];
    return oldest ? drop_paired(d, oldest) : GW_EFULL;
}

/* A row for a device that is not paired yet, in the table. */
static struct device_paired *add_paired(devices_t *d, const struct device_request *r, int64_t now_ms, int *rc)
{
    *rc = make_room(d);
    if (*rc) return NULL;
    struct device_paired *p = calloc(1, sizeof *p);
    if (!p) *rc = GW_ENOMEM;
    if (!p) return NULL;
    memcpy(p->id, r->device_id, sizeof p->id);
    memcpy(p->public_key, r->public_key, sizeof p->public_key);
    p->created_ms = now_ms;
    p->silent = true;
    d->paired[d->paired_count++] = p;
    return p;
}

static int pair(devices_t *d, const struct device_request *r, int64_t now_ms, bool silent)
{
    struct device_paired *p = device_find(d, str_of(r->device_id));
    struct scopes scopes = p ? p->scopes : (struct scopes){ 0 };
    if (p && strcmp(p->public_key, r->public_key) != 0) return GW_EINVAL; /* the id is the key's hash: cannot be */
    int rc = scopes_merge(&scopes, &r->scopes);
    if (rc) return rc;
    if (!p) p = add_paired(d, r, now_ms, &rc);
    if (!p) return rc;
    p->scopes = scopes;
    scopes_add(&p->roles, str_of(role_names[r->face.role]));
    p->face = r->face;
    p->approved_ms = p->seen_ms = p->saved_seen_ms = now_ms;
    p->silent = p->silent && silent;
    p->mark = DEVICE_CHANGED;
    device_token_renew(&p->tokens[r->face.role], &r->scopes, now_ms);
    return 0;
}

int devices_approve_silently(devices_t *d, const struct device_claim *claim, int64_t now_ms, char request_id[RANDOM_UUID_SIZE])
{
    struct device_request *waiting = find_asked(d, claim->device_id, claim->role), r = { 0 };
    fill_request(d, &r, claim, now_ms);
    str_copy(request_id, RANDOM_UUID_SIZE, str_of(waiting ? waiting->id : r.id));
    int rc = pair(d, &r, now_ms, true);
    return rc || !waiting ? rc : drop_request(d, waiting);
}

int devices_connected(devices_t *d, const struct device_claim *claim, struct str token, int64_t now_ms, struct device_grant *out)
{
    struct device_paired *p = device_find(d, claim->device_id);
    bool changed;
    *out = (struct device_grant){ 0 };
    if (!p) return GW_ENOENT;
    struct device_token *t = &p->tokens[claim->role];
    device_set_face(&p->face, claim);
    device_token_give(t, token, claim->scopes, now_ms, &changed);
    p->seen_ms = now_ms;
    if (changed)
        p->mark = DEVICE_CHANGED;
    else if (p->mark == DEVICE_KEPT && now_ms - p->saved_seen_ms >= DEVICE_SEEN_SAVE_MS)
        p->mark = DEVICE_SEEN;
    str_copy(out->token, sizeof out->token, token.n ? token : str_of(t->newest));
    out->scopes = t->scopes;
    out->issued_at_ms = t->rotated_ms ? t->rotated_ms : t->created_ms;
    return 0;
}

static void spent_hash(struct str token, char out[2 * SHA256_DIGEST_LENGTH + 1])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)token.p, token.n, digest);
    hex_write(digest, sizeof digest, out);
}

bool devices_is_spent(const devices_t *d, struct str token)
{
    char hash[2 * SHA256_DIGEST_LENGTH + 1];
    spent_hash(token, hash);
    for (size_t i = 0; i < d->spent_count; i++)
        if (strcmp(hash, d->spent[i].hash) == 0) return true;
    return d->spent_count == DEVICES_SPENT_MAX;
}

int devices_spend(devices_t *d, struct str token, struct str device_id, int64_t now_ms)
{
    if (devices_is_spent(d, token)) return GW_EEXIST;
    struct device_spent *s = &d->spent[d->spent_count++];
    spent_hash(token, s->hash);
    str_copy(s->device_id, sizeof s->device_id, device_id);
    s->ts_ms = now_ms;
    s->mark = DEVICE_CHANGED;
    return 0;
}

/* --- an operator's decisions ------------------------------------------------------------------------------------------ */

int devices_request_scopes(devices_t *d, struct str request_id, int64_t now_ms, struct scopes *out)
{
    devices_expire(d, now_ms);
    const struct device_request *r = device_find_request(d, request_id);
    *out = r ? r->scopes : (struct scopes){ 0 };
    return r ? 0 : GW_ENOENT;
}

int devices_approve(devices_t *d, struct str request_id, int64_t now_ms, char device_id[DEVICE_ID_SIZE])
{
    devices_expire(d, now_ms);
    struct device_request *r = device_find_request(d, request_id);
    device_id[0] = '\0';
    if (!r) return GW_ENOENT;
    memcpy(device_id, r->device_id, DEVICE_ID_SIZE);
    int rc = pair(d, r, now_ms, false);
    return rc ? rc : drop_request(d, r);
}

int devices_reject(devices_t *d, struct str request_id, int64_t now_ms, char device_id[DEVICE_ID_SIZE])
{
    devices_expire(d, now_ms);
    struct device_request *r = device_find_request(d, request_id);
    device_id[0] = '\0';
    if (!r) return GW_ENOENT;
    memcpy(device_id, r->device_id, DEVICE_ID_SIZE);
    return drop_request(d, r);
}

int devices_remove(devices_t *d, struct str device_id)
{
    struct device_paired *p = device_find(d, device_id);
    if (!p) return GW_ENOENT;
    for (size_t i = d->request_count; i-- > 0;)
        if (str_is(device_id, d->requests[i]->device_id) && drop_request(d, d->requests[i]) != 0) return GW_ENOMEM;
    return drop_paired(d, p);
}

static struct device_token *find_token(const devices_t *d, struct str device_id, struct str role, struct device_paired **p)
{
    enum device_role which = device_role_of(role);
    *p = device_find(d, device_id);
    return *p && which != DEVICE_ROLES && (*p)->tokens[which].there ? &(*p)->tokens[which] : NULL;
}

int devices_token_scopes(const devices_t *d, struct str device_id, struct str role, struct scopes *out)
{
    struct device_paired *p;
    const struct device_token *t = find_token(d, device_id, role, &p);
    *out = t ? t->scopes : (struct scopes){ 0 };
    return t ? 0 : GW_ENOENT;
}

int devices_rotate(devices_t *d, struct str device_id, struct str role, const struct scopes *scopes, int64_t now_ms,
                   struct device_grant *out)
{
    struct device_paired *p;
    struct device_token *t = find_token(d, device_id, role, &p);
    *out = (struct device_grant){ 0 };
    if (!t) return GW_ENOENT;
    if (scopes) p->scopes = *scopes;
    out->scopes = scopes ? *scopes : t->scopes;
    device_token_renew(t, &out->scopes, now_ms);
    memcpy(out->token, t->newest, sizeof out->token);
    out->issued_at_ms = t->rotated_ms;
    p->mark = DEVICE_CHANGED;
    return 0;
}

int devices_revoke(devices_t *d, struct str device_id, struct str role, int64_t now_ms)
{
    struct device_paired *p;
    struct device_token *t = find_token(d, device_id, role, &p);
    if (!t) return GW_ENOENT;
    device_token_kill(t);
    t->revoked_ms = now_ms;
    p->mark = DEVICE_CHANGED;
    return 0;
}
