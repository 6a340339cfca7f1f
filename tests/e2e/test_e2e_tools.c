/* Tools with the real gateway: an agent's calls, what they answer, what contains them. The provider is scripted. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/gateway.h"

static struct kit K;

static void start(const char *tools)
{
    static char config[2048];
    snprintf(config, sizeof config,
             "{ agents: { list: [{ id: 'main', default: true }, { id: 'other' }], defaults: { model: { primary: '" KIT_OPENROUTER_MODEL
             "' } } },"
             "tools: { %s } }",
             tools);
    const struct kit_options options = { .config_text = config };
    kit_start(&K, &options);
}

/* What the model was answered in the last request: the newest tool result. The caller frees. */
static char *last_result(void)
{
    json_t *stats = fake_stats(&K.openrouter), *bodies = json_object_get(stats, "bodies");
    json_t *body = json_object_get(json_array_get(bodies, json_array_size(bodies) - 1), "body"),
           *messages = json_object_get(body, "messages");
    const json_t *last = json_array_get(messages, json_array_size(messages) - 1);
    const json_t *content = json_object_get(last, "content");
    const char *text =
        json_is_string(content) ? json_string_value(content) : json_string_value(json_object_get(json_array_get(content, 0), "text"));
    char *copy = strdup(text ? text : "");
    json_decref(stats);
    return copy;
}

/* The agent of `user`'s conversation calls a tool. @return what came out; valid until the next call */
static const char *tool_of(const char *user, const char *name, const char *args)
{
    static char *kept;
    struct http_reply r = { 0 };
    free(kept);
    fake_control(&K.openrouter, "{\"next\":[{\"tool_calls\":[{\"id\":\"c\",\"name\":\"%s\",\"arguments\":%s}]},{\"text\":\"done\"}]}", name,
                 args);
    cr_assert_eq(kit_chat(&K, user, "go", &r), 0);
    cr_expect_eq(r.status, 200);
    http_reply_free(&r);
    return kept = last_result();
}

static const char *tool(const char *name, const char *args)
{
    return tool_of("u", name, args);
}

#define EXEC(command) tool("exec", "{\"command\":\"" command "\"}")

Test(e2e_tools, commands_answer_as_models_know_it, .timeout = 90)
{
    start("");
    cr_expect_str_eq(EXEC("echo out; echo err >&2; exit 3"), "out\nerr\n\n(Command exited with code 3)");
    cr_expect_str_eq(EXEC("echo hello > f.txt; cat f.txt; pwd | sed 's|.*/||'"), "hello\nworkspace");
    cr_expect_str_eq(tool("read", "{\"path\":\"f.txt\"}"), "hello\n");
    cr_expect(strstr(tool("exec", "{\"command\":\"sleep 30\",\"timeout\":1}"), "Command timed out"));
    cr_expect(strstr(EXEC("kill -9 $$"), "ended by signal 9"));
    cr_expect_str_eq(EXEC("true"), "(no output)");
    cr_expect(strstr(tool("exec", "{\"command\":\"pwd\",\"workdir\":\"/\"}"), "leads out of the workspace"));
    cr_expect(strstr(tool("exec", "{\"command\":\"tty && stty size\",\"pty\":true}"), "/dev/pts/"));
    kit_stop(&K);
}

Test(e2e_tools, background_commands_are_looked_after, .timeout = 90)
{
    char name[64] = "", args[256];
    start("");
    const char *text = tool("exec", "{\"command\":\"read line; echo got $line; sleep 60\",\"background\":true}");
    cr_assert_eq(sscanf(text, "Command still running (session %60[a-z0-9-], pid", name), 1, "%s", text);
    cr_expect(strstr(tool("process", "{\"action\":\"list\"}"), name));
    cr_expect(strstr(tool_of("stranger", "process", "{\"action\":\"list\"}"), "No running or recent sessions."), "others do not see it");
    snprintf(args, sizeof args, "{\"action\":\"submit\",\"sessionId\":\"%s\",\"data\":\"abc\"}", name);
    tool("process", args);
    snprintf(args, sizeof args, "{\"action\":\"poll\",\"sessionId\":\"%s\",\"timeout\":5000}", name);
    cr_expect(strstr(tool("process", args), "got abc"));
    snprintf(args, sizeof args, "{\"action\":\"kill\",\"sessionId\":\"%s\"}", name);
    cr_expect(strstr(tool("process", args), "Killed session"));
    snprintf(args, sizeof args, "{\"action\":\"poll\",\"sessionId\":\"%s\",\"timeout\":5000}", name);
    cr_expect(strstr(tool("process", args), "Command was killed"));
    cr_expect_str_eq(tool("process", "{\"action\":\"poll\",\"sessionId\":\"nope\"}"), "No session found for nope");
    kit_stop(&K);
}

