/* cli/import_sessions.c -- sessions and their transcripts: a tree of lines, of which the branch that ends in the last line is the
 * conversation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/cron_schedule.h"
#include "actors/session_settings.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json_read.h"
#include "cli/folder.h"
#include "cli/import.h"
#include "msgs/chat_json.h"
#include "store/messages.h"
#include "store/routes.h"
#include "store/sessions.h"

enum { AGENTS_MAX = 4096, TRANSCRIPT_MAX = 256 * 1024 * 1024, LINES_MAX = 1000000 };

/* --- a transcript ------------------------------------------------------------------------------------------------------------ */

struct lines {
    json_t **list; /* owned, in the order of the file */
    size_t count;
    json_t *by_id; /* id: index */
};

static void free_lines(struct lines *l)
{
    for (size_t i = 0; i < l->count; i++) json_decref(l->list[i]);
    free(l->list);
    json_decref(l->by_id);
}

static bool add_line(struct lines *l, json_t *line)
{
    json_t **more = l->count % 256 ? l->list : realloc(l->list, (l->count + 256) * sizeof *more);
    if (!more || l->count == LINES_MAX) return false;
    l->list = more;
    const char *id = json_string_value(json_object_get(line, "id"));
    if (id && !str_is(json_str(line, "type"), "session")) json_object_set_new(l->by_id, id, json_integer((json_int_t)l->count));
    l->list[l->count++] = json_incref(line);
    return true;
}

/* @return whether it could be read; a broken line is told and left out, as OpenClaw does */
static bool read_lines(struct import *in, const char *path, struct lines *out)
{
    struct buf text = { 0 };
    size_t number = 0;
    bool good = file_read(path, TRANSCRIPT_MAX, &text) == 0;
    *out = (struct lines){ .by_id = json_object() };
    for (struct str rest = buf_str(&text); good && rest.n;) {
        struct str one = str_trim(str_split(&rest, '\n'));
        number++;
        if (!one.n) continue;
        json_t *line = json_loadb(one.p, one.n, 0, NULL);
        if (!line) import_skip(in, "it is no JSON", "%s, line %zu", path, number);
        good = !line || add_line(out, line);
        json_decref(line);
    }
    buf_free(&text);
    return good;
}

/* Mark the lines from the last one up to the root. @return how many */
static size_t mark_branch(const struct lines *l, bool *marked)
{
    size_t n = 0, at = l->count;
    while (at > 0 && str_is(json_str(l->list[at - 1], "type"), "session")) at--;
    while (at > 0 && !marked[at - 1]) {
        marked[at - 1] = true;
        n++;
        const char *parent = json_string_value(json_object_get(l->list[at - 1], "parentId"));
        const json_t *index = parent ? json_object_get(l->by_id, parent) : NULL;
        at = index ? (size_t)json_integer_value(index) + 1 : 0;
    }
    return n;
}

/* --- into the store -------------------------------------------------------------------------------------------------------------- */

struct taking {
    struct import *in;
    int64_t session;
    json_t *seqs; /* id of a line: its number here */
    int64_t messages, last_seq;
};

static int64_t time_of(const json_t *line)
{
    int64_t ms = json_int(json_object_get(line, "message"), "timestamp", 0);
    if (ms <= 0 && !cron_time_read(json_str(line, "timestamp"), &ms)) ms = 0;
    return ms > 0 ? ms : clock_wall_ms();
}

static int take_message(struct taking *t, const json_t *line)
{
    struct arena arena = { 0 };
    struct chat_message message;
    struct buf json = { 0 };
    char *text = json_dumps(json_object_get(line, "message"), JSON_COMPACT);
    int rc = text ? chat_json_read(str_of(text), &arena, &message) : GW_ENOENT;
    if (rc == 0) rc = chat_json_write(&json, &message);
    const struct message_new m = {
        .session = t->session, .role = chat_json_role(buf_str(&json)), .json = buf_str(&json), .now_ms = time_of(line)
    };
    if (rc == 0) rc = t->in->dry ? 0 : messages_append(t->in->store, &m, &t->last_seq);
    if (rc == 0) t->messages++;
    if (rc == 0) json_object_set_new(t->seqs, json_string_value(json_object_get(line, "id")), json_integer(t->last_seq));
    free(text);
    buf_free(&json);
    arena_free(&arena);
    return rc == GW_ENOENT || rc == GW_EPARSE ? 0 : rc; /* not a message of a conversation */
}

