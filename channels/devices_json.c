#include <jansson.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/hex.h"
#include "base/json_read.h"
#include "channels/devices_internal.h"

static void pair_text(struct buf *out, const char *key, const char *value)
{
    buf_json_pair_str(out, key, str_of(value));
}

static void pair_given(struct buf *out, const char *key, const char *value)
{
    if (value[0]) pair_text(out, key, value);
}

static void pair_time(struct buf *out, const char *key, int64_t ms)
{
    if (ms) buf_json_pair_int(out, key, ms);
}

static void pair_scopes(struct buf *out, const char *key, const struct scopes *scopes)
{
    buf_json_key(out, key);
    scopes_write(scopes, out);
}

/* From deviceId to role: alike in both shapes. */
static void write_face(const char *device_id, const char *public_key, const struct device_face *face, struct buf *out)
{
    pair_text(out, "deviceId", device_id);
    pair_text(out, "publicKey", public_key);
    pair_given(out, "displayName", face->display_name);
    pair_text(out, "platform", face->platform);
    pair_text(out, "clientId", face->client_id);
    pair_text(out, "clientMode", face->client_mode);
    pair_text(out, "role", device_role_name(face->role));
}

static void write_request(const struct device_request *r, bool stored, struct buf *out)
{
    const struct str role = str_of(device_role_name(r->face.role));
    buf_char(out, '{');
    pair_text(out, "requestId", r->id);
    write_face(r->device_id, r->public_key, &r->face, out);
    buf_json_key(out, "roles");
    buf_char(out, '[');
    buf_json_str(out, role);
    buf_char(out, ']');
    pair_scopes(out, "scopes", &r->scopes);
    pair_given(out, "remoteIp", r->face.remote_ip);
    buf_json_pair_bool(out, "silent", false);
    buf_json_pair_bool(out, "isRepair", r->repair);
    buf_json_pair_int(out, "ts", r->ts_ms);
    if (stored) pair_text(out, "address", r->address);
    buf_char(out, '}');
}

static void write_hashes(const struct device_token *t, struct buf *out)
{
    char hex[2 * SHA256_DIGEST_LENGTH + 1];
    buf_json_key(out, "hashes");
    buf_char(out, '[');
    for (size_t i = 0; i < t->count; i++) {
        hex_write(t->hashes[i], sizeof t->hashes[i], hex);
        buf_json_comma(out);
        buf_json_str(out, str_of(hex));
    }
    buf_char(out, ']');
}

static void write_tokens(const struct device_paired *p, bool stored, struct buf *out)
{
    buf_json_key(out, "tokens");
    buf_char(out, '[');
    for (int role = 0; role < DEVICE_ROLES; role++) {
        const struct device_token *t = &p->tokens[role];
        if (!t->there) continue;
        buf_json_comma(out);
        buf_char(out, '{');
        pair_text(out, "role", device_role_name((enum device_role)role));
        pair_scopes(out, "scopes", &t->scopes);
        buf_json_pair_int(out, "createdAtMs", t->created_ms);
        pair_time(out, "rotatedAtMs", t->rotated_ms);
        pair_time(out, "revokedAtMs", t->revoked_ms);
        pair_time(out, "lastUsedAtMs", t->used_ms);
        if (stored) write_hashes(t, out);
        buf_char(out, '}');
    }
    buf_char(out, ']');
}

static void write_paired(const struct device_paired *p, bool stored, struct buf *out)
{
    buf_char(out, '{');
    write_face(p->id, p->public_key, &p->face, out);
    pair_scopes(out, "roles", &p->roles);
    pair_scopes(out, "scopes", &p->scopes);
    pair_given(out, "remoteIp", p->face.remote_ip);
    buf_json_pair_int(out, "createdAtMs", p->created_ms);
    buf_json_pair_int(out, "approvedAtMs", p->approved_ms);
    write_tokens(p, stored, out);
    if (stored) {
        buf_json_pair_bool(out, "silent", p->silent);
        buf_json_pair_int(out, "seenAtMs", p->seen_ms);
    }
    buf_char(out, '}');
}

