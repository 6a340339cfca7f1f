#include "cli/import.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/cron_schedule.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/json_read.h"
#include "cli/folder.h"
#include "store/cron_rows.h"
#include "store/device_rows.h"
#include "store/kv.h"

enum { PAIRED = 0 /* device_row_stored.kind */ };

/* --- the report ----------------------------------------------------------------------------------------------------------- */

void import_count(struct import *in, const char *what, int64_t more)
{
    json_object_set_new(in->taken, what, json_integer(json_integer_value(json_object_get(in->taken, what)) + more));
}

void import_skip(struct import *in, const char *why, const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    struct str whole = str_utf8_prefix(str_of(what), sizeof what - 1);
    json_array_append_new(in->skipped, json_pack("{s:s%, s:s}", "what", whole.p, whole.n, "why", why));
}

json_t *import_read(struct import *in, const char *name)
{
    char path[PATH_MAX];
    json_error_t error;
    folder_join(in->from, name, path);
    if (access(path, F_OK) != 0) return NULL;
    json_t *root = json_load_file(path, 0, &error);
    if (!root) import_skip(in, error.text, "%s (line %d)", name, error.line);
    return root;
}

/* @return whether it worked; else it is told */
static bool done(struct import *in, int rc, const char *what, const char *name)
{
    if (rc) import_skip(in, store_error(in->store), "%s %s", what, name);
    return rc == 0;
}

/* --- devices ---------------------------------------------------------------------------------------------------------------- */

struct seen {
    const char *id;
    bool there;
};

static int look(void *ctx, const struct device_row_stored *row)
{
    struct seen *s = ctx;
    s->there = row->kind == PAIRED && str_is(row->id, s->id);
    return 1; /* the first one is enough */
}

/* Rows come in the order of their ids: the first after "a little less than id" is id itself, or it is not there. */
static bool has_device(struct import *in, const char *id)
{
    char before[128];
    struct seen s = { .id = id };
    size_t n = strlen(id);
    if (n == 0 || n >= sizeof before) return false;
    memcpy(before, id, n + 1);
    before[n - 1]--; /* hexadecimal digits: nothing is between */
    device_rows_list(in->store, PAIRED, str_of(before), 1, look, &s);
    return s.there;
}

/* Tokens are kept as sums: what a device presents is compared with them. */
static json_t *convert_tokens(const json_t *tokens)
{
    json_t *list = json_array(), *token;
    const char *role;
    json_object_foreach((json_t *)tokens, role, token)
    {
        char sum[HEX_SHA256_SIZE];
        struct str secret = json_str(token, "token");
        json_t *copy = json_copy(token);
        if (!secret.n || !copy) {
            json_decref(copy);
            continue;
        }
        hex_sha256(secret, sum);
        json_object_del(copy, "token");
        json_object_set_new(copy, "role", json_string(role));
        json_object_set_new(copy, "hashes", json_pack("[s]", sum));
        json_array_append_new(list, copy);
    }
    return list;
}

static void take_device(struct import *in, const char *id, const json_t *device)
{
    struct str key = json_str(device, "publicKey");
    if (strlen(id) != 64 || !key.n || !str_is(json_str(device, "deviceId"), id)) {
        import_skip(in, "it has no key, or another id than its own", "device %s", id);
        return;
    }
    if (has_device(in, id)) {
        import_skip(in, "it is paired here already", "device %s", id);
        return;
    }
    json_t *row = json_copy((json_t *)device);
    json_object_set_new(row, "tokens", convert_tokens(json_object_get(device, "tokens")));
    json_object_set_new(row, "silent", json_false());
    json_object_set_new(row, "seenAtMs", json_integer(clock_wall_ms()));
    char *text = json_dumps(row, JSON_COMPACT);
    const struct device_row_stored stored = { PAIRED, str_of(id), text ? str_of(text) : STR("") };
    if (in->dry || done(in, device_rows_save(in->store, &stored), "device", id)) import_count(in, "devices", 1);
    free(text);
    json_decref(row);
}

static void take_devices(struct import *in)
{
    json_t *paired = import_read(in, "devices/paired.json"), *device;
    const char *id;
    json_object_foreach(paired, id, device) take_device(in, id, device);
    json_decref(paired);
}

/* --- jobs ---------------------------------------------------------------------------------------------------------------------- */

struct find_job {
    struct str id;
    bool there;
};

static int find_job(void *ctx, const struct cron_job_row *row)
{
    struct find_job *f = ctx;
    f->there = f->there || str_eq(row->id, f->id);
    return 0;
}

static void take_job(struct import *in, const json_t *job)
{
    char name[200];
    struct find_job find = { .id = json_str(job, "id") };
    str_copy(name, sizeof name, str_utf8_prefix(json_str(job, "name"), sizeof name - 1));
    cron_jobs_each(in->store, find_job, &find);
    int64_t at_ms = 0;
    struct str at = json_str(json_object_get(job, "schedule"), "at");
    bool past = at.n && cron_time_read(at, &at_ms) && at_ms < clock_wall_ms();
    if (!find.id.n || !json_is_object(json_object_get(job, "schedule"))) {
        import_skip(in, "it has no id or no schedule", "job %s", name);
    } else if (find.there) {
        import_skip(in, "a job with its id is here already", "job %s", name);
    } else if (past) {
        import_skip(in, "its time has passed", "job %s", name);
    } else {
        json_t *row = json_copy((json_t *)job);
        char *state = json_dumps(json_object_get(row, "state"), JSON_COMPACT); /* its members are ours, too */
        json_object_del(row, "state");
        char *text = json_dumps(row, JSON_COMPACT);
        const struct cron_job_row stored = { find.id, false, text ? str_of(text) : STR(""), state ? str_of(state) : STR("{}") };
        if (in->dry || done(in, cron_job_save(in->store, &stored), "job", name)) import_count(in, "jobs", 1);
        free(state);
        free(text);
        json_decref(row);
    }
}

