#include "fakes/fake_gemini_check.h"

#include <stdio.h>
#include <stdlib.h>

enum { SCHEMA_DEPTH_MAX = 32, PATH_BYTES = 300 };

/* A field under either of its two names: proto JSON takes both. */
static json_t *field(json_t *object, const char *camel, const char *snake)
{
    json_t *v = json_object_get(object, camel);
    return v ? v : json_object_get(object, snake);
}

static int check_keys(json_t *object, const char *const *known, const char *where, struct buf *reason)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) if (!fake_in_list(key, known)) return fake_refuse(
        reason, 400, "Invalid JSON payload received. Unknown name \"%s\" at '%s': Cannot find field.", key, where);
    return 200;
}

/* ---- schemas ---- */

static int check_schema(json_t *s, const char *where, int depth, struct buf *reason);

static int check_properties(json_t *s, const char *where, int depth, struct buf *reason)
{
    char at[PATH_BYTES];
    const char *key;
    json_t *value, *name, *properties = json_object_get(s, "properties"), *required = json_object_get(s, "required");
    size_t i;
    json_object_foreach(properties, key, value)
    {
        snprintf(at, sizeof at, "%s.properties[%s]", where, key);
        int rc = check_schema(value, at, depth + 1, reason);
        if (rc != 200) return rc;
    }
    json_array_foreach(required, i,
                       name) if (!json_object_get(properties, json_string_value(name)
                                                                  ? json_string_value(name)
                                                                  : "")) return fake_refuse(reason, 400,
                                                                                            "%s.required[%zu]: property is not defined",
                                                                                            where, i);
    return 200;
}

static int check_schema(json_t *s, const char *where, int depth, struct buf *reason)
{
    static const char *const known[] = {
        "type",       "format",           "title",         "description",   "nullable",  "enum",      "maxItems", "minItems",
        "properties", "required",         "minProperties", "maxProperties", "minLength", "maxLength", "pattern",  "example",
        "anyOf",      "propertyOrdering", "default",       "items",         "minimum",   "maximum",   NULL
    };
    static const char *const types[] = { "STRING", "NUMBER",  "INTEGER", "BOOLEAN", "ARRAY",  "OBJECT", "NULL", "string",
                                         "number", "integer", "boolean", "array",   "object", "null",   NULL };
    char at[PATH_BYTES];
    json_t *option;
    size_t i;
    if (!json_is_object(s) || depth > SCHEMA_DEPTH_MAX)
        return fake_refuse(reason, 400, "Invalid value at '%s' (type.googleapis.com/google.ai.generativelanguage.v1beta.Schema)", where);
    int rc = check_keys(s, known, where, reason);
    if (rc != 200) return rc;
    json_t *any = json_object_get(s, "anyOf"), *items = json_object_get(s, "items"), *values = json_object_get(s, "enum");
    const char *type = fake_text_at(s, "type"), *format = fake_text_at(s, "format");
    if (json_object_get(s, "type") && !type)
        return fake_refuse(reason, 400, "Proto field is not repeating, cannot start list. at '%s.type'", where);
    if (!any && (!type || !fake_in_list(type, types)))
        return fake_refuse(reason, 400, "Invalid value at '%s.type', \"%s\"", where, type ? type : "");
    bool text = type && (*type | 0x20) == 's', array = type && (*type | 0x20) == 'a', object = type && (*type | 0x20) == 'o';
    if (values && !text) return fake_refuse(reason, 400, "%s.enum: only allowed for STRING type", where);
    if (text && format && strcmp(format, "enum") != 0 && strcmp(format, "date-time") != 0)
        return fake_refuse(reason, 400, "%s.format: only 'enum' and 'date-time' are supported for STRING type", where);
    if (array && !items) return fake_refuse(reason, 400, "%s.items: missing field.", where);
    if (object && json_object_get(s, "properties") && json_object_size(json_object_get(s, "properties")) == 0)
        return fake_refuse(reason, 400, "%s.properties: should be non-empty for OBJECT type", where);
    if (items) {
        snprintf(at, sizeof at, "%s.items", where);
        rc = check_schema(items, at, depth + 1, reason);
    }
    json_array_foreach(any, i, option)
    {
        snprintf(at, sizeof at, "%s.any_of[%zu]", where, i);
        if (rc == 200) rc = check_schema(option, at, depth + 1, reason);
    }
    return rc == 200 ? check_properties(s, where, depth, reason) : rc;
}