static int newest_request(const void *a, const void *b)
{
    const struct device_request *x = *(struct device_request *const *)a, *y = *(struct device_request *const *)b;
    return x->ts_ms != y->ts_ms ? (x->ts_ms < y->ts_ms ? 1 : -1) : strcmp(x->id, y->id);
}

static int newest_paired(const void *a, const void *b)
{
    const struct device_paired *x = *(struct device_paired *const *)a, *y = *(struct device_paired *const *)b;
    return x->approved_ms != y->approved_ms ? (x->approved_ms < y->approved_ms ? 1 : -1) : strcmp(x->id, y->id);
}

void devices_write_list(devices_t *d, int64_t now_ms, struct buf *out)
{
    struct device_request *requests[DEVICES_REQUESTS_MAX];
    struct device_paired *paired[DEVICES_PAIRED_MAX];
    devices_expire(d, now_ms);
    memcpy(requests, d->requests, sizeof requests);
    memcpy(paired, d->paired, sizeof paired);
    qsort(requests, d->request_count, sizeof *requests, newest_request);
    qsort(paired, d->paired_count, sizeof *paired, newest_paired);
    buf_text(out, "{\"pending\":[");
    for (size_t i = 0; i < d->request_count; i++) {
        buf_json_comma(out);
        write_request(requests[i], false, out);
    }
    buf_text(out, "],\"paired\":[");
    for (size_t i = 0; i < d->paired_count; i++) {
        buf_json_comma(out);
        write_paired(paired[i], false, out);
    }
    buf_text(out, "]}");
}

int devices_write_paired(const devices_t *d, struct str device_id, struct buf *out)
{
    const struct device_paired *p = device_find(d, device_id);
    if (p) write_paired(p, false, out);
    return p ? 0 : GW_ENOENT;
}

int devices_write_request(const devices_t *d, struct str request_id, struct buf *out)
{
    const struct device_request *r = device_find_request(d, request_id);
    if (r) write_request(r, false, out);
    return r ? 0 : GW_ENOENT;
}

void devices_write_resolved(struct str request_id, struct str device_id, bool approved, int64_t now_ms, struct buf *out)
{
    buf_char(out, '{');
    buf_json_pair_str(out, "requestId", request_id);
    buf_json_pair_str(out, "deviceId", device_id);
    buf_json_pair_str(out, "decision", approved ? STR("approved") : STR("rejected"));
    buf_json_pair_int(out, "ts", now_ms);
    buf_char(out, '}');
}

/* --- changed rows --------------------------------------------------------------------------------------------------- */

static bool change(struct device_change *out, enum device_row kind, const char *id, enum device_mark *mark)
{
    if (*mark == DEVICE_KEPT) return false;
    *out = (struct device_change){ .kind = kind, .urgent = *mark == DEVICE_CHANGED };
    str_copy(out->id, sizeof out->id, str_of(id));
    *mark = DEVICE_KEPT;
    return true;
}

static void write_spent(const struct device_spent *s, struct buf *json)
{
    buf_char(json, '{');
    pair_text(json, "deviceId", s->device_id);
    buf_json_pair_int(json, "ts", s->ts_ms);
    buf_char(json, '}');
}

/* Deleted rows come first: a row that was deleted and is there again is stored last. */
bool devices_take_change(devices_t *d, struct device_change *out, struct buf *json)
{
    buf_clear(json);
    if (d->gone) {
        struct device_gone *gone = d->gone;
        *out = (struct device_change){ .kind = gone->kind, .urgent = true };
        memcpy(out->id, gone->id, sizeof out->id);
        d->gone = gone->next;
        free(gone);
        return true;
    }
    for (size_t i = 0; i < d->spent_count; i++)
        if (change(out, DEVICE_ROW_SPENT, d->spent[i].hash, &d->spent[i].mark)) return write_spent(&d->spent[i], json), true;
    for (size_t i = 0; i < d->request_count; i++)
        if (change(out, DEVICE_ROW_REQUEST, d->requests[i]->id, &d->requests[i]->mark))
            return write_request(d->requests[i], true, json), true;
    for (size_t i = 0; i < d->paired_count; i++)
        if (change(out, DEVICE_ROW_PAIRED, d->paired[i]->id, &d->paired[i]->mark)) {
            d->paired[i]->saved_seen_ms = d->paired[i]->seen_ms;
            return write_paired(d->paired[i], true, json), true;
        }
    return false;
}

