/* talk.config, voicewake.*, tts.*: settings of clients that speak. This gateway itself neither listens nor speaks. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "actors/query_answers.h"
#include "actors/query_util.h"
#include "base/file.h"
#include "base/json_read.h"

enum { VOICEWAKE_FILE_MAX = 64 * 1024 };

/* --- talk.config -------------------------------------------------------------------------------------------------- */

static int talk_config(struct rpc_call *call)
{
    struct buf *out = call->out;
    const struct json5_node *main_key = config_get(call->config, STR("session.mainKey"));
    struct str color = config_str(call->config, "ui.seamColor");
    buf_text(out, "{\"config\":{");
    if (config_get(call->config, STR("talk"))) {
        buf_json_key(out, "talk");
        config_print(call->config, STR("talk"), 0, out);
    }
    if (main_key && main_key->kind == JSON5_STRING) {
        buf_json_key(out, "session");
        buf_char(out, '{');
        buf_json_pair_str(out, "mainKey", main_key->string);
        buf_char(out, '}');
    }
    if (color.n) {
        buf_json_key(out, "ui");
        buf_char(out, '{');
        buf_json_pair_str(out, "seamColor", color);
        buf_char(out, '}');
    }
    buf_text(out, "}}");
    return 0;
}

/* --- voicewake ---------------------------------------------------------------------------------------------------- */

static int voicewake_path(const struct rpc_call *call, char out[PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, "%.*s/settings/voicewake.json", STR_ARG(config_state(call->config)));
    return n < 0 || n >= PATH_MAX ? GW_ELIMIT : 0;
}

/* `{"triggers":[...]}`, trimmed and bounded; left open before its last brace. */
static size_t begin_triggers(struct buf *out, const json_t *list)
{
    size_t count = 0, i;
    const json_t *v;
    buf_text(out, "{\"triggers\":[");
    json_array_foreach(list, i, v)
    {
        struct str text = str_trim(json_text(v));
        if (text.n == 0 || count == QUERY_TRIGGERS_MAX) continue;
        buf_json_comma(out);
        buf_json_str(out, str_utf8_prefix(text, QUERY_TRIGGER_MAX));
        count++;
    }
    buf_char(out, ']');
    return count;
}

/* The triggers of `list`, or OpenClaw's own when it has none. */
static void begin_triggers_or_own(struct buf *out, const json_t *list)
{
    size_t start = out->n;
    if (begin_triggers(out, list) > 0) return;
    out->n = start;
    buf_text(out, "{\"triggers\":[\"openclaw\",\"claude\",\"computer\"]");
}

static int voicewake_get(struct rpc_call *call)
{
    char path[PATH_MAX];
    struct buf text = { 0 };
    json_t *file = NULL;
    int rc = voicewake_path(call, path);
    if (rc == 0 && file_read(path, VOICEWAKE_FILE_MAX, &text) == 0) file = json_loadb(text.p, text.n, 0, NULL);
    if (rc == 0) begin_triggers_or_own(call->out, json_object_get(file, "triggers"));
    buf_char(call->out, '}');
    json_decref(file);
    buf_free(&text);
    return rc;
}

static int voicewake_set(struct rpc_call *call)
{
    char path[PATH_MAX];
    struct buf text = { 0 };
    const json_t *triggers = json_object_get(call->params, "triggers");
    int error = 0, rc = voicewake_path(call, path);
    if (!json_is_array(triggers)) return rpc_fail(call, "INVALID_REQUEST", "voicewake.set requires triggers: string[]");
    begin_triggers_or_own(&text, triggers);
    buf_add(call->out, buf_str(&text));
    buf_char(call->out, '}');
    buf_json_pair_int(&text, "updatedAtMs", call->now_ms);
    buf_text(&text, "}\n");
    if (rc == 0) rc = text.err ? text.err : query_write_file(path, buf_str(&text), 0600, &error);
    if (error != 0) rc = rpc_fail(call, "UNAVAILABLE", "%s cannot be written: %s", path, strerror(error));
    buf_free(&text);
    return rc;
}

/* --- speech ------------------------------------------------------------------------------------------------------- */

static bool has_key(const struct rpc_call *call, const char *provider)
{
    const struct config_provider *p = config_provider_find(call->config, str_of(provider));
    return p && p->api_key.n > 0;
}

static int tts_status(struct rpc_call *call)
{
    struct buf *out = call->out;
    struct str state = config_state(call->config);
    struct buf path = { 0 };
    const struct json5_node *provider = config_get(call->config, STR("messages.tts.provider"));
    buf_printf(&path, "%.*s/settings/tts.json", STR_ARG(state));
    buf_text(out, "{\"enabled\":false,\"auto\":\"off\"");
    buf_json_pair_str(out, "provider", provider && provider->kind == JSON5_STRING ? provider->string : STR("edge"));
    buf_text(out, ",\"fallbackProvider\":null,\"fallbackProviders\":[]");
    buf_json_pair_str(out, "prefsPath", buf_str(&path));
    buf_json_pair_bool(out, "hasOpenAIKey", has_key(call, "openai"));
    buf_json_pair_bool(out, "hasElevenLabsKey", has_key(call, "elevenlabs"));
    buf_text(out, ",\"edgeEnabled\":false}");
    buf_free(&path);
    return 0;
}

static int tts_providers(struct rpc_call *call)
{
    buf_text(call->out, "{\"providers\":[],\"active\":\"\"}");
    return 0;
}

static int no_speech(struct rpc_call *call)
{
    return rpc_fail(call, "UNAVAILABLE", "This gateway has no text to speech.");
}

static int tts_disable(struct rpc_call *call)
{
    buf_text(call->out, "{\"enabled\":false}");
    return 0;
}

static int tts_convert(struct rpc_call *call)
{
    if (!str_trim(rpc_str(call, "text")).n) return rpc_fail(call, "INVALID_REQUEST", "tts.convert requires text");
    return no_speech(call);
}

static int tts_set_provider(struct rpc_call *call)
{
    struct str p = str_trim(rpc_str(call, "provider"));
    if (!str_ieq(p, STR("openai")) && !str_ieq(p, STR("elevenlabs")) && !str_ieq(p, STR("edge")))
        return rpc_fail(call, "INVALID_REQUEST", "Invalid provider. Use openai, elevenlabs, or edge.");
    return no_speech(call);
}

const struct rpc_handler query_voice_handlers[] = {
    { RPC_talk_config, talk_config },           { RPC_voicewake_get, voicewake_get },
    { RPC_voicewake_set, voicewake_set },       { RPC_tts_status, tts_status },
    { RPC_tts_providers, tts_providers },       { RPC_tts_enable, no_speech },
    { RPC_tts_disable, tts_disable },           { RPC_tts_convert, tts_convert },
    { RPC_tts_set_provider, tts_set_provider }, { RPC_none, NULL },
};
