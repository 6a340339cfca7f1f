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
#include "cli/cli.h"
#include "cli/configuration.h"
#include "cli/local_http.h"
#include "msgs/chat_pack.h"

enum {
    MESSAGE_MAX = 16 * 1024 * 1024, /* bytes of a message from standard input */
    TIMEOUT_S = 600,                /* OpenClaw's default for an agent's turn */
    GRACE_MS = 5000,                /* beyond the turn's own time, for its answer to arrive */
};

struct ask {
    const char *agent, *message, *session, *model, *thinking, *timeout_text;
    bool json, local;
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

static char *request_body(const struct ask *ask)
{
    json_t *root = json_pack("{s:s, s:[{s:s, s:s}]}", "model", "openclaw", "messages", "role", "user", "content", ask->message);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

static void request_headers(const struct ask *ask, const struct config_gateway *g, struct buf *out)
{
    struct str secret = g->auth == CONFIG_AUTH_PASSWORD ? g->password : g->token;
    buf_printf(out, "x-openclaw-agent-id: %s\r\nx-openclaw-session-key: %s\r\n", ask->agent, ask->session_key);
    if (ask->model) buf_printf(out, "x-openclaw-model: %s\r\n", ask->model);
    if (ask->thinking) buf_printf(out, "x-openclaw-thinking: %s\r\n", ask->thinking);
    if (secret.n) buf_printf(out, "Authorization: Bearer %.*s\r\n", STR_ARG(secret));
}

static void read_completion(const struct local_reply *reply, struct answer *out)
{
    json_t *root = json_loadb(reply->body.p ? reply->body.p : "", reply->body.n, 0, NULL);
    const json_t *choice = json_array_get(json_object_get(root, "choices"), 0);
    const json_t *content = json_object_get(json_object_get(choice, "message"), "content");
    const json_t *problem = json_object_get(json_object_get(root, "error"), "message"), *usage = json_object_get(root, "usage");
    if (reply->status == 200 && json_is_string(content))
        buf_text(&out->text, json_string_value(content));
    else if (json_is_string(problem))
        buf_text(&out->error, json_string_value(problem));
    else
        buf_printf(&out->error, "the gateway answered HTTP %d without a reason", reply->status);
    buf_add(&out->run_id, local_http_header(reply, "x-openclaw-run-id"));
    buf_add(&out->model, local_http_header(reply, "x-openclaw-model"));
    out->input_tokens = json_integer_value(json_object_get(usage, "prompt_tokens"));
    out->output_tokens = json_integer_value(json_object_get(usage, "completion_tokens"));
    json_decref(root);
}

/* @return 0 when the gateway said something, in *out; GW_ENOPEER when none runs; else GW_E* */
static int ask_gateway(const struct configuration *c, const struct ask *ask, struct answer *out)
{
    const struct config_gateway *g = config_gateway(c->config);
    struct buf headers = { 0 };
    struct local_reply reply;
    char host[64], *body = request_body(ask);
    if (!body) return GW_ENOMEM;
    if (configuration_bind(c->config, NULL, host) != 0 || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
        str_copy(host, sizeof host, STR("127.0.0.1"));
    request_headers(ask, g, &headers);
    int rc = local_http_post(host, g->port, "/v1/chat/completions", buf_cstr(&headers), str_of(body), (int)ask->timeout_s * 1000 + GRACE_MS,
                             &reply);
    if (rc == 0) read_completion(&reply, out);
    buf_free(&reply.bytes);
    buf_free(&headers);
    free(body);
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
    if (ask->json)
        print_json(ask, a);
    else
        printf("%s\n", buf_cstr(&a->text));
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

static int check(struct ask *ask)
{
    ask->timeout_s = TIMEOUT_S;
    if (!ask->agent && !ask->session) {
        fprintf(stderr, "Error: Pass --session-id or --agent to choose a session\n");
        return CLI_FAILED;
    }
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
        fprintf(stderr, "Error: Unknown agent id \"%s\". Use \"openclaw config get agents.list\" to see configured agents.\n", ask->agent);
        return CLI_FAILED;
    }
    int n = ask->session && str_starts(str_of(ask->session), STR("agent:"))
                ? snprintf(ask->session_key, sizeof ask->session_key, "%s", ask->session)
                : snprintf(ask->session_key, sizeof ask->session_key, "agent:%s:%s", ask->agent, ask->session ? ask->session : "main");
    if (n > 0 && (size_t)n < sizeof ask->session_key) return CLI_OK;
    fprintf(stderr, "Error: the session id is longer than %zu bytes\n", sizeof ask->session_key - 1);
    return CLI_FAILED;
}

static int run(const struct configuration *c, struct ask *ask)
{
    struct answer answer = { 0 };
    ask->started_ms = clock_mono_ms();
    int rc = ask->local ? GW_ENOPEER : ask_gateway(c, ask, &answer);
    if (rc == GW_ENOPEER) {
        if (!ask->local) fprintf(stderr, "No gateway answers on port %d; running in this process.\n", config_gateway(c->config)->port);
        rc = ask_here(c, ask, &answer);
    }
    if (rc) buf_printf(&answer.error, "no answer: %s", err_text(rc));
    rc = print_answer(ask, &answer);
    free_answer(&answer);
    return rc;
}

int cmd_agent(int argc, char **argv)
{
    struct ask ask = { 0 };
    struct configuration c;
    const struct cli_option options[] = {
        { "--agent", "ID", "agent to ask", &ask.agent, NULL },
        { "--message", "TEXT", "what to say; - reads standard input", &ask.message, NULL },
        { "--session-id", "KEY", "session: a name, or a whole agent:<id>:<name> (default: main)", &ask.session, NULL },
        { "--model", "REF", "model to try first, like openrouter/stepfun/step-3.5-flash:free", &ask.model, NULL },
        { "--thinking", "LEVEL", "off, minimal, low, medium, high or xhigh", &ask.thinking, NULL },
        { "--timeout", "SECONDS", "give up after this time (default: 600)", &ask.timeout_text, NULL },
        { "--json", NULL, "print the answer as JSON, with its usage", NULL, &ask.json },
        { "--local", NULL, "run in this process, also when a gateway runs", NULL, &ask.local },
        { 0 },
    };
    const struct cli_usage usage = { "openclaw agent --agent ID --message TEXT [options]",
                                     "Asks an agent once and prints its answer: through the running gateway, else in this process.",
                                     options };
    int rc = cli_parse(&usage, &argc, argv);
    if (rc) return rc < 0 ? CLI_OK : rc;
    if (argc) return cli_unexpected(&usage, argv[0]);
    rc = check(&ask);
    if (rc == CLI_OK) {
        rc = configuration_load(&c, false);
        if (rc == CLI_OK) configuration_log(&c, false);
        if (rc == CLI_OK) rc = choose_session(c.config, &ask);
        if (rc == CLI_OK) rc = run(&c, &ask);
        configuration_free(&c);
    }
    buf_free(&ask.text);
    return rc;
}