static int take_compaction(struct taking *t, const json_t *line)
{
    struct buf json = { 0 };
    const char *kept = json_string_value(json_object_get(line, "firstKeptEntryId"));
    int64_t seq = kept ? json_integer_value(json_object_get(t->seqs, kept)) : 0;
    buf_text(&json, "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":");
    buf_json_str(&json, json_str(line, "summary"));
    buf_printf(&json, "}],\"timestamp\":%lld}", (long long)time_of(line));
    const struct message_new summary = { .session = t->session, .role = STR("user"), .json = buf_str(&json), .now_ms = time_of(line) };
    int rc = json.err ? json.err : t->in->dry ? 0 : messages_compact(t->in->store, &summary, seq > 0 ? seq : t->last_seq + 1, &t->last_seq);
    buf_free(&json);
    return rc;
}

static int take_lines(struct taking *t, const struct lines *l, const bool *marked)
{
    int rc = 0;
    for (size_t i = 0; i < l->count && rc == 0; i++) {
        struct str type = json_str(l->list[i], "type");
        if (!marked[i]) continue;
        if (str_is(type, "message") && json_string_value(json_object_get(l->list[i], "id"))) rc = take_message(t, l->list[i]);
        if (str_is(type, "compaction")) rc = take_compaction(t, l->list[i]);
    }
    return rc;
}

/* --- a session -------------------------------------------------------------------------------------------------------------------- */

static int change_session(struct import *in, struct str key, const json_t *entry)
{
    struct buf settings = { 0 };
    struct session_change change = { .now_ms = json_int(entry, "updatedAt", 0) };
    for (const struct session_setting *s = session_settings; s->name; s++) {
        char word[32];
        struct str text = json_str(entry, s->name);
        if (text.n && session_setting_word(s, text, word, sizeof word)) {
            buf_char(&settings, settings.n ? ',' : '{');
            buf_json_str(&settings, str_of(s->name));
            buf_char(&settings, ':');
            buf_json_str(&settings, str_of(word));
        }
    }
    if (settings.n) buf_char(&settings, '}');
    if (settings.n) change.settings = buf_str(&settings);
    if (json_str(entry, "label").n) change.label = json_str(entry, "label");
    if (json_str(entry, "providerOverride").n) change.provider = json_str(entry, "providerOverride");
    if (json_str(entry, "modelOverride").n) change.model = json_str(entry, "modelOverride");
    if (json_str(entry, "thinkingLevel").n) change.thinking = json_str(entry, "thinkingLevel");
    int rc = sessions_change(in->store, key, &change);
    buf_free(&settings);
    return rc;
}

/* Where its last message was from, for what is sent to "last". */
static int set_route(struct import *in, int64_t session, const json_t *entry)
{
    const json_t *where = json_object_get(entry, "deliveryContext");
    struct str channel = json_str(where, "channel"), to = json_str(where, "to");
    if (!to.n || !(str_is(channel, "discord") || str_is(channel, "telegram"))) return 0;
    json_t *route = json_pack("{s:s%, s:s%, s:s%}", "channel", channel.p, channel.n, "account", json_str(where, "accountId").p,
                              json_str(where, "accountId").n, "to", to.p, to.n);
    char *text = route ? json_dumps(route, JSON_COMPACT) : NULL;
    int rc = text ? routes_set(in->store, session, str_of(text), json_int(entry, "updatedAt", 1)) : 0;
    free(text);
    json_decref(route);
    return rc;
}

static int make_session(struct taking *t, const char *agent, struct str key, const json_t *entry)
{
    const struct session_new session = { .key = key,
                                         .uuid = json_str(entry, "sessionId"),
                                         .agent = str_of(agent),
                                         .parent = json_str(entry, "spawnedBy"),
                                         .channel = json_str(json_object_get(entry, "deliveryContext"), "channel"),
                                         .label = json_str(entry, "label"),
                                         .depth = json_int(entry, "spawnDepth", 0),
                                         .now_ms = json_int(entry, "updatedAt", clock_wall_ms()) };
    if (t->in->dry) return 0;
    int rc = sessions_ensure(t->in->store, &session, &t->session, NULL);
    if (rc == 0) rc = change_session(t->in, key, entry);
    return rc ? rc : set_route(t->in, t->session, entry);
}

/* In one commit: a session with half a transcript would look whole the next time. */
static void take_session(struct import *in, const char *agent, struct str key, const json_t *entry, const struct lines *l)
{
    struct taking t = { .in = in, .seqs = json_object() };
    bool *marked = calloc(l->count + 1, sizeof *marked);
    int rc = marked && t.seqs ? 0 : GW_ENOMEM;
    if (rc == 0) mark_branch(l, marked);
    if (rc == 0 && !in->dry) rc = store_begin(in->store);
    bool group = rc == 0 && !in->dry;
    if (rc == 0) rc = make_session(&t, agent, key, entry);
    if (rc == 0) rc = take_lines(&t, l, marked);
    if (rc == 0 && group) rc = store_commit(in->store);
    if (rc) import_skip(in, rc == GW_ENOMEM ? "out of memory" : store_error(in->store), "session %.*s", STR_ARG(key));
    if (rc && group) store_rollback(in->store);
    if (rc == 0) import_count(in, "sessions", 1);
    if (rc == 0) import_count(in, "messages", t.messages);
    free(marked);
    json_decref(t.seqs);
}

static void look_at_session(struct import *in, const char *agent, const char *name, const json_t *entry)
{
    char file[160], folder[PATH_MAX], path[PATH_MAX];
    int64_t id;
    struct lines lines = { 0 };
    struct str key = str_of(name), uuid = json_str(entry, "sessionId");
    bool safe = uuid.n && uuid.n < 100 && !memchr(uuid.p, '/', uuid.n) && !memchr(uuid.p, '\0', uuid.n);
    if (!str_starts(key, STR("agent:"))) {
        import_skip(in, "its key is none of an agent's", "session %s", name);
    } else if (!safe) {
        import_skip(in, "it has no session id", "session %s", name);
    } else if (sessions_find(in->store, key, &id) == 0) {
        import_skip(in, "it is here already", "session %s", name);
    } else {
        snprintf(file, sizeof file, "%.*s.jsonl", STR_ARG(uuid));
        snprintf(folder, sizeof folder, "%s/agents/%s/sessions", in->from, agent);
        folder_join(folder, file, path);
        if (access(path, F_OK) != 0)
            import_skip(in, "its transcript is not there", "session %s", name);
        else if (!read_lines(in, path, &lines))
            import_skip(in, "its transcript cannot be read, or is larger than TRANSCRIPT_MAX (256 MiB)", "session %s", name);
        else
            take_session(in, agent, key, entry, &lines);
        free_lines(&lines);
    }
}

void import_sessions(struct import *in)
{
    char folder[PATH_MAX];
    struct folder_names agents = { 0 };
    folder_join(in->from, "agents", folder);
    folder_list(folder, AGENTS_MAX, &agents);
    for (size_t i = 0; i < agents.count; i++) {
        char name[400];
        const char *key;
        json_t *entry;
        snprintf(name, sizeof name, "agents/%s/sessions/sessions.json", agents.list[i]);
        json_t *sessions = import_read(in, name);
        json_object_foreach(sessions, key, entry) look_at_session(in, agents.list[i], key, entry);
        json_decref(sessions);
    }
    folder_names_free(&agents);
}
