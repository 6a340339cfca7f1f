/* A message as anybody may send it, taken for a command. What is answered is text, and of a bounded size. */
#include "channels/chat_commands.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool claim)
{
    if (!claim) __builtin_trap();
}

static void answer(const struct chat_command *command, const config_t *config, bool refused)
{
    struct buf out = { 0 };
    json_t *patch = json_object(), *models = json_pack("[{s:s, s:s}]", "id", "echo", "provider", "demo");
    struct chat_facts facts = { .config = config, .session_key = STR("agent:main:main"), .version = "1", .release = "1", .models = models };
    bool any = chat_command_patch(command, &facts, patch);
    insist(any == (json_object_size(patch) > 0));
    facts.patched = any && !refused;
    if (any && refused) facts.refusal = STR("no");
    chat_command_reply(command, &facts, &out);
    insist(str_utf8_valid(buf_str(&out)) && out.n < 2 * CHAT_REPLY_MAX);
    buf_free(&out);
    json_decref(patch);
    json_decref(models);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const none[] = { NULL };
    struct str text = { (const char *)data, size }, id, decision;
    struct chat_command command;
    struct config_problems problems = { 0 };
    struct env env = env_list(none);
    config_t *config;
    if (!str_utf8_valid(text) || !chat_command_parse(text, &command)) return 0; /* JSON strings are UTF-8 */
    insist(command.id != CHAT_COMMAND_none && command.args.n < size);
    if (config_default(&env, &config, &problems) == 0) {
        answer(&command, config, false);
        answer(&command, config, true);
    }
    if (chat_command_approval(command.args, &id, &decision)) insist(id.n > 0 && decision.n > 0);
    config_problems_free(&problems);
    config_unref(&config);
    return 0;
}
