/* cli/cmd_agent.c -- `openclaw agent`: one message, one answer; through the running gateway, else in this process. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "actors/system.h"
#include "base/chat.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/random.h"
#include "cli/remote.h"
#include "cli/text.h"
#include "msgs/chat_pack.h"

enum {
    MESSAGE_MAX = 16 * 1024 * 1024, /* bytes of a message from standard input */
    TIMEOUT_S = 600,                /* OpenClaw's default for an agent's turn */
    GRACE_MS = 5000,                /* beyond the turn's own time, for its answer to arrive */
};

struct ask {
    const char *agent, *message, *session, *to, *model, *thinking, *timeout_text;
    struct remote_flags flags;
    bool local;
    long timeout_s;
    char session_key[513];
    struct buf text; /* of standard input */
    int64_t started_ms;
};

struct answer {
    struct buf run_id, text, model, error;
    int64_t input_tokens, output_tokens;
};

static void free_answer(struct answer *a)
{
    buf_free(&a->run_id);
    buf_free(&a->text);
    buf_free(&a->model);
    buf_free(&a->error);
}

/* --- through the gateway ---------------------------------------------------------------------------------------- */

static json_t *request(const struct ask *ask)
{
    char uuid[RANDOM_UUID_SIZE];
    random_uuid(uuid);
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s*, s:s*}", "message", ask->message, "agentId", ask->agent, "sessionKey",
                     ask->session_key, "idempotencyKey", uuid, "timeout", (json_int_t)ask->timeout_s, "thinking", ask->thinking, "model",
                     ask->model);
}

static int tell_error(const struct remote *r)
{
    struct buf text = { 0 };
    rpc_client_error_describe(&r->error, &r->target, &text);
    bool has_prefix = str_starts(buf_str(&text), STR("Error: "));
    fprintf(stderr, "%s%s", has_prefix ? "" : "Error: ", buf_cstr(&text));
    buf_free(&text);
    return CLI_FAILED;
}

/* A terminal gets nothing that could steer it; a file or pipe gets the text as it is. */
static void print_text(struct str text)
{
    struct buf clean = { 0 };
    if (isatty(STDOUT_FILENO)) {
        text_clean_lines(&clean, text);
        text = buf_str(&clean);
    }
    fwrite(text.p ? text.p : "", 1, text.n, stdout);
    putchar('\n');
    buf_free(&clean);
}

static int print_payload(const json_t *payload, bool as_json)
{
    const json_t *texts = json_at(payload, "result", "payloads");
    if (as_json) json_show(payload);
    for (size_t i = 0; !as_json && i < json_array_size(texts); i++) print_text(json_str(json_array_get(texts, i), "text"));
    return CLI_OK;
}

/* @param accepted  whether the gateway took the turn: then what became of it is the answer, and nobody else may run it
 *  @return the exit code; nothing is told unless it was accepted */
static int ask_gateway(struct remote *r, const struct ask *ask, bool *accepted)
{
    *accepted = false;
    if (remote_connect(r, "cli") != 0) return CLI_FAILED;
    json_t *payload = remote_try(r, "agent", request(ask));
    *accepted = payload && str_is(json_str(payload, "status"), "accepted");
    if (*accepted) {
        json_decref(payload);
        rpc_client_more(r->client, (int)ask->timeout_s * 1000 + GRACE_MS, &payload, &r->error);
    }
    if (!payload) return *accepted ? tell_error(r) : CLI_FAILED;
    *accepted = true; /* a repeat is answered at once */
    int rc = print_payload(payload, ask->flags.json);
    json_decref(payload);
    return rc;
}

/* --- in this process -------------------------------------------------------------------------------------------- */

static int submit(mailbox_t *mailbox, const struct ask *ask, struct answer *out, uint64_t *corr)
{
    char uuid[RANDOM_UUID_SIZE];
    struct chat_part part = { .kind = CHAT_TEXT, .text = str_of(ask->message) };
    struct chat_message message = { .role = CHAT_USER, .parts = &part, .part_count = 1, .timestamp_ms = clock_wall_ms() };
    struct msg m = { .kind = MSG_turn_submit, .corr = mailbox_corr(mailbox), .trace = random_u64() };
    struct buf packed = { 0 };
    random_uuid(uuid);
    buf_text(&out->run_id, uuid);
    int rc = chat_pack_message(&packed, &message);
    m.turn_submit = (struct msg_turn_submit){ .run_id = str_of(uuid),
                                              .session_key = str_of(ask->session_key),
                                              .agent = str_of(ask->agent),
                                              .channel = STR("cli"),
                                              .model = str_of(ask->model),
                                              .thinking = str_of(ask->thinking),
                                              .message = buf_str(&packed) };
    *corr = m.corr;
    if (rc == 0) rc = mailbox_send(mailbox, "router", &m);
    buf_free(&packed);
    return rc;
}

