/* Jobs and hooks in the configuration: what config.def cannot say about cron.jobs and hooks. */
#include "base/config_internal.h"
#include "base/cron_expression.h"
#include "base/timezone.h"

static void wrong(struct builder *b, const struct json5_node *at, size_t i, const char *name, const char *text)
{
    config_report(b, CONFIG_ERROR, at, config_format(b, "cron.jobs[%zu].%s", i, name).p, "%s", text);
}

static void check_clock(struct builder *b, const struct json5_node *job, const struct json5_node *schedule, size_t i)
{
    const struct json5_node *expr = json5_member(schedule, STR("expr")), *tz = json5_member(schedule, STR("tz"));
    struct cron_expression ignored;
    struct buf why = { 0 };
    timezone_t *zone = NULL;
    if (!expr)
        wrong(b, schedule ? schedule : job, i, "schedule.expr", "missing: a cron expression, like \"0 7 * * *\"");
    else if (cron_expression_parse(config_text_of(expr), &ignored, &why) != 0)
        wrong(b, expr, i, "schedule.expr", buf_cstr(&why));
    if (tz && timezone_load(NULL, config_text_of(tz), &zone) != 0)
        wrong(b, tz, i, "schedule.tz", "no such time zone; expected a name like Asia/Ho_Chi_Minh");
    timezone_destroy(&zone);
    buf_free(&why);
}

static void check_schedule(struct builder *b, const struct json5_node *job, size_t i)
{
    const struct json5_node *schedule = json5_member(job, STR("schedule"));
    struct str kind = config_text_of(json5_member(schedule, STR("kind")));
    if (str_is(kind, "cron"))
        check_clock(b, job, schedule, i);
    else if (str_is(kind, "every") && !json5_member(schedule, STR("everyMs")))
        wrong(b, schedule, i, "schedule.everyMs", "missing: milliseconds between runs");
    else if (str_is(kind, "at") && !json5_member(schedule, STR("at")))
        wrong(b, schedule, i, "schedule.at", "missing: an ISO 8601 time");
    else if (!kind.n)
        wrong(b, schedule ? schedule : job, i, "schedule.kind", "missing: at, every or cron");
}

static void check_payload(struct builder *b, const struct json5_node *job, size_t i)
{
    const struct json5_node *payload = json5_member(job, STR("payload")), *delivery = json5_member(job, STR("delivery"));
    struct str kind = config_text_of(json5_member(payload, STR("kind"))), target = config_text_of(json5_member(job, STR("sessionTarget")));
    struct str to = config_text_of(json5_member(delivery, STR("to")));
    bool event = str_is(kind, "systemEvent");
    const char *text = event ? "text" : "message";
    if (!kind.n)
        wrong(b, payload ? payload : job, i, "payload.kind", "missing: agentTurn or systemEvent");
    else if (!config_text_of(json5_member(payload, str_of(text))).n)
        wrong(b, payload, i, event ? "payload.text" : "payload.message", "missing: what is said");
    if (target.n && str_is(target, "main") != event)
        wrong(b, json5_member(job, STR("sessionTarget")), i, "sessionTarget", "main takes a systemEvent, isolated an agentTurn");
    if (str_is(config_text_of(json5_member(delivery, STR("mode"))), "webhook") && !str_starts(to, STR("http")))
        wrong(b, delivery, i, "delivery.to", "a webhook needs an http(s) address");
}

static void check_id(struct builder *b, const struct json5_node *list, const struct json5_node *job, size_t i)
{
    const struct json5_node *id = json5_member(job, STR("id"));
    struct str text = config_text_of(id);
    bool plain = text.n > 0 && text.n <= CONFIG_CRON_ID_MAX;
    for (size_t c = 0; c < text.n && plain; c++)
        plain = (text.p[c] >= 'a' && text.p[c] <= 'z') || (text.p[c] >= 'A' && text.p[c] <= 'Z') ||
                (text.p[c] >= '0' && text.p[c] <= '9') || strchr("-_.", text.p[c]);
    if (!plain)
        wrong(b, id ? id : job, i, "id", "expected a name of 1 to 64 letters, digits, '-', '_', '.': the job keeps its history by it");
    for (const struct json5_node *other = list->first; plain && other != job; other = other->next)
        if (str_eq(config_text_of(json5_member(other, STR("id"))), text)) wrong(b, id, i, "id", "another job has this id");
}

void config_check_cron(struct builder *b)
{
    const struct json5_node *list = config_at(b->cfg->root, STR("cron.jobs"));
    size_t i = 0;
    if (!list || list->kind != JSON5_ARRAY) return;
    for (const struct json5_node *job = list->first; job; job = job->next, i++) {
        const struct json5_node *agent = json5_member(job, STR("agentId"));
        if (job->kind != JSON5_OBJECT) continue;
        check_id(b, list, job, i);
        check_schedule(b, job, i);
        check_payload(b, job, i);
        if (agent && !config_agent_find(b->cfg, config_text_of(agent))) wrong(b, agent, i, "agentId", "no such agent in agents.list");
    }
}

void config_check_hooks(struct builder *b)
{
    const struct json5_node *list = config_at(b->cfg->root, STR("hooks.mappings"));
    size_t i = 0;
    for (const struct json5_node *m = list && list->kind == JSON5_ARRAY ? list->first : NULL; m; m = m->next, i++) {
        const struct json5_node *agent = json5_member(m, STR("agentId")), *match = json5_member(m, STR("match"));
        bool wake = str_is(config_text_of(json5_member(m, STR("action"))), "wake");
        const char *text = wake ? "textTemplate" : "messageTemplate";
        if (agent && !config_agent_find(b->cfg, config_text_of(agent)))
            config_report(b, CONFIG_ERROR, agent, config_format(b, "hooks.mappings[%zu].agentId", i).p, "no such agent in agents.list");
        if (!config_text_of(json5_member(match, STR("path"))).n && !config_text_of(json5_member(match, STR("source"))).n)
            config_report(b, CONFIG_ERROR, match ? match : m, config_format(b, "hooks.mappings[%zu].match", i).p,
                          "missing: path or source");
        if (!json5_member(m, str_of(text)))
            config_report(b, CONFIG_ERROR, m, config_format(b, "hooks.mappings[%zu].%s", i, text).p, "missing: what is said");
    }
}
