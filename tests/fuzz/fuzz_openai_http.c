/* Bodies and headers of chat completions: the first line is the session key header, the second the agent header. */
#include "channels/openai_http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = { (const char *)data, size };
    struct openai_headers headers;
    struct openai_chat chat = { 0 };
    struct openai_error why;
    char agent[OPENAI_AGENT_MAX + 1], key[OPENAI_SESSION_KEY_MAX + 1];
    headers.session_key = str_split(&rest, '\n');
    headers.agent_id = str_split(&rest, '\n');
    if (openai_chat_parse(rest, &chat, &why) == 0) {
        struct buf out = { 0 };
        const struct openai_reply reply = { STR("id"), chat.model, 1 };
        openai_chat_route(&chat, &headers, STR("main"), "uuid", agent, key, &why);
        openai_write_completion(&out, &reply, buf_str(&chat.message), "stop", (struct openai_usage){ 1, 1 });
        json_t *json = json_loadb(out.p ? out.p : "", out.n, 0, NULL);
        if (!json) __builtin_trap(); /* what is written is always JSON */
        json_decref(json);
        buf_free(&out);
    }
    openai_chat_free(&chat);
    return 0;
}