static void read_done(const struct msg_turn_done *d, struct answer *out)
{
    if (d->outcome == OUTCOME_DONE)
        buf_add(&out->text, d->text);
    else
        buf_add(&out->error, d->error.n ? d->error : STR("the turn was stopped"));
    buf_add(&out->model, d->model);
    out->input_tokens = d->input_tokens;
    out->output_tokens = d->output_tokens;
}

static int await(mailbox_t *mailbox, uint64_t corr, int64_t deadline_ms, struct answer *out)
{
    for (bool over = false; !over;) {
        struct msg m;
        int rc = mailbox_recv(mailbox, clock_left_ms(deadline_ms), &m);
        if (rc == GW_EBADMSG) continue;
        if (rc) return rc;
        over = m.corr == corr && (m.kind == MSG_turn_done || m.kind == MSG_turn_refused || m.kind == MSG_error);
        if (over && m.kind == MSG_turn_done) read_done(&m.turn_done, out);
        if (over && m.kind == MSG_turn_refused) buf_add(&out->error, m.turn_refused.text);
        if (over && m.kind == MSG_error) buf_add(&out->error, m.error.text);
        msg_clear(&m);
    }
    return 0;
}

static int ask_here(const struct configuration *c, const struct ask *ask, struct answer *out)
{
    const struct system_options options = { .config = c->config, .state_dir = c->state, .bind_host = "127.0.0.1" };
    struct buf why = { 0 };
    system_t *system;
    uint64_t corr;
    int port;
    log_set_level(LOG_WARN);
    int rc = system_start(&options, &system, &port, &why);
    if (rc) {
        buf_printf(&out->error, "cannot start: %s", buf_cstr(&why));
        buf_free(&why);
        return 0;
    }
    rc = submit(system_mailbox(system), ask, out, &corr);
    if (rc == 0) rc = await(system_mailbox(system), corr, clock_mono_ms() + ask->timeout_s * 1000 + GRACE_MS, out);
    system_destroy(&system);
    buf_free(&why);
    return rc;
}

/* --- output ----------------------------------------------------------------------------------------------------- */

/* The shape of OpenClaw's `agent --json` (reference: frames/cli-agent-msg-json.json), as far as this side knows it. */
static void print_json(const struct ask *ask, struct answer *a)
{
    struct str provider = buf_str(&a->model), model = provider;
    provider = str_split(&model, '/');
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:{s:[{s:s%, s:n}], s:{s:I, s:{s:s, s:s%, s:s%, s:{s:I, s:I, s:I}}, s:b}}}", "runId", buf_cstr(&a->run_id),
        "status", "ok", "summary", "completed", "result", "payloads", "text", a->text.p ? a->text.p : "", a->text.n, "mediaUrl", "meta",
        "durationMs", (json_int_t)(clock_mono_ms() - ask->started_ms), "agentMeta", "sessionKey", ask->session_key, "provider",
        provider.p ? provider.p : "", provider.n, "model", model.p ? model.p : "", model.n, "usage", "input", (json_int_t)a->input_tokens,
        "output", (json_int_t)a->output_tokens, "total", (json_int_t)(a->input_tokens + a->output_tokens), "aborted", 0);
    if (root) json_dumpf(root, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(root);
}

static int print_answer(const struct ask *ask, struct answer *a)
{
    if (a->error.n) {
        fprintf(stderr, "Error: %s\n", buf_cstr(&a->error));
        return CLI_FAILED;
    }
    if (ask->flags.json)
        print_json(ask, a);
    else
        print_text(buf_str(&a->text));
    return CLI_OK;
}

/* --- the command ------------------------------------------------------------------------------------------------ */

static int read_stdin(struct ask *ask)
{
    ask->text.max = MESSAGE_MAX;
    for (;;) {
        char *to = buf_reserve(&ask->text, 4096);
        ssize_t n = to ? read(STDIN_FILENO, to, 4096) : -1;
        if (n < 0) {
            fprintf(stderr, "cannot read the message from standard input: %s\n", to ? "input failed" : "it is too long");
            return CLI_FAILED;
        }
        if (n == 0) break;
        ask->text.n += (size_t)n;
    }
    ask->message = buf_cstr(&ask->text);
    return CLI_OK;
}

/* Tells it as OpenClaw does, which finds out twice (reference: frames/cli-agent-bad.json). */
static int refuse(const struct ask *ask, const char *why)
{
    if (!ask->local) fprintf(stderr, "Gateway agent failed; falling back to embedded: Error: %s\n", why);
    fprintf(stderr, "Error: %s\n", why);
    return CLI_FAILED;
}

