/* The traces actor beside a collector of the test's own: what is sent when, and each of its bounds. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/traces.h"
#include "base/clock.h"
#include "support/config_fixture.h"
#include "tests/support/rig.h"

/* Takes one request a connection; what it got stays until the end of the test. */
static struct {
    pthread_t thread;
    pthread_mutex_t lock;
    int fd, port, status, requests;
    bool held; /* requests are read and not answered */
    struct buf heads, bodies;
} collector = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool is_held(void)
{
    pthread_mutex_lock(&collector.lock);
    bool held = collector.held;
    pthread_mutex_unlock(&collector.lock);
    return held;
}

static void serve_one(int fd)
{
    struct buf in = { 0 };
    char piece[65536], answer[96];
    ptrdiff_t end = -1;
    size_t whole = SIZE_MAX;
    while (in.n < whole) {
        ssize_t n = read(fd, piece, sizeof piece);
        if (n <= 0) break;
        buf_add(&in, (struct str){ piece, (size_t)n });
        if (end >= 0 || (end = str_find(buf_str(&in), STR("\r\n\r\n"))) < 0) continue;
        ptrdiff_t at = str_find(buf_str(&in), STR("Content-Length: "));
        cr_assert(at >= 0);
        whole = (size_t)end + 4 + strtoul(in.p + at + 16, NULL, 10);
    }
    if (in.n == whole) {
        pthread_mutex_lock(&collector.lock);
        buf_add(&collector.heads, (struct str){ in.p, (size_t)end + 4 });
        buf_add(&collector.bodies, (struct str){ in.p + end + 4, in.n - (size_t)end - 4 });
        collector.requests++;
        int status = collector.status;
        pthread_mutex_unlock(&collector.lock);
        while (is_held()) usleep(2000);
        int n = snprintf(answer, sizeof answer, "HTTP/1.1 %d Told\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);
        (void)!write(fd, answer, (size_t)n);
    }
    buf_free(&in);
    close(fd);
}

static void *collect(void *arg)
{
    int fd;
    (void)arg;
    while ((fd = accept(collector.fd, NULL, NULL)) >= 0) serve_one(fd);
    return NULL;
}

static void start_collector(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof a;
    collector.status = 200;
    collector.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(bind(collector.fd, (struct sockaddr *)&a, n) == 0 && listen(collector.fd, 16) == 0);
    cr_assert(getsockname(collector.fd, (struct sockaddr *)&a, &n) == 0);
    collector.port = ntohs(a.sin_port);
    cr_assert(pthread_create(&collector.thread, NULL, collect, NULL) == 0);
}

static void set_collector(int status, bool held)
{
    pthread_mutex_lock(&collector.lock);
    collector.status = status;
    collector.held = held;
    pthread_mutex_unlock(&collector.lock);
}

static int requests(void)
{
    pthread_mutex_lock(&collector.lock);
    int n = collector.requests;
    pthread_mutex_unlock(&collector.lock);
    return n;
}

static void await_requests(int n)
{
    int64_t until_ms = clock_mono_ms() + 10000;
    while (requests() < n && clock_mono_ms() < until_ms) usleep(2000);
    cr_assert(requests() == n, "%d requests came, not %d", requests(), n);
}

/* Nothing more comes for so long. */
static void stays_at(int n, int ms)
{
    usleep((useconds_t)ms * 1000);
    cr_assert(requests() == n, "%d requests came, not %d", requests(), n);
}

/* @param which  the nth span ever received, from 0; NULL: only count  @return how many there are */
static int spans(int which, char trace[33])
{
    int n = 0;
    pthread_mutex_lock(&collector.lock);
    struct str rest = buf_str(&collector.bodies);
    for (ptrdiff_t at; (at = str_find(rest, STR("\"traceId\":\""))) >= 0; n++) {
        rest = (struct str){ rest.p + at + 11, rest.n - (size_t)at - 11 };
        if (n == which) str_copy(trace, 33, (struct str){ rest.p, 32 });
    }
    pthread_mutex_unlock(&collector.lock);
    return n;
}

static bool heads_have(const char *text)
{
    pthread_mutex_lock(&collector.lock);
    bool found = str_find(buf_str(&collector.heads), str_of(text)) >= 0;
    pthread_mutex_unlock(&collector.lock);
    return found;
}

static rig_t *start_with(const char *otel, const char *const *env)
{
    char text[512];
    static const char *const none[] = { NULL };
    snprintf(text, sizeof text, "{diagnostics:{otel:{enabled:true,%s}}}", otel);
    parse(text);
    struct traces_options *options = calloc(1, sizeof *options);
    options->config = config_ref(cfg);
    options->env = env_list(env ? env : none);
    rig_t *rig = rig_start();
    rig_spawn(rig, TRACES_NAME, traces_actor, options);
    return rig;
}

static rig_t *start(int interval_ms)
{
    char otel[128];
    start_collector();
    snprintf(otel, sizeof otel, "endpoint:'http://127.0.0.1:%d',flushIntervalMs:%d", collector.port, interval_ms);
    return start_with(otel, NULL);
}

static void end(rig_t *rig) /* NULL: it has ended */
{
    if (rig) rig_stop(&rig);
    shutdown(collector.fd, SHUT_RDWR);
    pthread_join(collector.thread, NULL);
    close(collector.fd);
    buf_free(&collector.heads);
    buf_free(&collector.bodies);
    config_end();
}

static void say(rig_t *rig, int64_t turn, uint64_t trace)
{
    struct msg m = { .kind = MSG_trace_span, .trace = trace };
    m.trace_span = (struct msg_trace_span){ .turn = turn, .name = STR("openclaw.tool"), .begin_ms = 1, .end_ms = 2 };
    cr_assert(mailbox_send(rig_mailbox(rig), TRACES_NAME, &m) == 0);
    if (turn % 256 == 0) usleep(20000); /* a flood is lost in the bus, which is not what these tests are about */
}

static void say_many(rig_t *rig, int64_t from, int n)
{
    for (int64_t turn = from; turn < from + n; turn++) say(rig, turn, (uint64_t)turn);
}

Test(traces, a_batch_does_not_wait_for_the_interval_one_span_less_does, .timeout = 30)
{
    rig_t *rig = start(600000);
    say_many(rig, 1, TRACES_BATCH - 1);
    stays_at(0, 200);
    say(rig, TRACES_BATCH, 1);
    await_requests(1);
    cr_assert(spans(-1, NULL) == TRACES_BATCH);
    end(rig);
}

Test(traces, spans_are_posted_three_times_and_then_given_up, .timeout = 30)
{
    rig_t *rig = start(100);
    set_collector(503, false);
    say(rig, 1, 1);
    await_requests(TRACES_TRIES_MAX);
    stays_at(TRACES_TRIES_MAX, 400);
    set_collector(200, false);
    say(rig, 2, 2);
    await_requests(TRACES_TRIES_MAX + 1);
    cr_assert(spans(-1, NULL) == TRACES_TRIES_MAX + 1, "those that were given up are not in the next post");
    end(rig);
}

Test(traces, what_a_collector_calls_wrong_is_not_sent_again, .timeout = 30)
{
    rig_t *rig = start(100);
    set_collector(400, false);
    say(rig, 1, 1);
    await_requests(1);
    stays_at(1, 400);
    end(rig);
}

Test(traces, while_a_post_lasts_so_many_wait_and_no_more, .timeout = 60)
{
    rig_t *rig = start(100);
    set_collector(200, true);
    say_many(rig, 1, TRACES_BATCH);
    await_requests(1);
    int first = spans(-1, NULL); /* all of them, or those of the first interval */
    say_many(rig, TRACES_BATCH + 1, TRACES_SPANS_MAX - (TRACES_BATCH - first) + 1);
    usleep(200000);
    set_collector(200, false);
    await_requests(2);
    stays_at(2, 300);
    cr_assert(spans(-1, NULL) == first + TRACES_SPANS_MAX, "%d", spans(-1, NULL) - first);
    end(rig);
}

Test(traces, the_trace_of_so_many_turns_is_remembered_and_of_one_more_forgotten, .timeout = 30)
{
    char first[33], known[33], forgotten[33];
    rig_t *rig = start(100);
    say_many(rig, 1, TRACES_TURNS_MAX);
    say(rig, 1, 0);
    say(rig, TRACES_TURNS_MAX + 1, 5);
    say(rig, 1, 0);
    int64_t until_ms = clock_mono_ms() + 10000;
    while (spans(-1, NULL) < TRACES_TURNS_MAX + 3 && clock_mono_ms() < until_ms) usleep(5000);
    cr_assert(spans(0, first) == TRACES_TURNS_MAX + 3);
    spans(TRACES_TURNS_MAX, known);
    spans(TRACES_TURNS_MAX + 2, forgotten);
    cr_assert_str_eq(first, known);
    cr_assert_str_neq(first, forgotten);
    end(rig);
}

Test(traces, an_endpoint_of_the_environment_and_headers_one_line_each, .timeout = 30)
{
    char base[64];
    start_collector();
    snprintf(base, sizeof base, "http://127.0.0.1:%d/tenant/", collector.port);
    const char *const env[] = { "OTEL_EXPORTER_OTLP_ENDPOINT", base, NULL };
    rig_t *rig = start_with("flushIntervalMs:100,headers:{'x-key':'k','x-two':'a\\r\\nx-evil: 1'}", env);
    say(rig, 1, 1);
    await_requests(1);
    cr_assert(heads_have("POST /tenant/v1/traces HTTP/1.1\r\n") && heads_have("\r\nx-key: k\r\n"));
    cr_assert(!heads_have("x-evil") && !heads_have("x-two"));
    end(rig);
}

Test(traces, an_endpoint_with_a_path_of_the_protocol_stays_as_it_is, .timeout = 30)
{
    char otel[128];
    start_collector();
    snprintf(otel, sizeof otel, "flushIntervalMs:100,endpoint:'http://127.0.0.1:%d/otlp/v1/mine'", collector.port);
    rig_t *rig = start_with(otel, NULL);
    say(rig, 1, 1);
    await_requests(1);
    cr_assert(heads_have("POST /otlp/v1/mine HTTP/1.1\r\n"));
    end(rig);
}

Test(traces, a_collector_that_does_not_answer_does_not_keep_the_gateway_from_ending, .timeout = 30)
{
    rig_t *rig = start(100);
    set_collector(200, true);
    say(rig, 1, 1);
    await_requests(1);
    int64_t began_ms = clock_mono_ms();
    rig_stop(&rig);
    cr_assert(clock_mono_ms() - began_ms < TRACES_POST_MS, "its own time limit is shorter than that of a post");
    set_collector(200, false);
    end(NULL);
}

Test(traces, only_who_asks_for_them_gets_traces, .fini = config_end)
{
    parse("{}");
    cr_assert(!traces_wanted(cfg));
    parse("{diagnostics:{otel:{endpoint:'http://127.0.0.1:1'}}}");
    cr_assert(!traces_wanted(cfg));
    parse("{diagnostics:{otel:{enabled:true}}}");
    cr_assert(traces_wanted(cfg));
    parse("{diagnostics:{otel:{enabled:true,traces:false}}}");
    cr_assert(!traces_wanted(cfg));
    parse("{diagnostics:{otel:{enabled:true,protocol:'grpc'}}}");
    cr_assert(!traces_wanted(cfg));
}
