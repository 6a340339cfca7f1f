/* channels/chat_config.c -- /config and /restart: an owner reads and changes the configuration from the chat.
 * Source: reference agent-runtime 8: both are off until commands.config and commands.restart say otherwise. */
#include "channels/chat_commands_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 6000 /* bytes of a value in an answer */, DEPTH_MAX = 32 /* names in a path */, NAME_MAX_BYTES = 128 /* of each */ };

enum action { SHOW, SET, UNSET, UNCLEAR };

/* A command taken apart; all borrowed from it. */
struct wish {
    enum action action;
    struct str path, value;
};

/* Names with dots between them; empty: the whole. */
static bool is_path(struct str path)
{
    struct str rest = path;
    for (size_t i = 0; i < path.n; i++)
        if (!isalnum((unsigned char)path.p[i]) && !strchr("._-", path.p[i])) return false;
    if (path.n && path.p[path.n - 1] == '.') return false;
    for (int names = 0; rest.n; names++) {
        struct str name = str_split(&rest, '.');
        if (name.n == 0 || name.n > NAME_MAX_BYTES || names == DEPTH_MAX) return false;
    }
    return true;
}

static struct wish read_wish(struct str args)
{
    struct str rest = args, word = chat_word(&rest);
    struct wish w = { .action = UNCLEAR };
    rest = str_trim(rest);
    if (word.n == 0 || str_ieq(word, STR("show")) || str_ieq(word, STR("get"))) {
        w.action = SHOW;
        w.path = rest;
    } else if (str_ieq(word, STR("unset"))) {
        w.action = rest.n ? UNSET : UNCLEAR;
        w.path = rest;
    } else if (str_ieq(word, STR("set"))) {
        ptrdiff_t at = str_find(rest, STR("="));
        w.path = str_trim((struct str){ rest.p, at < 0 ? 0 : (size_t)at });
        if (w.path.n) w.value = str_trim((struct str){ rest.p + at + 1, rest.n - (size_t)at - 1 });
        w.action = w.path.n && w.value.n ? SET : UNCLEAR;
    }
    if (!is_path(w.path)) w.action = UNCLEAR;
    return w;
}

/* A list's element by its number, an object's member by its name. */
static const json_t *step_into(const json_t *at, struct str name)
{
    int64_t i;
    char key[NAME_MAX_BYTES + 1];
    if (json_is_array(at)) return str_to_int(name, &i) == 0 && i >= 0 ? json_array_get(at, (size_t)i) : NULL;
    return str_copy(key, sizeof key, name) == 0 ? json_object_get(at, key) : NULL;
}

/* @param list  set to the path of a list on the way, whose elements have no names to be set by */
static const json_t *look_up(const json_t *config, struct str path, struct str *list)
{
    struct str rest = path;
    *list = (struct str){ 0 };
    while (config && rest.n) {
        struct str name = str_split(&rest, '.');
        if (json_is_array(config)) *list = (struct str){ path.p, (size_t)(name.p - path.p - 1) };
        config = step_into(config, name);
    }
    return config;
}

static const json_t *config_of(const struct chat_facts *facts)
{
    return json_object_get(facts->settings, "config");
}

/* `value` below the names of `path`: what config.patch merges. @return NULL: out of memory, or too deep */
static json_t *nested(struct str path, json_t *value)
{
    struct str names[DEPTH_MAX], rest = path;
    size_t n = 0;
    while (rest.n && n < DEPTH_MAX) names[n++] = str_split(&rest, '.');
    if (rest.n) {
        json_decref(value);
        return NULL;
    }
    while (value && n-- > 0) {
        char key[NAME_MAX_BYTES + 1];
        json_t *outer = json_object();
        bool fits = str_copy(key, sizeof key, names[n]) == 0;
        if (!fits) json_decref(value);
        if (!fits || json_object_set_new(outer, key, value) != 0) {
            json_decref(outer);
            return NULL;
        }
        value = outer;
    }
    return value;
}

static bool may(const struct chat_facts *facts)
{
    return facts->owner && config_bool(facts->config, "commands.config");
}

