/* Answers in OpenAI's shapes (frames/http-chat-*.json of the reference). */
#include "channels/openai_http.h"

static void begin(struct buf *out, const struct openai_reply *r, const char *object)
{
    buf_char(out, '{');
    buf_json_pair_str(out, "id", r->id);
    buf_json_pair_str(out, "object", str_of(object));
    buf_json_pair_int(out, "created", r->created);
    buf_json_pair_str(out, "model", r->model);
}

static void add_usage(struct buf *out, struct openai_usage usage)
{
    buf_text(out, ",\"usage\":{");
    buf_json_pair_int(out, "prompt_tokens", usage.prompt_tokens);
    buf_json_pair_int(out, "completion_tokens", usage.completion_tokens);
    buf_json_pair_int(out, "total_tokens", usage.prompt_tokens + usage.completion_tokens);
    buf_char(out, '}');
}

void openai_write_completion(struct buf *out, const struct openai_reply *r, struct str text, const char *finish, struct openai_usage usage)
{
    begin(out, r, "chat.completion");
    buf_text(out, ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":");
    buf_json_str(out, str_trim(text).n ? text : STR(OPENAI_NO_REPLY_TEXT));
    buf_text(out, "},\"finish_reason\":");
    buf_json_str(out, str_of(finish));
    buf_text(out, "}]");
    add_usage(out, usage);
    buf_char(out, '}');
}

static void begin_event(struct buf *out, const struct openai_reply *r)
{
    buf_text(out, "data: ");
    begin(out, r, "chat.completion.chunk");
}

void openai_write_role_event(struct buf *out, const struct openai_reply *r)
{
    begin_event(out, r);
    buf_text(out, ",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n");
}

void openai_write_text_event(struct buf *out, const struct openai_reply *r, struct str text)
{
    begin_event(out, r);
    buf_text(out, ",\"choices\":[{\"index\":0,\"delta\":{\"content\":");
    buf_json_str(out, text);
    buf_text(out, "},\"finish_reason\":null}]}\n\n");
}

void openai_write_finish_event(struct buf *out, const struct openai_reply *r, const char *finish)
{
    begin_event(out, r);
    buf_text(out, ",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":");
    buf_json_str(out, str_of(finish));
    buf_text(out, "}]}\n\n");
}

void openai_write_usage_event(struct buf *out, const struct openai_reply *r, struct openai_usage usage)
{
    begin_event(out, r);
    buf_text(out, ",\"choices\":[]");
    add_usage(out, usage);
    buf_text(out, "}\n\n");
}

void openai_write_done_event(struct buf *out)
{
    buf_text(out, "data: [DONE]\n\n");
}

static void add_model(struct buf *out, const char *prefix, struct str id, int64_t created)
{
    struct buf name = { 0 };
    buf_text(&name, prefix);
    buf_add(&name, id);
    buf_json_comma(out);
    buf_char(out, '{');
    buf_json_pair_str(out, "id", buf_str(&name));
    buf_json_pair_str(out, "object", STR("model"));
    buf_json_pair_int(out, "created", created);
    buf_json_pair_str(out, "owned_by", STR("openclaw"));
    buf_char(out, '}');
    buf_free(&name);
}

void openai_write_models(struct buf *out, const struct str *agent_ids, size_t count, int64_t created)
{
    buf_text(out, "{\"object\":\"list\",\"data\":[");
    add_model(out, "openclaw", (struct str){ 0 }, created);
    for (size_t i = 0; i < count; i++) add_model(out, "openclaw:", agent_ids[i], created);
    buf_text(out, "]}");
}

void openai_write_error(struct buf *out, struct str message, const char *type, const char *code, const char *param)
{
    buf_text(out, "{\"error\":{");
    buf_json_pair_str(out, "message", message);
    buf_json_pair_str(out, "type", str_of(type));
    if (code && code[0]) buf_json_pair_str(out, "code", str_of(code));
    if (param && param[0]) buf_json_pair_str(out, "param", str_of(param));
    buf_text(out, "}}");
}