static int check_tools(json_t *tools, struct buf *reason)
{
    static const char *const known[] = { "name", "description", "parameters", "parametersJsonSchema", "response", "behavior", NULL };
    char where[PATH_BYTES];
    json_t *tool, *declaration;
    size_t i, j;
    json_array_foreach(tools, i, tool)
    {
        json_t *list = field(tool, "functionDeclarations", "function_declarations");
        if (json_array_size(list) == 0)
            return fake_refuse(reason, 400, "tools[%zu].tool_type: required one_of 'tool_type' must have one initialized field", i);
        json_array_foreach(list, j, declaration)
        {
            const char *name = fake_text_at(declaration, "name");
            json_t *parameters = json_object_get(declaration, "parameters");
            snprintf(where, sizeof where, "tools[%zu].function_declarations[%zu]", i, j);
            int rc = check_keys(declaration, known, where, reason);
            if (rc == 200 && (!name || !*name || strlen(name) > 64))
                rc = fake_refuse(reason, 400, "%s.name: Invalid function name.", where);
            snprintf(where, sizeof where, "tools[%zu].function_declarations[%zu].parameters", i, j);
            if (rc == 200 && parameters) rc = check_schema(parameters, where, 0, reason);
            if (rc != 200) return rc;
        }
    }
    return 200;
}

/* ---- contents ---- */

struct turn {
    size_t calls, responses, texts;
};

static int check_part(json_t *part, const char *where, bool model, struct turn *turn, struct fake_ask *ask, struct buf *reason)
{
    static const char *const known[] = { "text",        "thought", "thoughtSignature", "functionCall", "functionResponse", "inlineData",
                                         "inline_data", NULL };
    int rc = check_keys(part, known, where, reason);
    if (rc != 200) return rc;
    json_t *call = json_object_get(part, "functionCall"), *response = json_object_get(part, "functionResponse");
    json_t *data = field(part, "inlineData", "inline_data");
    const char *text = fake_text_at(part, "text"), *signature = fake_text_at(part, "thoughtSignature");
    if (!!text + !!call + !!response + !!data != 1 || (text && !*text && !signature))
        return fake_refuse(reason, 400, "%s.data: required oneof field 'data' must have one initialized field", where);
    if (signature && strcmp(signature, FAKE_GEMINI_SIGNATURE) != 0) return fake_refuse(reason, 400, "Thought signature is not valid");
    if (call && (!model || !fake_text_at(call, "name") || !json_is_object(json_object_get(call, "args"))))
        return fake_refuse(reason, 400, "%s.function_call: not from the model, or without name or args", where);
    if (response && (model || !fake_text_at(response, "name") || !json_is_object(json_object_get(response, "response"))))
        return fake_refuse(reason, 400, "%s.function_response: from the model, or without name or response", where);
    if (data && (!fake_text_at(data, "data") || !(fake_text_at(data, "mimeType") || fake_text_at(data, "mime_type"))))
        return fake_refuse(reason, 400, "%s.inline_data: without data or mimeType", where);
    turn->calls += call != NULL;
    turn->responses += response != NULL;
    turn->texts += text != NULL;
    if (text && !model) {
        free(ask->user);
        ask->user = strdup(text);
    }
    return 200;
}

/* Names of the responses must be names of the calls they answer, in number equal. */
static int check_answers(json_t *before, json_t *now, struct buf *reason)
{
    json_t *part, *call;
    size_t i, j;
    json_array_foreach(json_object_get(now, "parts"), i, part)
    {
        const char *name = fake_text_at(json_object_get(part, "functionResponse"), "name");
        bool known = !name;
        json_array_foreach(json_object_get(before, "parts"), j, call)
        {
            const char *asked = fake_text_at(json_object_get(call, "functionCall"), "name");
            if (name && asked && strcmp(name, asked) == 0) known = true;
        }
        if (!known) return fake_refuse(reason, 400, "function response %s answers no function call", name);
    }
    return 200;
}

static int check_contents(json_t *contents, struct fake_ask *ask, struct buf *reason)
{
    char where[PATH_BYTES];
    struct turn before = { 0 };
    bool model = true;
    json_t *content, *part;
    size_t i, j;
    if (json_array_size(contents) == 0) return fake_refuse(reason, 400, "* GenerateContentRequest.contents: contents is not specified");
    json_array_foreach(contents, i, content)
    {
        const char *role = fake_text_at(content, "role");
        json_t *parts = json_object_get(content, "parts");
        struct turn turn = { 0 };
        if (!role || (strcmp(role, "user") != 0 && strcmp(role, "model") != 0))
            return fake_refuse(reason, 400, "Please use a valid role: user, model.");
        if ((strcmp(role, "model") == 0) == model)
            return fake_refuse(reason, 400, "Please ensure that multiturn requests alternate between user and model. (contents[%zu])", i);
        model = !model;
        if (json_array_size(parts) == 0)
            return fake_refuse(reason, 400, "* GenerateContentRequest.contents[%zu].parts: contents.parts must not be empty.", i);
        json_array_foreach(parts, j, part)
        {
            snprintf(where, sizeof where, "contents[%zu].parts[%zu]", i, j);
            int rc = check_part(part, where, model, &turn, ask, reason);
            if (rc != 200) return rc;
        }
        if (!model && turn.responses != before.calls)
            return fake_refuse(reason, 400,
                               "Please ensure that the number of function response parts is equal to the number of function call parts of "
                               "the function call turn. (contents[%zu])",
                               i);
        if (turn.responses > 0) {
            int rc = check_answers(json_array_get(contents, i - 1), content, reason);
            if (rc != 200) return rc;
        }
        before = turn;
    }
    if (model) return fake_refuse(reason, 400, "Please ensure that the last turn is from the user.");
    return 200;
}