bool chat_command_config(const struct chat_command *command, const struct chat_facts *facts, json_t *params)
{
    struct wish w = read_wish(command->args);
    struct str list;
    if (command->id != CHAT_COMMAND_config || !may(facts) || !facts->settings || (w.action != SET && w.action != UNSET)) return false;
    look_up(config_of(facts), w.path, &list);
    if (list.n) return false;
    json_t *value = w.action == UNSET ? json_null() : json_loadb(w.value.p, w.value.n, JSON_DECODE_ANY, NULL);
    if (!value) value = json_stringn(w.value.p, w.value.n); /* a word needs no quotes */
    json_t *patch = nested(w.path, value);
    char *raw = patch ? json_dumps(patch, JSON_COMPACT) : NULL;
    struct str hash = json_str(facts->settings, "hash");
    bool ok = raw && json_object_set_new(params, "raw", json_string(raw)) == 0 &&
              (hash.n == 0 || json_object_set_new(params, "baseHash", json_stringn(hash.p, hash.n)) == 0);
    free(raw);
    json_decref(patch);
    return ok;
}

static void show(const struct chat_facts *facts, struct str path, struct buf *out)
{
    struct str list;
    const json_t *value = look_up(config_of(facts), path, &list);
    char *text = value ? json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY) : NULL;
    if (!text) {
        buf_printf(out, "⚙️ Config %.*s: not set.", STR_ARG(path));
        return;
    }
    struct str shown = str_utf8_prefix(str_of(text), SHOWN_MAX);
    buf_printf(out, "⚙️ Config%s%.*s:\n```json\n%.*s\n```", path.n ? " " : "", STR_ARG(path), STR_ARG(shown));
    if (shown.n < strlen(text)) buf_text(out, "\nCut; name a path to see the rest of it: /config show <path>");
    free(text);
}

static void reply_change(const struct wish *w, const struct chat_facts *facts, struct buf *out)
{
    struct str list;
    look_up(config_of(facts), w->path, &list);
    if (facts->patched)
        buf_printf(out, "⚙️ Config %s: %.*s", w->action == SET ? "updated" : "removed", STR_ARG(w->path));
    else if (facts->refusal.n)
        buf_printf(out, "⚠️ The configuration was not changed: %.*s", STR_ARG(facts->refusal));
    else if (list.n)
        buf_printf(out, "⚠️ %.*s is a list: set it as a whole, as JSON.", STR_ARG(list));
    else
        buf_text(out, "⚠️ The configuration could not be read.");
}

void chat_reply_config(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    struct wish w = read_wish(command->args);
    if (!config_bool(facts->config, "commands.config"))
        buf_text(out, "⚠️ /config is disabled. Set commands.config=true to enable.");
    else if (!facts->owner)
        buf_text(out, CHAT_NOT_AUTHORIZED);
    else if (w.action == UNCLEAR)
        buf_text(out, "⚙️ Usage: /config show [path]|set <path>=<value>|unset <path>");
    else if (w.action == SHOW)
        show(facts, w.path, out);
    else
        reply_change(&w, facts, out);
}

/* Nothing of this gateway needs a new process but its address: what runs is not cut off for a changed setting. */
void chat_reply_restart(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    (void)command;
    if (!config_bool(facts->config, "commands.restart"))
        buf_text(out, "⚠️ /restart is disabled. Set commands.restart=true to enable.");
    else if (!facts->owner)
        buf_text(out, CHAT_NOT_AUTHORIZED);
    else
        buf_text(out, "⚙️ The configuration is being read again; what runs goes on. Only another port, address or TLS file needs a new "
                      "process.");
}

bool chat_command_reloads(const struct chat_command *command, const struct chat_facts *facts)
{
    bool restarts = command->id == CHAT_COMMAND_restart && facts->owner && config_bool(facts->config, "commands.restart");
    return restarts || (command->id == CHAT_COMMAND_config && facts->patched);
}

bool chat_is_owner(const config_t *config, struct str channel, struct str sender)
{
    const struct json5_node *list = config_get(config, STR("commands.ownerAllowFrom"));
    const struct json5_node *n = list ? list->first : NULL;
    if (!n) return true; /* nobody is named: all who may give commands */
    for (; n; n = n->next) {
        char number[32];
        int64_t whole;
        struct str entry = n->string;
        if (n->kind == JSON5_NUMBER && json5_to_int(n, &whole)) {
            snprintf(number, sizeof number, "%lld", (long long)whole);
            entry = str_of(number);
        }
        bool prefixed = entry.n > channel.n && str_starts(entry, channel) && entry.p[channel.n] == ':';
        if (prefixed) entry = (struct str){ entry.p + channel.n + 1, entry.n - channel.n - 1 };
        if (str_is(entry, "*") || (sender.n && str_eq(entry, sender))) return true;
    }
    return false;
}