Test(e2e_tools, a_command_sees_no_secret_and_no_file_that_is_not_its_own, .timeout = 90)
{
    char args[512];
    start("exec: { env: ['KIT_SHOWN'] }");
    const char *text = EXEC("env");
    cr_expect(strstr(text, "GIT_AUTHOR_NAME=main[bot]") && strstr(text, "GIT_COMMITTER_EMAIL=main@openclaw.homelab"), "%s", text);
    cr_expect(!strstr(text, "OPENROUTER") && !strstr(text, "GEMINI") && !strstr(text, KIT_TOKEN) && !strstr(text, "OPENCLAW_GATEWAY"), "%s",
              text);
    snprintf(args, sizeof args,
             "{\"command\":\"cat /proc/$PPID/environ /proc/1/environ 2>&1 | tr '\\\\0' '\\\\n' | grep -e KEY -e TOKEN -e denied\"}");
    text = tool("exec", args);
    cr_expect(!strstr(text, "_KEY=") && !strstr(text, "TOKEN=") && strstr(text, "Permission denied"), "%s", text);
    snprintf(args, sizeof args, "{\"command\":\"ls %s; cat %s/*.db\"}", K.state, K.state);
    text = tool("exec", args);
    cr_expect(strstr(text, "Permission denied") && !strstr(text, "SQLite"), "%s", text);
    snprintf(args, sizeof args, "{\"command\":\"echo x > %s/escaped; echo y > /etc/escaped; echo z > /usr/escaped; ls /etc/escaped\"}",
             K.dir);
    text = tool("exec", args);
    cr_expect(strstr(text, "Permission denied"), "%s", text);
    cr_expect(access("/etc/escaped", F_OK) != 0 && access("/usr/escaped", F_OK) != 0);
    text = EXEC("unshare -r true; mount -t tmpfs x /mnt; strace -V >/dev/null 2>&1; chroot / true");
    cr_expect(strstr(text, "Operation not permitted"), "%s", text);
    cr_expect(strstr(tool("exec", "{\"command\":\"echo $A $LD_PRELOAD\",\"env\":{\"A\":\"1\",\"LD_PRELOAD\":\"x.so\"}}"),
                     "(Not passed on: LD_PRELOAD"));
    kit_stop(&K);
}