void devices_change_failed(devices_t *d, const struct device_change *change)
{
    struct device_paired *p = change->kind == DEVICE_ROW_PAIRED ? device_find(d, str_of(change->id)) : NULL;
    struct device_request *r = change->kind == DEVICE_ROW_REQUEST ? device_find_request(d, str_of(change->id)) : NULL;
    if (p) p->mark = DEVICE_CHANGED;
    if (r) r->mark = DEVICE_CHANGED;
    for (size_t i = 0; change->kind == DEVICE_ROW_SPENT && i < d->spent_count; i++)
        if (strcmp(change->id, d->spent[i].hash) == 0) d->spent[i].mark = DEVICE_CHANGED;
    if (p || r || change->kind == DEVICE_ROW_SPENT) return;
    struct device_gone *gone = calloc(1, sizeof *gone);
    if (!gone) return; /* the row comes back at the next start: a request that expires, or a device to remove again */
    gone->kind = change->kind;
    memcpy(gone->id, change->id, sizeof gone->id);
    gone->next = d->gone;
    d->gone = gone;
}

/* --- stored rows ------------------------------------------------------------------------------------------------------ */

static int64_t time_of(const json_t *object, const char *key)
{
    int64_t ms = json_integer_value(json_object_get(object, key));
    return ms > 0 ? ms : 0;
}

/* Ids, key and face of a row. The id is checked against the key: whoever edits the file cannot give a device another's place. */
static int read_face(const json_t *row, char *device_id, char *public_key, struct device_face *face)
{
    unsigned char raw[DEVICE_KEY_SIZE];
    enum device_role role = device_role_of(json_str(row, "role"));
    if (role == DEVICE_ROLES || device_key_read(json_str(row, "publicKey"), raw) != 0) return GW_EPARSE;
    device_key_id(raw, device_id);
    base64url_write(raw, sizeof raw, public_key);
    if (!str_is(json_str(row, "deviceId"), device_id)) return GW_EPARSE;
    const struct scopes none = { 0 };
    device_set_face(face, &(struct device_claim){ .display_name = json_str(row, "displayName"),
                                                  .platform = json_str(row, "platform"),
                                                  .client_id = json_str(row, "clientId"),
                                                  .client_mode = json_str(row, "clientMode"),
                                                  .remote_ip = json_str(row, "remoteIp"),
                                                  .role = role,
                                                  .scopes = &none });
    return 0;
}

static int read_hash(struct str hex, unsigned char out[SHA256_DIGEST_LENGTH])
{
    if (hex.n != 2 * SHA256_DIGEST_LENGTH) return GW_EPARSE;
    for (size_t i = 0; i < hex.n; i++) {
        const char *digits = "0123456789abcdef", *at = hex.p[i] ? strchr(digits, hex.p[i]) : NULL;
        if (!at) return GW_EPARSE;
        out[i / 2] = (unsigned char)(i % 2 ? out[i / 2] | (at - digits) : (at - digits) << 4);
    }
    return 0;
}

static int read_token(const json_t *json, struct device_paired *p)
{
    enum device_role role = device_role_of(json_str(json, "role"));
    const json_t *hashes = json_object_get(json, "hashes");
    if (role == DEVICE_ROLES) return GW_EPARSE;
    struct device_token *t = &p->tokens[role];
    *t = (struct device_token){ .there = true,
                                .created_ms = time_of(json, "createdAtMs"),
                                .rotated_ms = time_of(json, "rotatedAtMs"),
                                .revoked_ms = time_of(json, "revokedAtMs"),
                                .used_ms = time_of(json, "lastUsedAtMs") };
    int rc = scopes_read(json_object_get(json, "scopes"), &t->scopes);
    for (size_t i = 0; rc == 0 && i < json_array_size(hashes) && t->count < DEVICE_TOKENS_MAX; i++) {
        const json_t *hex = json_array_get(hashes, i);
        rc = read_hash(json_text(hex), t->hashes[t->count++]);
    }
    return rc ? GW_EPARSE : 0;
}

