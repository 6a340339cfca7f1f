#include "support/frames.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>

enum { PATH_MAX_BYTES = 512 };

/* Names whose texts belong to the machine, the model or the run. */
static const char *const FREE[] = { "host",
                                    "ip",
                                    "platform",
                                    "version",
                                    "modelIdentifier",
                                    "file",
                                    "lines",
                                    "text",
                                    "delta",
                                    "raw",
                                    "preview",
                                    "summary",
                                    "meta",
                                    "content",
                                    "runtime",
                                    "configPath",
                                    "stateDir",
                                    "displayName",
                                    "bins",
                                    "prompt",
                                    "derivedTitle",
                                    "model",
                                    "provider",
                                    "modelProvider",
                                    "connId",
                                    "messageId",
                                    "hash",
                                    "path",
                                    "lastMessagePreview",
                                    "truncated",
                                    "content-length",
                                    NULL };
/* Parts of the configuration: in the order of its file, which is not the recorded one's. */
static const char *const FILES[] = { "config", "parsed", "resolved", "schema", NULL };
/* Names that a machine without a network has no value for. */
static const char *const MACHINE[] = { "ip", NULL };
/* Names whose numbers are part of the protocol. */
static const char *const EXACT[] = {
    "protocol",    "maxPayload", "maxBufferedBytes", "tickIntervalMs", "restartExpectedMs", "kept", "everyMs", "days", "status",
    "ackMaxChars", NULL
};

void frames_begin(struct frames *f, const struct kit *kit, struct known *known, size_t known_count)
{
    *f = (struct frames){ .kit = kit, .known = known, .known_count = known_count, .learned = json_object() };
}

void frames_end(struct frames *f)
{
    for (size_t i = 0; i < f->known_count; i++) {
        const struct known *k = &f->known[i];
        cr_expect(!k->played || k->seen, "no longer differs: %s %s (%s)", k->frame, k->path, k->reason);
    }
    printf("%d frames compared, %d values, %d of them known to differ\n", f->compared, f->values, f->excused);
    json_decref(f->learned);
    f->learned = NULL;
}

json_t *frames_load(const char *name)
{
    char path[512];
    json_error_t error;
    snprintf(path, sizeof path, "%s/frames/%s.json", TEST_DATA_DIR, name);
    json_t *root = json_load_file(path, JSON_ALLOW_NUL, &error);
    cr_assert(root, "%s: %s", path, error.text);
    return root;
}

/* --- what belongs to a run ---------------------------------------------------------------------------------------- */

void frames_learn(struct frames *f, const char *recorded, const char *ours)
{
    json_object_set_new(f->learned, recorded, json_string(ours));
}

const char *frames_ours(struct frames *f, const char *recorded)
{
    const char *ours = json_string_value(json_object_get(f->learned, recorded));
    if (ours || strncmp(recorded, "/data", 5) != 0) return ours ? ours : recorded;
    char path[512];
    snprintf(path, sizeof path, "%s%s", f->kit->dir, recorded + 5);
    frames_learn(f, recorded, path);
    return json_string_value(json_object_get(f->learned, recorded));
}

json_t *frames_translate(struct frames *f, const json_t *recorded)
{
    const char *key;
    json_t *value, *out;
    size_t i;
    if (json_is_string(recorded)) {
        if (strlen(json_string_value(recorded)) != json_string_length(recorded)) return json_deep_copy(recorded); /* with a NUL inside */
        return json_string(frames_ours(f, json_string_value(recorded)));
    }
    if (json_is_array(recorded)) {
        out = json_array();
        json_array_foreach(recorded, i, value) json_array_append_new(out, frames_translate(f, value));
        return out;
    }
    if (!json_is_object(recorded)) return json_deep_copy(recorded);
    out = json_object();
    json_object_foreach((json_t *)recorded, key, value) json_object_set_new(out, key, frames_translate(f, value));
    return out;
}

