/* A call from outside: the first line is the path below /hooks, the rest the body. What is taken has a text, and an agent a session. */
#include <stdbool.h>
#include <stdlib.h>

#include "base/config.h"
#include "base/err.h"
#include "channels/hooks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool claim)
{
    if (!claim) __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = "{ agents: { list: [{ id: 'main', default: true }, { id: 'ops' }] }, hooks: { enabled: true, token: 't', "
                               "allowRequestSessionKey: true, mappings: ["
                               "{ match: { path: 'a' }, agentId: 'ops', name: '{{n}}', sessionKey: 'hook:{{k[0].x}}', messageTemplate: 'x "
                               "{{a[0].b}} {{payload.c.d[1]}}' },"
                               "{ match: { source: 's' }, action: 'wake', textTemplate: '{{t}}' } ] } }";
    static config_t *config;
    static const char *const nothing[] = { NULL };
    static struct config_problems problems;
    const struct env env = env_list(nothing);
    struct hook h;
    struct buf why = { 0 }, said = { 0 };
    struct str rest = { (const char *)data, size }, name = str_split(&rest, '\n');
    if (!config && config_parse(STR(text), "fuzz", &env, &config, &problems) != 0) abort();
    int rc = hook_read(config, name, rest.p ? rest : STR(""), "00000000-0000-0000-0000-000000000000", &h, &why);
    insist(rc == 0 || rc == GW_ENOMEM || why.n > 0);
    if (rc == 0 && h.kind != HOOK_UNKNOWN) insist(h.text.n > 0);
    if (rc == 0 && h.kind == HOOK_AGENT) {
        insist(h.agent.n > 0 && str_starts(buf_str(&h.session_key), STR("agent:")) && h.name.n > 0);
        hook_message(&h, "id", "now", STR("t"), &said);
        insist(said.n > h.text.n);
    }
    hook_free(&h);
    buf_free(&why);
    buf_free(&said);
    return 0;
}