static int check(struct ask *ask)
{
    ask->timeout_s = TIMEOUT_S;
    if (!ask->agent && !ask->session && !ask->to) return refuse(ask, "Pass --to <E.164>, --session-id, or --agent to choose a session");
    if (!ask->message) {
        fprintf(stderr, "Error: Pass --message (or --message - for standard input)\n");
        return CLI_FAILED;
    }
    if (strcmp(ask->message, "-") == 0 && read_stdin(ask) != CLI_OK) return CLI_FAILED;
    if (str_trim(str_of(ask->message)).n == 0 || !str_utf8_valid(str_of(ask->message))) {
        fprintf(stderr, "Error: the message is empty or not UTF-8\n");
        return CLI_FAILED;
    }
    return ask->timeout_text ? cli_number("--timeout", ask->timeout_text, 1, 86400, &ask->timeout_s) : CLI_OK;
}

static int choose_session(const config_t *cfg, struct ask *ask)
{
    if (!ask->agent) ask->agent = config_agent_default(cfg)->id.p;
    if (!config_agent_find(cfg, str_of(ask->agent))) {
        char why[200];
        snprintf(why, sizeof why, "Unknown agent id \"%.64s\". Use \"openclaw agents list\" to see configured agents.", ask->agent);
        return refuse(ask, why);
    }
    int n = ask->session && str_starts(str_of(ask->session), STR("agent:"))
                ? snprintf(ask->session_key, sizeof ask->session_key, "%s", ask->session)
                : snprintf(ask->session_key, sizeof ask->session_key, "agent:%s:%s", ask->agent, ask->session ? ask->session : "main");
    if (n > 0 && (size_t)n < sizeof ask->session_key) return CLI_OK;
    fprintf(stderr, "Error: the session id is longer than %zu bytes\n", sizeof ask->session_key - 1);
    return CLI_FAILED;
}

/* @return the exit code */
static int run_here(const struct configuration *c, struct ask *ask)
{
    struct answer answer = { 0 };
    configuration_log(c, false);
    int rc = ask_here(c, ask, &answer);
    if (rc) buf_printf(&answer.error, "no answer: %s", err_text(rc));
    rc = print_answer(ask, &answer);
    free_answer(&answer);
    return rc;
}

static int run(struct remote *r, struct ask *ask)
{
    bool accepted = false;
    ask->started_ms = clock_mono_ms();
    int rc = ask->local ? CLI_FAILED : ask_gateway(r, ask, &accepted);
    if (accepted) return rc;
    if (!ask->local) {
        fprintf(stderr, "Gateway agent failed; falling back to embedded: ");
        tell_error(r);
    }
    return run_here(&r->configuration, ask);
}

int cmd_agent(int argc, char **argv)
{
    struct ask ask = { 0 };
    struct remote r;
    const struct cli_option options[] = {
        { "--agent", "ID", "agent to ask", &ask.agent, NULL },
        { "--message", "TEXT", "what to say; - reads standard input", &ask.message, NULL },
        { "--session-id", "KEY", "session: a name, or a whole agent:<id>:<name> (default: main)", &ask.session, NULL },
        { "--to", "NUMBER", "whose session, which is the main one", &ask.to, NULL },
        { "--model", "REF", "model to try first, like openrouter/stepfun/step-3.5-flash:free", &ask.model, NULL },
        { "--thinking", "LEVEL", "off, minimal, low, medium, high or xhigh", &ask.thinking, NULL },
        { "--timeout", "SECONDS", "give up after this time (default: 600)", &ask.timeout_text, NULL },
        { "--json", NULL, "print the answer as JSON, with its usage", NULL, &ask.flags.json },
        { "--local", NULL, "run in this process, also when a gateway runs", NULL, &ask.local },
        { "--url", "URL", "the gateway (default: OPENCLAW_GATEWAY_URL, else this host's)", &ask.flags.gateway.url, NULL },
        { "--token", "TOKEN", "its token (default: the configured one)", &ask.flags.gateway.token, NULL },
        { "--password", "TEXT", "its password (default: the configured one)", &ask.flags.gateway.password, NULL },
        { 0 },
    };
    const struct cli_usage usage = { "openclaw agent --agent ID --message TEXT [options]",
                                     "Asks an agent once and prints its answer: through the running gateway, else in this process.",
                                     options };
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = check(&ask);
    if (rc == CLI_OK) {
        rc = remote_prepare(&r, &ask.flags);
        if (rc == CLI_OK) rc = choose_session(r.configuration.config, &ask);
        if (rc == CLI_OK) rc = run(&r, &ask);
        remote_close(&r);
    }
    buf_free(&ask.text);
    return rc;
}
