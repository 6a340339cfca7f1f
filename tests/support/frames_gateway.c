/* The gateway that recorded frames are played against: the recorded one's configuration, agents and files. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/err.h"
#include "support/frames.h"

#define WEB "openclaw-control-ui"
#define SKILL(name, bin)                                                                                                                     \
    "---\nname: " name                                                                                                                       \
    "\ndescription: A skill.\nhomepage: https://developer.1password.com/docs/cli/get-started/\nmetadata: {\"openclaw\":{\"emoji\":\"🔐\"," \
    "\"requires\":{\"bins\":[\"" bin "\"]},\"install\":[{\"id\":\"brew\",\"kind\":\"brew\",\"formula\":\"x\",\"bins\":[\"" bin "\"],"        \
    "\"label\":\"Install 1Password CLI (brew)\"}]}}\n---\nDo it.\n"

enum { ANSWER_MS = 15000 };

/* A file in the test's folder, with the folders that lead to it. */
void frames_put(const struct kit *kit, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", kit->dir, name);
    for (char *slash = path + strlen(kit->dir) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "wb");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0, "cannot write %s", path);
}

/* The recorded gateway's configuration, with our folder and our provider's port. */
static void write_config(struct kit *kit)
{
    struct buf text = { 0 };
    char from[16384], *at = from;
    FILE *file = fopen(TEST_DATA_DIR "/frames/openclaw.json", "rb");
    cr_assert(file);
    from[fread(from, 1, sizeof from - 1, file)] = '\0';
    fclose(file);
    for (char *mark; (mark = strchr(at, '@')); at = strchr(mark + 1, '@') + 1) {
        buf_add(&text, (struct str){ at, (size_t)(mark - at) });
        if (mark[1] == 'd')
            buf_text(&text, kit->dir);
        else
            buf_printf(&text, "%d", kit->openrouter.port);
    }
    buf_text(&text, at);
    snprintf(kit->config, sizeof kit->config, "%s/openclaw.json", kit->dir);
    frames_put(kit, "openclaw.json", buf_cstr(&text));
    buf_free(&text);
}

void frames_start(struct frames *f, struct kit *kit, struct known *known, size_t known_count)
{
    const struct kit_options options = { .no_start = true };
    kit_start(kit, &options);
    write_config(kit);
    frames_put(kit, "state/exec-approvals.json",
               "{\"version\":1,\"socket\":{\"path\":\"/data/approvals.sock\"},\"defaults\":{},\"agents\":{}}\n");
    frames_put(kit, "state/skills/1password/SKILL.md", SKILL("1password", "op"));
    frames_put(kit, "state/skills/weather/SKILL.md", SKILL("weather", "curl"));
    kit_restart(kit);
    frames_begin(f, kit, known, known_count);
    cr_assert_eq(fake_control(&kit->openrouter,
                              "{\"default\":{\"text\":\"Hello from mock. This is the reply number 1. End.\",\"deltas\":6,"
                              "\"delay_ms\":10},\"models\":{\"err500\":{\"status\":500,\"message\":\"mock error 500\",\"times\":-1}}}"),
                 200);
}

/* The Control UI as it was when the frames were recorded. */
void frames_join_web(struct frames *f, struct frame_client *client, const struct ws_device *device)
{
    char origin[64];
    const struct ws_connect c = { .token = KIT_TOKEN, .client_id = WEB, .mode = "webchat", .device = device, .caps = "[\"tool-events\"]" };
    snprintf(origin, sizeof origin, "Origin: http://127.0.0.1:%d\r\n", f->kit->port);
    frames_join(f, client, origin, &c);
    client->all = true;
}

/* Come and go, so that the others know of it. */
void frames_visit(const struct kit *kit, const char *headers, const struct ws_connect *c)
{
    ws_t *ws;
    cr_assert_eq(ws_open(kit->port, "/", headers, &ws), 0);
    json_decref(ws_hello(ws, c));
    ws_send(ws, WS_CLOSE, STR("\x03\xe8"));
    ws_read_to_end(ws, ANSWER_MS);
    ws_close(&ws);
}