static void make_file(char *path, const char *text)
{
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

Test(e2e_tools, what_the_owner_passes_on_to_reach_a_cluster_can_be_read_and_nothing_a_call_names, .timeout = 90)
{
    char ours[] = "/tmp/kit-kubeconfig-XXXXXX", other[] = "/tmp/kit-other-XXXXXX", args[256];
    make_file(ours, "the cluster");
    make_file(other, "somebody else's");
    setenv("KUBECONFIG", ours, 1);
    start("exec: { env: ['KUBECONFIG'] }");
    const char *text = EXEC("cat $KUBECONFIG");
    cr_expect(strstr(text, "the cluster"), "%s", text);
    snprintf(args, sizeof args, "{\"command\":\"cat $KUBECONFIG\",\"env\":{\"KUBECONFIG\":\"%s\"}}", other);
    text = tool("exec", args);
    cr_expect(!strstr(text, "somebody"), "%s", text);
    kit_stop(&K);
    start("exec: {}");
    snprintf(args, sizeof args, "{\"command\":\"cat %s\"}", ours);
    text = tool("exec", args);
    cr_expect(!strstr(text, "the cluster"), "%s", text);
    kit_stop(&K);
    unsetenv("KUBECONFIG");
    unlink(ours);
    unlink(other);
}

/* Whether a process runs whose command line has these words. */
static bool runs(const char *words)
{
    char command[256];
    snprintf(command, sizeof command, "pgrep -f '%s' >/dev/null", words);
    return system(command) == 0;
}

Test(e2e_tools, nothing_escapes_its_end, .timeout = 120)
{
    start("");
    EXEC("setsid sleep 4711 & disown; (setsid sh -c 'setsid sleep 4712 &' &); sleep 0.5");
    cr_expect(!runs("[s]leep 4711") && !runs("[s]leep 4712"), "who left the session ends with the command");
    int64_t begun = clock_mono_ms();
    cr_expect(strstr(tool("exec", "{\"command\":\"trap '' TERM; while :; do sleep 0.1; done\",\"timeout\":1}"), "timed out"));
    cr_expect_lt(clock_mono_ms() - begun, 20000, "who ignores SIGTERM is killed");
    const char *text = EXEC("bomb() { bomb | bomb & }; bomb; sleep 20");
    cr_expect(strstr(text, "started more than 256 processes"), "%.300s", text);
    text = EXEC("yes");
    cr_expect(strstr(text, "wrote more than 256 MiB"), "%.300s", text);
    cr_expect_str_eq(EXEC("echo fine"), "fine", "and it goes on");
    kit_stop(&K);
}

Test(e2e_tools, long_output_keeps_its_head_and_tail, .timeout = 60)
{
    start("");
    const char *text = EXEC("seq 1 200000");
    cr_expect(strncmp(text, "1\n2\n3\n", 6) == 0 && strstr(text, "bytes left out") && strstr(text, "\n199999\n200000"));
    cr_expect_lt(strlen(text), 210 * 1024);
    kit_stop(&K);
}

Test(e2e_tools, a_client_that_leaves_ends_its_command, .timeout = 60)
{
    struct http_conn *c = NULL;
    (void)c;
    start("");
    fake_control(
        &K.openrouter,
        "{\"next\":[{\"tool_calls\":[{\"id\":\"c\",\"name\":\"exec\",\"arguments\":{\"command\":\"sleep 4713\",\"yieldMs\":600000}}]},"
        "{\"text\":\"done\"}]}");
    char *body = kit_chat_body(NULL, "u", "go", "");
    http_conn_t *conn;
    cr_assert_eq(http_open(K.port, &conn), 0);
    char head[512];
    snprintf(head, sizeof head,
             "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " KIT_TOKEN "\r\nContent-Length: %zu\r\n\r\n",
             strlen(body));
    cr_assert_eq(http_send_bytes(conn, str_of(head), 5000), 0);
    cr_assert_eq(http_send_bytes(conn, str_of(body), 5000), 0);
    free(body);
    int64_t until = clock_mono_ms() + 20000;
    while (!runs("[s]leep 4713") && clock_mono_ms() < until) continue;
    cr_expect(runs("[s]leep 4713"));
    http_close(&conn);
    until = clock_mono_ms() + 20000;
    while (runs("[s]leep 4713") && clock_mono_ms() < until) continue;
    cr_expect(!runs("[s]leep 4713"));
    kit_stop(&K);
}

Test(e2e_tools, a_loop_is_noticed_and_ended, .timeout = 60)
{
    struct http_reply r = { 0 };
    start("loopDetection: { warningThreshold: 3, criticalThreshold: 5, globalCircuitBreakerThreshold: 7 }");
    fake_control(&K.openrouter, "{\"default\":{\"tool_calls\":[{\"id\":\"c\",\"name\":\"agents_list\",\"arguments\":{}}]}}");
    cr_assert_eq(kit_chat(&K, "u", "go", &r), 0);
    char *error = kit_error(&r);
    cr_expect(r.status != 200 && strstr(error, "without getting anywhere"), "%d %s", r.status, error);
    free(error);
    cr_expect_leq(fake_count(&K.openrouter, "requests"), 9);
    cr_expect_gt(kit_sql(&K, "SELECT count(*) FROM messages WHERE instr(json, 'This call gave the same result') > 0"), 0);
    cr_expect_gt(kit_sql(&K, "SELECT count(*) FROM messages WHERE instr(json, 'Refused: this call was made') > 0"), 0);
    http_reply_free(&r);
    kit_stop(&K);
}

Test(e2e_tools, agents_write_to_each_other_as_far_as_they_may, .timeout = 90)
{
    start("agentToAgent: { enabled: true, allow: ['*'] }, sessions: { visibility: 'all' }");
    cr_expect(strstr(tool("sessions_send", "{\"message\":\"x\"}"), "Either sessionKey or label is required"));
    cr_expect(strstr(tool("sessions_send", "{\"message\":\"x\",\"sessionKey\":\"nope\"}"), "No session found: nope"));
    cr_expect(strstr(tool("sessions_send", "{\"message\":\"x\",\"label\":\"nolabel\",\"agentId\":\"other\"}"),
                     "No session found with label: nolabel"));
    fake_control(&K.openrouter,
                 "{\"when\":{\"ping from main\":{\"text\":\"pong from other\"},\"pong from other\":{\"text\":\"REPLY_SKIP\"}},"
                 "\"default\":{\"text\":\"ANNOUNCE_SKIP\"}}");
    struct http_reply r = { 0 };
    fake_control(&K.openrouter,
                 "{\"when\":{\"please send\":{\"tool_calls\":[{\"id\":\"s\",\"name\":\"sessions_send\",\"arguments\":{\"sessionKey\":"
                 "\"agent:other:main\",\"message\":\"ping from main\",\"timeoutSeconds\":20}}]}}}");
    cr_assert_eq(kit_chat(&K, "sender", "please send", &r), 0);
    http_reply_free(&r);
    cr_expect_eq(kit_sql(&K,
                         "SELECT count(*) FROM messages WHERE role = 'toolResult' AND instr(json, 'pong from other') > 0 AND instr(json, "
                         "'\\\"status\\\": \\\"ok\\\"') > 0"),
                 1);
    cr_expect_eq(kit_sql(&K, "SELECT count(*) FROM messages WHERE role = 'user' AND instr(json, 'ping from main') > 0 AND "
                             "json_extract(json, '$.provenance.kind') = 'inter_session' AND "
                             "json_extract(json, '$.provenance.sourceTool') = 'sessions_send' AND "
                             "json_extract(json, '$.provenance.sourceSessionKey') LIKE 'agent:main:%'"),
                 1, "who wrote it is on record");
    cr_expect_eq(kit_sql(&K, "SELECT count(*) FROM messages WHERE instr(json, 'please send') > 0 AND instr(json, 'provenance') > 0"), 0,
                 "a person's has none");
    int64_t until = clock_mono_ms() + 20000;
    while (kit_sql(&K, "SELECT count(*) FROM messages WHERE instr(json, 'Agent-to-agent announce step.') > 0") != 1 &&
           clock_mono_ms() < until)
        continue;
    cr_expect_eq(kit_sql(&K, "SELECT count(*) FROM messages WHERE instr(json, 'Agent-to-agent announce step.') > 0"), 1);
    kit_stop(&K);
    start("");
    cr_expect(strstr(tool("sessions_send", "{\"message\":\"x\",\"sessionKey\":\"agent:other:main\"}"), "tools.sessions.visibility"));
    cr_expect(strstr(tool("session_status", "{}"), "🕒 Time: "));
    cr_expect(strstr(tool("sessions_list", "{}"), "\"count\": 1"));
    cr_expect(strstr(tool("agents_list", "{}"), "\"requester\": \"main\""));
    kit_stop(&K);
}

Test(e2e_tools, notes_are_searched_and_read, .timeout = 60)
{
    start("");
    cr_expect_str_eq(tool("memory_search", "{\"query\":\"x\"}"),
                     "{\n  \"results\": [],\n  \"provider\": \"none\",\n  \"citations\": \"auto\",\n  \"mode\": \"fts-only\"\n}");
    cr_expect(strstr(tool("memory_get", "{\"path\":\"MEMORY.md\"}"), "\"disabled\": true"));
    tool("write", "{\"path\":\"MEMORY.md\",\"content\":\"The cluster runs in the cellar.\\nAda likes tea.\\n\"}");
    tool("write", "{\"path\":\"memory/2026-11-26.md\",\"content\":\"one\\ntwo\\nThe backup of the cluster failed.\\n\"}");
    const char *text = tool("memory_search", "{\"query\":\"backup cluster\"}");
    cr_expect(strstr(text, "\"path\": \"memory/2026-11-26.md\"") && strstr(text, "backup of the cluster failed") && !strstr(text, "cellar"),
              "%s", text);
    text = tool("memory_search", "{\"query\":\"clusters AND nosuchword (\\\"\"}");
    cr_expect(strstr(text, "cellar") && strstr(text, "MEMORY.md#L1-L2"), "%s", text);
    cr_expect(strstr(tool("memory_get", "{\"path\":\"memory/2026-11-26.md\",\"from\":2,\"lines\":1}"), "\"text\": \"two\\n\""));
    cr_expect(strstr(tool("memory_get", "{\"path\":\"memory/../f\"}"), "only MEMORY.md"));
    kit_stop(&K);
}

/* --- git ---------------------------------------------------------------------------------------------------------- */

static const char *git(const char *command)
{
    char args[1024];
    snprintf(args, sizeof args, "{\"command\":\"%s\"}", command);
    return tool("exec", args);
}

Test(e2e_tools, the_git_rules_hold_with_a_real_repository, .timeout = 120)
{
    char command[512];
    const struct kit_options options = { .config_text = "{ agents: { list: [{ id: 'devops-sre', default: true, skills: ['gitops'] }], "
                                                        "defaults: { model: { primary: '" KIT_OPENROUTER_MODEL "' } } } }" };
    kit_start(&K, &options);
    cr_assert(strstr(git("git init -q --bare remote.git && git clone -q remote.git work 2>/dev/null; ls"), "work"));
    /* the first commit on main is somebody else's: made outside, without the agent's rules */
    snprintf(command, sizeof command,
             "cd %s/workspace/work && git -c user.name=p -c user.email=p@x commit -q --allow-empty -m start && git push -q origin "
             "HEAD:main && git "
             "fetch -q",
             K.state);
    cr_assert_eq(system(command), 0);
    const char *text =
        git("cd work && git switch -q -c devops-sre/fix/12-disk && echo x > f && git add f && git commit -q -m 'add f [devops-sre]' && git "
            "push -q origin HEAD && git log -1 --format='%an <%ae>'");
    cr_expect_str_eq(text, "devops-sre[bot] <devops-sre@openclaw.homelab>", "the allowed way: %s", text);
    text = git("cd work && git commit -q --allow-empty -m 'no tag'");
    cr_expect(strstr(text, "ends in ' [devops-sre]'") && strstr(text, "fix: git commit"), "%s", text);
    text = git("cd work && git push -q origin HEAD:main");
    cr_expect(strstr(text, "nobody pushes to main.") && strstr(text, "open a pull request"), "%s", text);
    text = git("cd work && git commit -q --amend --allow-empty -m 'other [devops-sre]' && git push -q --force origin HEAD");
    cr_expect(strstr(text, "a forced push") && strstr(text, "without --force"), "%s", text);
    git("cd work && git reset -q --hard origin/devops-sre/fix/12-disk");
    text = git("cd work && git switch -q -c wip && git commit -q --allow-empty -m 'x [devops-sre]'");
    cr_expect(strstr(text, "belong on a branch named devops-sre/<type>/<issue>-<slug>, not on wip"), "%s", text);
    text = git("cd work && git switch -q devops-sre/fix/12-disk && git tag v1 && git push -q origin v1");
    cr_expect(strstr(text, "only homelab-admin pushes tags"), "%s", text);
    cr_expect(strstr(git("cd work && git commit --no-verify -m x"), "would leave out the git rules"));
    cr_expect(strstr(git("cd work && git -c core.hooksPath=/dev/null commit -m x"), "would leave out the git rules"));
    text = git("cd work && git push origin :devops-sre/fix/12-disk");
    cr_expect(strstr(text, "deleting a remote branch"), "%s", text);
    kit_stop(&K);
}

/* --- the web ------------------------------------------------------------------------------------------------------ */

/* A server of a few paths, in a thread of the test. */
static struct {
    int listener, port;
} W;

static void *serve_web(void *arg)
{
    (void)arg;
    for (int fd; (fd = accept(W.listener, NULL, NULL)) >= 0; close(fd)) {
        char in[4096] = "", out[1024];
        if (read(fd, in, sizeof in - 1) <= 0) continue;
        if (strstr(in, "GET /page "))
            snprintf(out, sizeof out,
                     "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<title>T</title><h1>Hi</h1><p>there");
        else if (strstr(in, "GET /inside "))
            snprintf(out, sizeof out, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/__stats\r\nConnection: close\r\n\r\n",
                     K.openrouter.port);
        else if (strstr(in, "GET /metadata "))
            snprintf(out, sizeof out, "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/\r\nConnection: close\r\n\r\n");
        else if (strstr(in, "GET /file "))
            snprintf(out, sizeof out, "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nConnection: close\r\n\r\n");
        else
            snprintf(out, sizeof out, "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
        if (write(fd, out, strlen(out)) < 0) continue;
    }
    return NULL;
}

static void start_web(pthread_t *thread)
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t size = sizeof a;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    W.listener = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(bind(W.listener, (struct sockaddr *)&a, sizeof a) == 0 && listen(W.listener, 16) == 0);
    getsockname(W.listener, (struct sockaddr *)&a, &size);
    W.port = ntohs(a.sin_port);
    cr_assert_eq(pthread_create(thread, NULL, serve_web, NULL), 0);
}

static const char *fetch(const char *format, int port)
{
    char args[256], url[128];
    snprintf(url, sizeof url, "http://%s:%d%s", strchr(format, '/') ? "127.0.0.1" : format, port, strchr(format, '/') ? format : "/page");
    snprintf(args, sizeof args, "{\"url\":\"%s\"}", url);
    return tool("web_fetch", args);
}

Test(e2e_tools, pages_are_fetched_but_never_from_inside, .timeout = 90)
{
    char tools[128];
    pthread_t thread;
    start_web(&thread);
    snprintf(tools, sizeof tools, "web: { fetch: { allowPrivateHosts: ['127.0.0.1:%d'] } }", W.port);
    start(tools);
    const char *text = fetch("/page", W.port);
    cr_expect(strstr(text, "# Hi\\n\\nthere") && strstr(text, "\"title\": \"T\"") && strstr(text, "EXTERNAL_UNTRUSTED_CONTENT"), "%s",
              text);
    cr_expect(strstr(fetch("/nothing", W.port), "Web fetch failed (404)"));
    static const char *const BLOCKED = "Blocked: private/internal IP address";
    cr_expect(strstr(fetch("/inside", W.port), BLOCKED), "a redirect to another port inside");
    cr_expect(strstr(fetch("/metadata", W.port), BLOCKED), "a redirect to the cloud's metadata");
    text = fetch("/file", W.port);
    cr_expect(!strstr(text, "root:") && strstr(text, "\"error\""), "%s", text);
    static const char *const HOSTS[] = { "127.0.0.1", "localhost",          "0x7f.1", "2130706433", "0177.0.0.1",
                                         "[::1]",     "[::ffff:127.0.0.1]", "0.0.0.0" };
    for (size_t i = 0; i < sizeof HOSTS / sizeof *HOSTS; i++) {
        text = fetch(HOSTS[i], K.openrouter.port);
        cr_expect(strstr(text, BLOCKED), "%s: %s", HOSTS[i], text);
    }
    cr_expect(strstr(tool("web_fetch", "{\"url\":\"file:///etc/passwd\"}"), "must be http or https"));
    cr_expect(strstr(tool("web_fetch", "{\"url\":\"http://user:pw@example.com/\"}"), "credentials"));
    kit_stop(&K);
    shutdown(W.listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(W.listener);
}

Test(e2e_tools, the_configuration_is_read_and_changed_only_when_the_owner_lets_agents, .timeout = 90)
{
    char path[512];
    start("");
    const char *text = tool("gateway", "{\"action\":\"config.get\"}");
    cr_expect(strstr(text, "\"ok\": true") && strstr(text, "\"hash\": \""), "%s", text);
    cr_expect(!strstr(text, KIT_TOKEN));
    cr_expect(strstr(tool("gateway", "{\"action\":\"config.patch\",\"raw\":\"{logging:{level:'warn'}}\"}"), "Set commands.config=true"));
    cr_expect(strstr(tool("gateway", "{\"action\":\"update.run\"}"), "does not update itself"));
    kit_stop(&K);
    start("}, commands: { config: true");
    cr_expect(strstr(tool("gateway", "{\"action\":\"config.patch\",\"raw\":\"{logging:{level:'nosuch'}}\"}"), "\"status\": \"error\""));
    cr_expect(
        strstr(tool("gateway", "{\"action\":\"config.patch\",\"raw\":\"{logging:{level:'warn'}}\",\"baseHash\":\"old\"}"), "changed"));
    text = tool("gateway", "{\"action\":\"config.patch\",\"raw\":\"{logging:{level:'warn'}}\"}");
    cr_expect(strstr(text, "\"ok\": true"), "%s", text);
    snprintf(path, sizeof path, "grep -q warn %s", K.config);
    cr_expect_eq(system(path), 0, "it is in the file");
    kit_stop(&K);
}

Test(e2e_tools, patches_are_for_those_who_want_them, .timeout = 60)
{
    static const char add[] = "{\"input\":\"*** Begin Patch\\n*** Add File: p\\n+x\\n*** End Patch\"}";
    start("");
    cr_expect_str_eq(tool("apply_patch", add), "Tool apply_patch not found");
    kit_stop(&K);
    start("exec: { applyPatch: { enabled: true } }");
    cr_expect_str_eq(tool("apply_patch", add), "Success. Updated the following files:\nA p");
    cr_expect_str_eq(tool("read", "{\"path\":\"p\"}"), "x\n");
    kit_stop(&K);
    start("exec: { applyPatch: { enabled: true, allowModels: ['openai/gpt-5.2'] } }");
    cr_expect_str_eq(tool("apply_patch", add), "Tool apply_patch not found");
    kit_stop(&K);
}
