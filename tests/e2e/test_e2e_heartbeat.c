/* Agents that look after things by themselves: what costs a request, what is told. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_read.h"
#include "support/operator.h"

static struct kit K;
static struct operator_client me;

static void start(const char *heartbeat)
{
    static char config[1024];
    snprintf(config, sizeof config,
             "{ agents: { list: [{ id: 'main', default: true }], defaults: { model: { primary: '" KIT_OPENROUTER_MODEL
             "' }, heartbeat: { %s } } } }",
             heartbeat);
    operator_start(&me, &K, config);
}

/* The next heartbeat event says so. */
static void hear(const char *status, const char *reason, const char *preview)
{
    json_t *event = ws_event(me.ws, "heartbeat", KIT_TURN_MS);
    cr_assert(event);
    const json_t *payload = json_object_get(event, "payload");
    char *text = json_dumps(payload, 0);
    cr_expect(str_is(json_str(payload, "status"), status), "%s", text);
    cr_expect(reason ? str_is(json_str(payload, "reason"), reason) : !json_object_get(payload, "reason"), "%s", text);
    if (preview) cr_expect(str_is(json_str(payload, "preview"), preview), "%s", text);
    cr_expect(json_int(payload, "ts", 0) > 0 && json_int(payload, "durationMs", -1) >= 0, "%s", text);
    free(text);
    json_decref(event);
}

static void write_list(const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/workspace", K.state);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/workspace/HEARTBEAT.md", K.state);
    FILE *f = fopen(path, "w");
    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* All messages of the provider's last request, as text. The caller frees. */
static char *asked(size_t *requests)
{
    json_t *stats = fake_stats(&K.openrouter), *bodies = json_object_get(stats, "bodies");
    *requests = json_array_size(bodies);
    char *text = json_dumps(json_object_get(json_object_get(json_array_get(bodies, *requests - 1), "body"), "messages"), 0);
    json_decref(stats);
    return text;
}

Test(e2e_heartbeat, a_list_decides_what_a_beat_costs, .timeout = 90)
{
    size_t requests;
    start("every: '1s'");
    hear("skipped", "empty-heartbeat-file", NULL);
    write_list("# HEARTBEAT.md\n- [ ]\n");
    hear("skipped", "empty-heartbeat-file", NULL);
    free(asked(&requests));
    cr_expect_eq(requests, 0, "nothing to do costs no tokens");
    fake_control(&K.openrouter, "{\"next\":[{\"text\":\"HEARTBEAT_OK\"},{\"text\":\"The disk is full.\"}]}");
    write_list("- look at the disk\n");
    hear("ok-token", NULL, NULL);
    char *messages = asked(&requests);
    cr_expect(strstr(messages, "Current time: ") && strstr(messages, "Read HEARTBEAT.md"), "%s", messages);
    free(messages);
    hear("skipped", "no-target", "The disk is full.");
    messages = asked(&requests);
    const char *first = strstr(messages, "Current time: ");
    cr_expect(first && !strstr(first + 1, "Current time: "), "the one without a finding is not read again: %s", messages);
    free(messages);
    write_list("");
    json_t *last = ws_call(me.ws, "last-heartbeat", "{}");
    cr_expect(json_str(json_object_get(last, "payload"), "status").n > 0);
    json_decref(last);
    operator_stop(&me, &K);
}

Test(e2e_heartbeat, who_is_woken_looks_at_once, .timeout = 90)
{
    size_t requests;
    start("every: '0m'");
    fake_control(&K.openrouter, "{\"next\":[{\"text\":\"Seen.\"}]}");
    json_t *said = ws_call(me.ws, "wake", "{\"mode\":\"next-heartbeat\",\"text\":\"the backup has ended\"}");
    cr_expect(json_is_true(json_object_get(said, "ok")));
    json_decref(said);
    cr_assert_eq(ws_request(me.ws, "w", "wake", "{\"mode\":\"now\",\"text\":\"the door is open\"}"), 0);
    hear("skipped", "no-target", "Seen.");
    char *messages = asked(&requests);
    cr_expect(strstr(messages, "the backup has ended") && strstr(messages, "the door is open") && strstr(messages, "System: ["), "%s",
              messages);
    free(messages);
    said = ws_call(me.ws, "set-heartbeats", "{\"enabled\":false}");
    json_decref(said);
    said = ws_call(me.ws, "wake", "{\"mode\":\"now\",\"text\":\"again\"}");
    json_decref(said);
    cr_expect_null(ws_event(me.ws, "heartbeat", 1500), "they are switched off");
    free(asked(&requests));
    cr_expect_eq(requests, 1);
    operator_stop(&me, &K);
}
