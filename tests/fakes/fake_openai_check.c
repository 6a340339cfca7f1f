#include "fakes/fake_openai_check.h"

#include <stdio.h>
#include <stdlib.h>

static const char PATH[] = "/api/v1/chat/completions";

static bool name_fits(const char *name)
{
    size_t n = name ? strlen(name) : 0;
    return n >= 1 && n <= 64 && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == n;
}

/* ---- messages ---- */

/* String or parts; the text of the last text part goes to *last. */
static int check_content(json_t *content, size_t at, bool images, const char **last, struct buf *reason)
{
    json_t *part;
    size_t i;
    if (json_is_string(content)) {
        *last = json_string_value(content);
        return 200;
    }
    if (json_array_size(content) == 0) return fake_refuse(reason, 400, "messages[%zu].content is neither a string nor parts", at);
    json_array_foreach(content, i, part)
    {
        const char *type = fake_text_at(part, "type"), *text = fake_text_at(part, "text");
        const char *url = fake_text_at(json_object_get(part, "image_url"), "url");
        if (type && strcmp(type, "text") == 0 && text)
            *last = text;
        else if (!(images && type && strcmp(type, "image_url") == 0 && url && strncmp(url, "data:image/", 11) == 0))
            return fake_refuse(reason, 400, "messages[%zu].content[%zu] is not a part that is allowed here", at, i);
    }
    return 200;
}

static int check_calls(json_t *calls, size_t at, struct buf *reason)
{
    json_t *call;
    size_t i, j;
    if (json_array_size(calls) == 0) return fake_refuse(reason, 400, "messages[%zu].tool_calls is not a list, or empty", at);
    json_array_foreach(calls, i, call)
    {
        json_t *function = json_object_get(call, "function");
        const char *id = fake_text_at(call, "id"), *type = fake_text_at(call, "type"), *arguments = fake_text_at(function, "arguments");
        json_t *parsed = arguments ? json_loads(arguments, 0, NULL) : NULL;
        bool object = json_is_object(parsed);
        json_decref(parsed);
        if (!id || !*id || !type || strcmp(type, "function") != 0)
            return fake_refuse(reason, 400, "messages[%zu].tool_calls[%zu] has no id or type", at, i);
        if (!name_fits(fake_text_at(function, "name")))
            return fake_refuse(reason, 400, "messages[%zu].tool_calls[%zu] has no fitting name", at, i);
        if (!object) return fake_refuse(reason, 400, "messages[%zu].tool_calls[%zu]: arguments are not the text of an object", at, i);
        for (j = 0; j < i; j++)
            if (strcmp(id, fake_text_at(json_array_get(calls, j), "id")) == 0)
                return fake_refuse(reason, 400, "messages[%zu].tool_calls: id %s twice", at, id);
    }
    return 200;
}

/* The tool messages that must follow messages[at]: each call answered once, nothing else. *next is the message after them. */
static int check_results(json_t *messages, size_t at, size_t *next, struct buf *reason)
{
    json_t *calls = json_object_get(json_array_get(messages, at), "tool_calls"), *call;
    size_t count = json_array_size(calls), i;
    for (*next = at + 1; *next < json_array_size(messages); ++*next) {
        json_t *m = json_array_get(messages, *next);
        const char *role = fake_text_at(m, "role"), *id = fake_text_at(m, "tool_call_id"), *ignored = NULL;
        bool known = false;
        if (!role || strcmp(role, "tool") != 0) break;
        json_array_foreach(calls, i, call) if (id && strcmp(id, fake_text_at(call, "id")) == 0) known = true;
        if (!known) return fake_refuse(reason, 400, "messages[%zu] (tool) answers no call of messages[%zu]", *next, at);
        for (size_t j = at + 1; j < *next; j++)
            if (strcmp(id, fake_text_at(json_array_get(messages, j), "tool_call_id")) == 0)
                return fake_refuse(reason, 400, "call %s is answered twice", id);
        int rc = check_content(json_object_get(m, "content"), *next, false, &ignored, reason);
        if (rc != 200) return rc;
    }
    if (*next - at - 1 < count)
        return fake_refuse(
            reason, 400,
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. (messages[%zu])",
            at);
    return 200;
}