/* ---- the request ---- */

static int check_body(json_t *root, struct fake_ask *ask, struct buf *reason)
{
    static const char *const known[] = { "contents",    "systemInstruction", "system_instruction", "tools",          "toolConfig",
                                         "tool_config", "generationConfig",  "generation_config",  "safetySettings", "cachedContent",
                                         NULL };
    static const char *const settings[] = {
        "maxOutputTokens",  "temperature",    "topP", "topK", "thinkingConfig", "stopSequences", "candidateCount",
        "responseMimeType", "responseSchema", "seed", NULL
    };
    static const char *const thinking[] = { "includeThoughts", "thinkingBudget", "thinkingLevel", NULL };
    if (!json_is_object(root)) return fake_refuse(reason, 400, "Invalid JSON payload received.");
    json_t *system = field(root, "systemInstruction", "system_instruction"), *config = field(root, "generationConfig", "generation_config");
    int rc = check_keys(root, known, "", reason);
    if (rc == 200 && config) rc = check_keys(config, settings, "generation_config", reason);
    if (rc == 200 && config)
        rc = check_keys(json_object_get(config, "thinkingConfig"), thinking, "generation_config.thinking_config", reason);
    const char *text = fake_text_at(json_array_get(json_object_get(system, "parts"), 0), "text");
    if (rc == 200 && system && (!text || !*text))
        rc = fake_refuse(reason, 400, "system_instruction.parts: contents.parts must not be empty.");
    if (rc == 200) rc = check_tools(json_object_get(root, "tools"), reason);
    if (rc == 200) rc = check_contents(json_object_get(root, "contents"), ask, reason);
    return rc;
}

/* /v1beta/models/<model>:<method> */
static int check_target(struct str target, struct fake_ask *ask, struct buf *reason)
{
    struct str rest = target, path = str_split(&rest, '?'), query = rest;
    const struct str prefix = STR("/v1beta/models/"), streamed = STR(":streamGenerateContent"), plain = STR(":generateContent");
    ask->stream = str_ends(path, streamed);
    struct str method = ask->stream ? streamed : plain;
    if (!str_starts(path, prefix) || !str_ends(path, method) || path.n <= prefix.n + method.n)
        return fake_refuse(reason, 404, "no such path: %.*s", STR_ARG(target));
    if (str_find(query, STR("key=")) >= 0) return fake_refuse(reason, 400, "the key is in the URL, where it ends up in logs");
    if (ask->stream && !str_is(query, "alt=sse")) return fake_refuse(reason, 400, "streamGenerateContent without ?alt=sse gives no SSE");
    struct str model = { path.p + prefix.n, path.n - prefix.n - method.n };
    if (str_copy(ask->model, sizeof ask->model, model) != 0) return fake_refuse(reason, 404, "the model's name is too long");
    return 200;
}

int fake_gemini_check(const struct fake_request *r, const char *key, struct fake_ask *ask, struct buf *reason)
{
    json_error_t at;
    struct str type = fake_request_header(r, "content-type");
    int rc = check_target(r->target, ask, reason);
    if (rc != 200) return rc;
    if (!str_is(r->method, "POST")) return fake_refuse(reason, 404, "%.*s is not POST", STR_ARG(r->method));
    if (!str_is(fake_request_header(r, "x-goog-api-key"), key))
        return fake_refuse(reason, 400, "API key not valid. Please pass a valid API key.");
    if (fake_request_header(r, "authorization").n > 0) return fake_refuse(reason, 401, "Request had invalid authentication credentials.");
    if (!str_ieq(str_trim(str_split(&type, ';')), STR("application/json")))
        return fake_refuse(reason, 400, "the content type is not application/json");
    json_t *root = json_loadb(r->body.p ? r->body.p : "", r->body.n, JSON_REJECT_DUPLICATES, &at);
    rc = root ? check_body(root, ask, reason) : fake_refuse(reason, 400, "Invalid JSON payload received. %s", at.text);
    json_decref(root);
    return rc;
}
