/* actors/turn_tool_web.c -- web_fetch: a page as text. Source: reference agent-runtime 4, frames tool-web_fetch-*. */
#include <stdio.h>
#include <stdlib.h>

#include "actors/turn_tools.h"
#include "actors/web.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "tools/html_text.h"

enum { PAGE_BYTES = 4 * 1024 * 1024, ANSWER_MARGIN_MS = 5000 };

#define AGENT "Mozilla/5.0 (compatible; OpenClaw; +https://openclaw.ai)"

static bool starts_with_any(struct str text, const char *const *starts)
{
    for (; *starts; starts++)
        if (str_starts(text, str_of(*starts))) return true;
    return false;
}

/* What a page says is data: it is marked as such. */
static void mark(struct str text, struct buf *out)
{
    buf_text(out, "<<<EXTERNAL_UNTRUSTED_CONTENT>>>\nSource: Web Fetch\n---\n");
    buf_add(out, text);
    buf_text(out, "\n<<<END_EXTERNAL_UNTRUSTED_CONTENT>>>");
}

/* The page as text, with the name of what made it. @return NULL: it is no text */
static const char *extract(const struct msg_web_fetched *f, bool markdown, struct buf *title, struct buf *text)
{
    static const char *const TEXTS[] = { "text/", "application/json", "application/xml", "application/javascript", "application/x-yaml",
                                         NULL };
    if (str_starts(f->type, STR("text/html")) || str_starts(f->type, STR("application/xhtml"))) {
        int rc = html_text(f->body, markdown, title, text);
        return rc == 0 || rc == GW_ENOENT ? "html" : NULL;
    }
    if (!starts_with_any(f->type, TEXTS) && !(f->type.n == 0 && str_utf8_valid(f->body))) return NULL;
    buf_add(text, f->body);
    return str_starts(f->type, STR("application/json")) ? "json" : "raw";
}

static int show(struct tool_call *call, struct str asked, const struct msg_web_fetched *f, int64_t took_ms)
{
    const config_t *config = call->place->config;
    int64_t cap = config_int(config, "tools.web.fetch.maxCharsCap"),
            most = tool_whole(call, "maxChars", config_int(config, "tools.web.fetch.maxChars"));
    bool markdown = !str_is(tool_text(call, "extractMode", NULL), "text");
    struct buf title = { 0 }, text = { 0 }, marked = { 0 };
    if (f->error.n) return tool_fail(call, "%.*s", STR_ARG(f->error));
    if (f->status >= 400) return tool_fail(call, "Web fetch failed (%d)", (int)f->status);
    const char *extractor = extract(f, markdown, &title, &text);
    if (!extractor) {
        buf_free(&title);
        buf_free(&text);
        return tool_fail(call, "The page is no text (%.*s, %zu bytes).", STR_ARG(f->type), f->body.n);
    }
    struct str whole = buf_str(&text), shown = utf8_first(whole, (size_t)(most < cap ? most : cap));
    char iso[CLOCK_ISO_SIZE];
    clock_iso(clock_wall_ms(), iso);
    mark(shown, &marked);
    json_t *value =
        json_pack("{s:s%,s:s%,s:I,s:s%,s:s,s:s,s:b,s:I,s:s,s:I}", "url", asked.p, asked.n, "finalUrl", f->url.p ? f->url.p : "", f->url.n,
                  "status", (json_int_t)f->status, "contentType", f->type.p ? f->type.p : "", f->type.n, "extractMode",
                  markdown ? "markdown" : "text", "extractor", extractor, "truncated", f->cut || shown.n < whole.n, "length",
                  (json_int_t)utf8_count(shown), "fetchedAt", iso, "tookMs", (json_int_t)took_ms);
    if (value && title.n) json_object_set_new(value, "title", json_stringn(title.p, title.n));
    if (value) json_object_set_new(value, "text", json_stringn(marked.p, marked.n));
    bool whole_text = value && json_object_get(value, "text");
    if (!whole_text) json_decref(value);
    int rc = whole_text ? tool_answer_json(call, value) : tool_fail(call, "The page is not in UTF-8.");
    buf_free(&title);
    buf_free(&text);
    buf_free(&marked);
    return rc;
}

static void list_allowed(const config_t *config, struct buf *out)
{
    const struct json5_node *list = config_get(config, STR("tools.web.fetch.allowPrivateHosts"));
    for (const struct json5_node *one = list && list->kind == JSON5_ARRAY ? list->first : NULL; one; one = one->next)
        if (one->kind == JSON5_STRING) buf_printf(out, "%.*s\n", STR_ARG(one->string));
}

int turn_tool_web_fetch(struct turn *t, struct tool_call *call)
{
    static const char *const SCHEMES[] = { "http://", "https://", NULL };
    const config_t *config = call->place->config;
    struct str url = str_trim(tool_text(call, "url", NULL)), agent = config_str(config, "tools.web.fetch.userAgent");
    int64_t timeout_ms = config_int(config, "tools.web.fetch.timeoutSeconds") * 1000, begun = clock_mono_ms();
    struct buf allow = { 0 };
    struct msg q = { .kind = MSG_web_fetch }, answer = { 0 };
    if (!starts_with_any(url, SCHEMES)) return tool_fail(call, "Invalid URL: must be http or https");
    if (str_find(url, STR("@")) >= 0 && str_find(url, STR("@")) < str_find((struct str){ url.p + 8, url.n - 8 }, STR("/")) + 8)
        return tool_fail(call, "Invalid URL: credentials in it are not used");
    list_allowed(config, &allow);
    q.web_fetch = (struct msg_web_fetch){ .url = url,
                                          .agent = agent.n ? agent : STR(AGENT),
                                          .allow = buf_str(&allow),
                                          .max_bytes = PAGE_BYTES,
                                          .timeout_ms = timeout_ms,
                                          .redirects = config_int(config, "tools.web.fetch.maxRedirects") };
    int rc = turn_ask(t, "web", &q, (int)timeout_ms + ANSWER_MARGIN_MS, &answer);
    if (rc == GW_EABORTED || rc == GW_ETIMEOUT) {
        struct msg cancel = { .kind = MSG_web_cancel };
        cancel.web_cancel.fetch = (int64_t)q.corr;
        mailbox_send(t->s->mailbox, "web", &cancel);
    }
    if (rc == 0) rc = show(call, url, &answer.web_fetched, clock_mono_ms() - begun);
    msg_clear(&answer);
    buf_free(&allow);
    bool ends = rc == GW_EABORTED || rc == GW_ECLOSED || rc == GW_ENOMEM || t->error.n;
    return rc && !ends ? tool_fail(call, "The page could not be fetched (%s).", err_text(rc)) : rc;
}