static int check_assistant(json_t *m, size_t at, struct buf *reason)
{
    json_t *content = json_object_get(m, "content"), *calls = json_object_get(m, "tool_calls");
    const char *ignored = NULL;
    if (calls) {
        int rc = check_calls(calls, at, reason);
        if (rc != 200 || !content || json_is_null(content)) return rc;
    }
    return check_content(content, at, false, &ignored, reason);
}

static int check_messages(json_t *messages, struct fake_ask *ask, struct buf *reason)
{
    const char *user = NULL;
    size_t count = json_array_size(messages), next;
    if (count == 0) return fake_refuse(reason, 400, "messages is not a list, or empty");
    for (size_t i = 0; i < count; i = next) {
        json_t *m = json_array_get(messages, i);
        const char *role = fake_text_at(m, "role"), *ignored = NULL;
        int rc = 200;
        next = i + 1;
        if (!role) return fake_refuse(reason, 400, "messages[%zu] has no role", i);
        if (strcmp(role, "system") == 0 || strcmp(role, "developer") == 0) {
            if (i != 0) return fake_refuse(reason, 400, "messages[%zu]: %s is not the first message", i, role);
            rc = check_content(json_object_get(m, "content"), i, false, &ignored, reason);
        } else if (strcmp(role, "user") == 0) {
            rc = check_content(json_object_get(m, "content"), i, true, &user, reason);
        } else if (strcmp(role, "assistant") == 0) {
            rc = check_assistant(m, i, reason);
            if (rc == 200 && json_object_get(m, "tool_calls")) rc = check_results(messages, i, &next, reason);
        } else if (strcmp(role, "tool") == 0) {
            return fake_refuse(reason, 400, "messages[%zu]: a tool message must follow an assistant message with 'tool_calls'", i);
        } else {
            return fake_refuse(reason, 400, "messages[%zu]: unknown role %s", i, role);
        }
        if (rc != 200) return rc;
    }
    const char *last = fake_text_at(json_array_get(messages, count - 1), "role");
    if (strcmp(last, "assistant") == 0 || !user)
        return fake_refuse(reason, 400, "the conversation does not end with a user or tool message");
    ask->user = strdup(user);
    return 200;
}

/* ---- tools and the rest ---- */

static int check_tools(json_t *tools, struct buf *reason)
{
    json_t *tool;
    size_t i, j;
    if (!tools) return 200;
    if (json_array_size(tools) == 0 || json_array_size(tools) > 128) return fake_refuse(reason, 400, "tools is not a list of 1 to 128");
    json_array_foreach(tools, i, tool)
    {
        json_t *function = json_object_get(tool, "function"), *parameters = json_object_get(function, "parameters");
        const char *type = fake_text_at(tool, "type"), *name = fake_text_at(function, "name"), *kind = fake_text_at(parameters, "type");
        if (!type || strcmp(type, "function") != 0 || !name_fits(name))
            return fake_refuse(reason, 400, "tools[%zu] has no type or no fitting name", i);
        if (parameters && (!kind || strcmp(kind, "object") != 0))
            return fake_refuse(reason, 400, "tools[%zu]: parameters are not an object schema", i);
        for (j = 0; j < i; j++)
            if (strcmp(name, fake_text_at(json_object_get(json_array_get(tools, j), "function"), "name")) == 0)
                return fake_refuse(reason, 400, "tools[%zu]: name %s twice", i, name);
    }
    return 200;
}