static int read_paired(const json_t *row, struct device_paired *p)
{
    const json_t *tokens = json_object_get(row, "tokens");
    *p = (struct device_paired){ 0 };
    int rc = read_face(row, p->id, p->public_key, &p->face);
    if (rc == 0) rc = scopes_read(json_object_get(row, "roles"), &p->roles);
    if (rc == 0) rc = scopes_read(json_object_get(row, "scopes"), &p->scopes);
    for (size_t i = 0; rc == 0 && i < json_array_size(tokens); i++) rc = read_token(json_array_get(tokens, i), p);
    p->created_ms = time_of(row, "createdAtMs");
    p->approved_ms = time_of(row, "approvedAtMs");
    p->seen_ms = p->saved_seen_ms = time_of(row, "seenAtMs");
    p->silent = json_is_true(json_object_get(row, "silent"));
    return rc ? GW_EPARSE : 0;
}

static int load_paired(devices_t *d, const json_t *row)
{
    struct device_paired read, *p;
    int rc = read_paired(row, &read);
    if (rc) return rc;
    p = device_find(d, str_of(read.id));
    if (!p) {
        if (d->paired_count == DEVICES_PAIRED_MAX) return GW_EFULL;
        if (!(p = malloc(sizeof *p))) return GW_ENOMEM;
        d->paired[d->paired_count++] = p;
    }
    *p = read;
    OPENSSL_cleanse(&read, sizeof read);
    return 0;
}

static int load_request(devices_t *d, struct str id, const json_t *row)
{
    struct device_request read = { 0 }, *r;
    if (read_face(row, read.device_id, read.public_key, &read.face) != 0 || str_copy(read.id, sizeof read.id, id) != 0) return GW_EPARSE;
    if (id.n == 0 || scopes_read(json_object_get(row, "scopes"), &read.scopes) != 0) return GW_EPARSE;
    str_copy(read.address, sizeof read.address, json_str(row, "address"));
    read.repair = json_is_true(json_object_get(row, "isRepair"));
    read.ts_ms = time_of(row, "ts");
    r = device_find_request(d, id);
    if (!r) {
        if (d->request_count == DEVICES_REQUESTS_MAX) return GW_EFULL;
        if (!(r = malloc(sizeof *r))) return GW_ENOMEM;
        d->requests[d->request_count++] = r;
    }
    *r = read;
    return 0;
}

static int load_spent(devices_t *d, struct str id, const json_t *row)
{
    unsigned char ignored[SHA256_DIGEST_LENGTH];
    if (read_hash(id, ignored) != 0) return GW_EPARSE;
    for (size_t i = 0; i < d->spent_count; i++)
        if (str_is(id, d->spent[i].hash)) return 0;
    if (d->spent_count == DEVICES_SPENT_MAX) return GW_EFULL;
    struct device_spent *s = &d->spent[d->spent_count++];
    *s = (struct device_spent){ .ts_ms = time_of(row, "ts") };
    str_copy(s->hash, sizeof s->hash, id);
    str_copy(s->device_id, sizeof s->device_id, json_str(row, "deviceId"));
    return 0;
}

int devices_load_row(devices_t *d, enum device_row kind, struct str id, struct str json)
{
    json_error_t ignored;
    json_t *row = json.n && json.n <= DEVICE_ROW_MAX ? json_loadb(json.p, json.n, 0, &ignored) : NULL;
    int rc = GW_EPARSE;
    if (json_is_object(row) && kind == DEVICE_ROW_PAIRED) rc = load_paired(d, row);
    if (json_is_object(row) && kind == DEVICE_ROW_REQUEST) rc = load_request(d, id, row);
    if (json_is_object(row) && kind == DEVICE_ROW_SPENT) rc = load_spent(d, id, row);
    json_decref(row);
    return rc;
}