/* The text's form: what it is made of, with a letter for each kind, so that two ids of one kind have one form. */
static const char *form_of(const char *text)
{
    size_t n = strlen(text), hex = strspn(text, "0123456789abcdef");
    const char *rest = text + hex;
    if (n == 36 && hex == 8 && *rest == '-') return "uuid";
    if (n == 64 && hex == 64) return "sha256";
    if (n == 43 && !strpbrk(text, " :/.")) return "token";
    if (strncmp(text, "inject-", 7) == 0) return "injected";
    if (text[0] == '/') return "path";
    if (n == 10 && text[4] == '-' && text[7] == '-') return "date";
    if (n >= 20 && n <= 30 && isdigit((unsigned char)text[0]) && strchr(text, 'T') && text[n - 1] == 'Z') return "time";
    if (strncmp(text, "http://127.0.0.1:", 17) == 0) return "url";
    return NULL;
}

static bool in_list(const char *const *list, const char *name)
{
    for (; *list; list++)
        if (strcmp(*list, name) == 0) return true;
    return false;
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

struct at { /* where in the frame we are */
    char path[PATH_MAX_BYTES];
    const char *name; /* of the member */
    bool other;       /* this is another one of its kind: its texts are its own */
    bool unordered;
};

static struct at below(const struct at *at, const char *name)
{
    struct at next = { .name = name[0] == '[' ? at->name : name, .other = at->other, .unordered = at->unordered };
    const char *dot = at->path[0] && name[0] != '[' ? "." : "";
    snprintf(next.path, sizeof next.path, "%.400s%s%.100s", at->path, dot, name);
    if (in_list(FILES, name)) next.unordered = true;
    return next;
}

/* Does the known path name this place or one above it? */
static bool covers(const char *known, const char *path)
{
    size_t n = strlen(known);
    if (n && known[n - 1] == '*') return strncmp(known, path, n - 1) == 0;
    if (n == 0) return true;
    return strncmp(known, path, n) == 0 && (!path[n] || path[n] == '.' || path[n] == '[');
}

static void differs(struct frames *f, const struct at *at, const char *what, const json_t *want, const json_t *got)
{
    for (size_t i = 0; i < f->known_count; i++) {
        if (fnmatch(f->known[i].frame, f->name, 0) != 0 || !covers(f->known[i].path, at->path)) continue;
        f->known[i].seen = true;
        f->excused++;
        return;
    }
    char *w = json_dumps(want, JSON_ENCODE_ANY | JSON_COMPACT), *g = got ? json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    cr_expect(false, "%s: %s: %s: recorded %.300s, ours %.300s", f->name, at->path, what, w, g ? g : "(nothing)");
    free(w);
    free(g);
}

static void compare(struct frames *f, const struct at *at, const json_t *want, const json_t *got);

static bool cut_mark(const json_t *v)
{
    return json_is_string(v) && strncmp(json_string_value(v), "…(+", strlen("…(+")) == 0;
}

/* How alike two things of a list are: their equal texts. */
static int likeness(struct frames *f, const json_t *want, const json_t *got)
{
    const char *key;
    json_t *value;
    int n = 0;
    json_object_foreach((json_t *)want, key, value)
    {
        const char *mine = json_string_value(json_object_get(got, key));
        if (mine && json_is_string(value) && strcmp(frames_ours(f, json_string_value(value)), mine) == 0) n++;
    }
    return n;
}

/* Is it the same thing, or another one of its kind? Told by the first of these names that it has. */
static bool same_one(struct frames *f, const json_t *want, const json_t *got)
{
    static const char *const ids[] = { "id",   "key",  "deviceId", "requestId", "agentId", "jobId", "name",
                                       "host", "date", "provider", "channel",   "role",    NULL };
    for (const char *const *id = ids; *id; id++) {
        const char *wanted = json_string_value(json_object_get(want, *id)), *mine = json_string_value(json_object_get(got, *id));
        if (wanted) return mine && strcmp(frames_ours(f, wanted), mine) == 0;
    }
    return true;
}

/* Of a list of things ours that is most alike; of other lists the one at the same place. */
static const json_t *partner(struct frames *f, const json_t *want, const json_t *list, size_t index)
{
    size_t i;
    json_t *one, *best = NULL;
    int most = -1;
    if (!json_is_object(want)) return json_array_get(list, index);
    json_array_foreach(list, i, one)
    {
        int n = 2 * likeness(f, want, one) + (i == index) + 8 * same_one(f, want, one);
        if (n > most) best = one;
        if (n > most) most = n;
    }
    return best;
}

static void compare_arrays(struct frames *f, const struct at *at, const json_t *want, const json_t *got)
{
    size_t i;
    json_t *one;
    struct at item = below(at, "[]");
    bool cut = json_array_size(want) && cut_mark(json_array_get(want, json_array_size(want) - 1)), texts = false;
    json_array_foreach(want, i, one)
    {
        if (cut_mark(one)) continue;
        const json_t *mine = partner(f, one, got, i);
        texts = json_is_string(one);
        item.other = at->other || (json_is_object(one) && !same_one(f, one, mine));
        if (mine)
            compare(f, &item, one, mine);
        else if (!at->other || json_is_object(one))
            differs(f, &item, "is not there", one, NULL);
    }
    if (texts && !cut && !at->other && !in_list(FREE, at->name) && json_array_size(got) != json_array_size(want))
        differs(f, at, "more or fewer", want, got);
}

static void compare_objects(struct frames *f, const struct at *at, const json_t *want, const json_t *got)
{
    const char *key, *mine, *last = NULL;
    json_t *value, *other;
    json_object_foreach((json_t *)want, key, value)
    {
        struct at member = below(at, key);
        json_t *ours = json_object_get(got, key);
        if (strcmp(key, "…") == 0) continue;
        if (!ours && in_list(MACHINE, key)) continue;
        if (!ours) {
            f->values++;
            differs(f, &member, "is not there", value, NULL);
            continue;
        }
        bool after = !last || at->unordered; /* does our member come after the one before? */
        json_object_foreach((json_t *)got, mine, other)
        {
            if (last && strcmp(mine, last) == 0) after = true;
            if (strcmp(mine, key) == 0) break;
        }
        if (!after) differs(f, &member, "comes too early", value, ours);
        last = key;
        compare(f, &member, value, ours);
    }
}

static void compare_texts(struct frames *f, const struct at *at, const json_t *want, const json_t *got)
{
    const char *recorded = json_string_value(want), *mine = json_string_value(got), *form = form_of(recorded), *ours = form_of(mine);
    if (at->other || strcmp(frames_ours(f, recorded), mine) == 0 || strstr(recorded, "…")) return;
    if (form && ours && strcmp(form, ours) == 0) {
        frames_learn(f, recorded, mine);
    } else if (form && strncmp(at->path, "error", 5) != 0) {
        differs(f, at, "another form", want, got);
    } else if (!in_list(FREE, at->name)) {
        differs(f, at, "another text", want, got);
    }
}

static void compare(struct frames *f, const struct at *at, const json_t *want, const json_t *got)
{
    f->values++;
    if (json_is_number(want) && json_is_number(got)) {
        if (in_list(EXACT, at->name) && !json_equal(want, got)) differs(f, at, "another number", want, got);
        return;
    }
    if (json_is_boolean(want) && json_is_boolean(got) && (at->other || in_list(FREE, at->name))) return;
    if (json_typeof(want) != json_typeof(got)) {
        if (!json_is_null(want) || strcmp(at->path, "payload") == 0) differs(f, at, "another type", want, got);
        return;
    }
    if (json_is_object(want)) compare_objects(f, at, want, got);
    if (json_is_array(want)) compare_arrays(f, at, want, got);
    if (json_is_string(want)) compare_texts(f, at, want, got);
}

void frames_compare(struct frames *f, const char *name, const json_t *want, const json_t *got)
{
    static const char *const outer[] = { "type", "id", "ok", "payload", "error", "event", "seq", "stateVersion" };
    struct at root = { .name = "" };
    f->name = name;
    f->compared++;
    for (size_t i = 0; i < f->known_count; i++)
        if (fnmatch(f->known[i].frame, name, 0) == 0) f->known[i].played = true;
    for (size_t i = 0; i < sizeof outer / sizeof *outer; i++) { /* nothing more around the payload either */
        struct at member = below(&root, outer[i]);
        const json_t *mine = json_object_get(got, outer[i]);
        if (mine && !json_object_get(want, outer[i])) differs(f, &member, "was not recorded", want, mine);
    }
    compare(f, &root, want, got);
}