static int check_numbers(json_t *root, struct buf *reason)
{
    static const char *const counts[] = { "max_tokens", "max_completion_tokens", NULL };
    for (size_t i = 0; counts[i]; i++) {
        json_t *v = json_object_get(root, counts[i]);
        if (v && (!json_is_integer(v) || json_integer_value(v) < 1))
            return fake_refuse(reason, 400, "%s is not a positive number", counts[i]);
    }
    if (json_object_get(root, counts[0]) && json_object_get(root, counts[1]))
        return fake_refuse(reason, 400, "%s and %s together", counts[0], counts[1]);
    json_t *t = json_object_get(root, "temperature");
    if (t && (!json_is_number(t) || json_number_value(t) < 0 || json_number_value(t) > 2))
        return fake_refuse(reason, 400, "temperature is not 0 to 2");
    return 200;
}

static int check_body(json_t *root, struct fake_ask *ask, struct buf *reason)
{
    static const char *const known[] = { "model",
                                         "messages",
                                         "stream",
                                         "stream_options",
                                         "store",
                                         "max_tokens",
                                         "max_completion_tokens",
                                         "temperature",
                                         "top_p",
                                         "tools",
                                         "tool_choice",
                                         "stop",
                                         "reasoning",
                                         "reasoning_effort",
                                         "usage",
                                         "provider",
                                         "user",
                                         "models",
                                         "parallel_tool_calls",
                                         "seed",
                                         NULL };
    const char *key;
    json_t *value, *stream = json_object_get(root, "stream"), *options = json_object_get(root, "stream_options");
    if (!json_is_object(root)) return fake_refuse(reason, 400, "the body is not an object");
    json_object_foreach(root, key, value) if (!fake_in_list(key, known)) return fake_refuse(
        reason, 400, "Unrecognized request argument supplied: %s", key);
    const char *model = fake_text_at(root, "model");
    if (!model || !*model || strlen(model) >= sizeof ask->model) return fake_refuse(reason, 400, "model is not a name");
    snprintf(ask->model, sizeof ask->model, "%s", model);
    if (stream && !json_is_boolean(stream)) return fake_refuse(reason, 400, "stream is not a boolean");
    ask->stream = json_is_true(stream);
    if (options && !ask->stream)
        return fake_refuse(reason, 400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.");
    if (options && !json_is_boolean(json_object_get(options, "include_usage")))
        return fake_refuse(reason, 400, "stream_options.include_usage is not a boolean");
    if (ask->stream && !json_is_true(json_object_get(options, "include_usage")))
        return fake_refuse(reason, 400, "a stream without stream_options.include_usage: its usage would be lost");
    int rc = check_numbers(root, reason);
    if (rc == 200) rc = check_tools(json_object_get(root, "tools"), reason);
    if (rc == 200 && !json_object_get(root, "tools") && json_object_get(root, "tool_choice"))
        rc = fake_refuse(reason, 400, "tool_choice without tools");
    if (rc == 200) rc = check_messages(json_object_get(root, "messages"), ask, reason);
    return rc;
}

int fake_openai_check(const struct fake_request *r, const char *key, struct fake_ask *ask, struct buf *reason)
{
    char expected[512];
    json_error_t where;
    struct str type = fake_request_header(r, "content-type");
    if (!str_is(r->target, PATH)) return fake_refuse(reason, 404, "no such path: %.*s", STR_ARG(r->target));
    if (!str_is(r->method, "POST")) return fake_refuse(reason, 405, "%.*s is not POST", STR_ARG(r->method));
    snprintf(expected, sizeof expected, "Bearer %s", key);
    if (!str_is(fake_request_header(r, "authorization"), expected)) return fake_refuse(reason, 401, "No auth credentials found");
    if (!str_ieq(str_trim(str_split(&type, ';')), STR("application/json")))
        return fake_refuse(reason, 415, "the content type is not application/json");
    json_t *root = json_loadb(r->body.p ? r->body.p : "", r->body.n, JSON_REJECT_DUPLICATES, &where);
    int rc = root ? check_body(root, ask, reason) : fake_refuse(reason, 400, "the body is not JSON: %s", where.text);
    json_decref(root);
    return rc;
}
