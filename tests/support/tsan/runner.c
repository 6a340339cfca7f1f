/* Runs the tests that criterion/criterion.h registered: each in a process of its own, one after the other.
 *
 *  program                      every test; exit 0 when all passed, 1 when one failed, 2 when none was found
 *  program --filter PATTERN     tests whose "suite/name" matches the shell pattern
 *  program --list               their names
 *
 * A child is this program again with --only NUMBER: after exec it starts without its parent's TSan state. */
#include <fnmatch.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    CHECK_TIMEOUT_FACTOR = 4, /* TSan slows a test down 5 to 15 times, of which timeouts cover a part already */
    EXIT_FAILED = 101,        /* how a child says it failed, and skipped; tests do not use them as .exit_code */
    EXIT_SKIPPED = 102,
    EXIT_NO_EXEC = 103
};

static struct check_test *first_test;
static struct check_test **last_test = &first_test;
static struct check_suite *first_suite;
static const struct check_test *running; /* in a child: the test */
static atomic_int failures;              /* claims that did not hold in this process */

void check_register_test(struct check_test *test)
{
    *last_test = test;
    last_test = &test->next;
}

void check_register_suite(struct check_suite *suite)
{
    suite->next = first_suite;
    first_suite = suite;
}

static const struct check_attributes *suite_of(const struct check_test *test)
{
    static const struct check_attributes none;
    for (const struct check_suite *s = first_suite; s; s = s->next)
        if (strcmp(s->name, test->suite) == 0) return &s->attributes;
    return &none;
}

/* Finish in reverse order of set-up, also after a failed claim: a .fini stops what the test started. */
static void tear_down(const struct check_test *test)
{
    if (test->attributes.fini) test->attributes.fini();
    if (suite_of(test)->fini) suite_of(test)->fini();
}

static _Noreturn void leave(int code)
{
    const struct check_test *test = running;
    running = NULL; /* a claim that fails in .fini must not come back here */
    if (test) tear_down(test);
    exit(code);
}

void check_failed(bool fatal, const char *file, int line, const char *claim, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "%s:%d: failed: %s%s\n", file, line, claim, text[1] ? text : "");
    atomic_fetch_add(&failures, 1);
    if (fatal) leave(EXIT_FAILED);
}

bool check_text(bool equal, const char *a, const char *b)
{
    bool ok = a && b && (strcmp(a, b) == 0) == equal;
    if (!ok) fprintf(stderr, "  \"%s\"\n  \"%s\"\n", a ? a : "(null)", b ? b : "(null)");
    return ok;
}

void check_skip(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    leave(EXIT_SKIPPED);
}

/* The child's whole life. */
static _Noreturn void run_here(const struct check_test *test)
{
    running = test;
    if (suite_of(test)->init) suite_of(test)->init();
    if (test->attributes.init) test->attributes.init();
    test->run();
    running = NULL;
    tear_down(test);
    exit(atomic_load(&failures) ? EXIT_FAILED : 0);
}

static unsigned timeout_of(const struct check_test *test)
{
    double seconds = test->attributes.timeout > 0 ? test->attributes.timeout : suite_of(test)->timeout;
    return seconds > 0 ? (unsigned)(seconds * CHECK_TIMEOUT_FACTOR + 0.999) : 0;
}

/* Run one test as a child. @return its wait status */
static int run_apart(const char *program, const struct check_test *test, int number)
{
    char text[16];
    int status = 0;
    snprintf(text, sizeof text, "%d", number);
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        exit(2);
    }
    if (child == 0) {
        alarm(timeout_of(test)); /* outlives exec and ends a test that hangs */
        execl("/proc/self/exe", program, "--only", text, (char *)NULL);
        _exit(EXIT_NO_EXEC);
    }
    while (waitpid(child, &status, 0) < 0) continue; /* EINTR is all that can come */
    return status;
}

/* @return true when the test ended the way it should; says how otherwise */
static bool ended_well(const struct check_test *test, int status)
{
    int signal = test->attributes.signal, code = test->attributes.exit_code;
    bool ok = signal ? WIFSIGNALED(status) && WTERMSIG(status) == signal : WIFEXITED(status) && WEXITSTATUS(status) == code;
    if (ok) return true;
    if (WIFSIGNALED(status))
        printf("FAILED %s/%s: ended by signal %d (%s)\n", test->suite, test->name, WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        printf("FAILED %s/%s: exit code %d\n", test->suite, test->name, WEXITSTATUS(status));
    return false;
}

static bool chosen(const struct check_test *test, const char *pattern)
{
    char name[256];
    snprintf(name, sizeof name, "%s/%s", test->suite, test->name);
    return !pattern || fnmatch(pattern, name, 0) == 0;
}

static int run_all(const char *program, const char *pattern)
{
    int passed = 0, failed = 0, skipped = 0, number = 0;
    for (const struct check_test *t = first_test; t; t = t->next, number++) {
        if (!chosen(t, pattern)) continue;
        if (t->attributes.disabled || suite_of(t)->disabled) {
            skipped++;
            continue;
        }
        int status = run_apart(program, t, number);
        if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED)
            skipped++;
        else if (ended_well(t, status))
            passed++;
        else
            failed++;
    }
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    if (failed) return 1;
    return passed + skipped > 0 ? 0 : 2; /* a pattern that matches nothing is a mistake */
}

int main(int argc, char **argv)
{
    const char *pattern = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            int left = atoi(argv[i + 1]);
            for (const struct check_test *t = first_test; t; t = t->next)
                if (left-- == 0) run_here(t);
            return 2;
        }
        if (strcmp(argv[i], "--list") == 0) {
            for (const struct check_test *t = first_test; t; t = t->next) printf("%s/%s\n", t->suite, t->name);
            return 0;
        }
        if (strncmp(argv[i], "--filter=", 9) == 0) {
            pattern = argv[i] + 9;
        } else if (strcmp(argv[i], "--filter") == 0 && i + 1 < argc) {
            pattern = argv[++i];
        } else {
            fprintf(stderr, "usage: %s [--list] [--filter 'suite/name pattern']\n", argv[0]);
            return 2;
        }
    }
    return run_all(argv[0], pattern);
}