static void take_jobs(struct import *in)
{
    size_t i;
    const json_t *job;
    json_t *file = import_read(in, "cron/jobs.json");
    json_array_foreach(json_object_get(file, "jobs"), i, job) take_job(in, job);
    json_decref(file);
}

/* --- people who may write to a bot -------------------------------------------------------------------------------------------- */

/* Ours is one object for each network: {version, requests, allowFrom}. */
static void take_people(struct import *in, const char *channel)
{
    char name[96], key[96];
    struct buf kept = { 0 };
    size_t i, added = 0;
    const json_t *id;
    snprintf(name, sizeof name, "credentials/%s-allowFrom.json", channel);
    snprintf(key, sizeof key, "channel:%s:pairing", channel);
    json_t *file = import_read(in, name);
    const json_t *people = json_object_get(file, "allowFrom");
    if (!json_array_size(people)) {
        json_decref(file);
        return;
    }
    kv_get(in->store, str_of(key), &kept);
    json_t *ours = kept.n ? json_loadb(kept.p, kept.n, 0, NULL) : NULL;
    if (!ours) ours = json_pack("{s:i, s:[], s:[]}", "version", 1, "requests", "allowFrom");
    json_t *list = json_object_get(ours, "allowFrom");
    json_array_foreach(people, i, id)
    {
        size_t k = 0;
        while (k < json_array_size(list) && !json_equal(json_array_get(list, k), (json_t *)id)) k++;
        if (k < json_array_size(list) || !json_is_string(id)) continue;
        json_array_append(list, (json_t *)id);
        added++;
    }
    char *text = json_dumps(ours, JSON_COMPACT);
    if (added == 0)
        import_skip(in, "all of them are known here already", "people of %s", channel);
    else if (in->dry || done(in, kv_put(in->store, str_of(key), text ? str_of(text) : STR("")), "people of", channel))
        import_count(in, "people", (int64_t)added);
    free(text);
    json_decref(ours);
    json_decref(file);
    buf_free(&kept);
}

/* --- files ------------------------------------------------------------------------------------------------------------------------ */

/* The list of programs; the socket's token of the old gateway stays behind. */
static void take_approvals(struct import *in)
{
    char ours[PATH_MAX], part[PATH_MAX + 8];
    json_t *file = import_read(in, "exec-approvals.json");
    folder_join(in->state, "exec-approvals.json", ours);
    if (!file) return;
    if (access(ours, F_OK) == 0) {
        if (strcmp(in->from, in->state) != 0) import_skip(in, "there is one here already", "exec-approvals.json");
        json_decref(file);
        return;
    }
    json_object_del(file, "socket");
    snprintf(part, sizeof part, "%s.part", ours);
    mode_t mask = umask(077);
    bool good = in->dry || (json_dump_file(file, part, JSON_INDENT(2)) == 0 && rename(part, ours) == 0);
    umask(mask);
    if (good)
        import_count(in, "approvals", 1);
    else
        import_skip(in, "it could not be written", "exec-approvals.json");
    json_decref(file);
}

/* What is in the directory and is not taken over, so that nobody has to guess. */
static void tell_rest(struct import *in)
{
    static const struct {
        const char *name, *why;
        bool here; /* also when it is our own directory */
    } rest[] = { { "openclaw.json", "the configuration is read as it is: copy it, or point OPENCLAW_CONFIG_PATH at it", false },
                 { "workspace", "workspaces are read as they are: copy the folder, or set agents.defaults.workspace", false },
                 { "workspaces", "workspaces are read as they are: copy the folder, or set each agent's workspace", false },
                 { "skills", "copy the folder: skills are read from <state>/skills", false },
                 { "cron/runs", "the log of runs begins anew", true },
                 { "subagents/runs.json", "sub-agents that ran are not taken up; their transcripts are sessions", true },
                 { "delivery-queue", "what OpenClaw could not deliver is not tried again", true },
                 { "devices/pending.json", "requests for pairing live five minutes", true },
                 { "nodes/paired.json", "there are no nodes here", true },
                 { "memory", "the index of MEMORY.md is made anew", true },
                 { "identity/device.json", "the command line has a key of its own", true } };
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        char path[PATH_MAX];
        folder_join(in->from, rest[i].name, path);
        if (access(path, F_OK) == 0 && (rest[i].here || strcmp(in->from, in->state) != 0)) import_skip(in, rest[i].why, "%s", rest[i].name);
    }
}

json_t *import_run(struct import *in)
{
    in->taken =
        json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "devices", 0, "sessions", 0, "messages", 0, "jobs", 0, "people", 0, "approvals", 0);
    in->skipped = json_array();
    take_devices(in);
    import_sessions(in);
    take_jobs(in);
    take_people(in, "discord");
    take_people(in, "telegram");
    take_approvals(in);
    tell_rest(in);
    return json_pack("{s:s, s:b, s:o, s:o}", "from", in->from, "dryRun", in->dry, "taken", in->taken, "skipped", in->skipped);
}
