/* Tests whose outcome selftest.sh knows: they prove that the stand-in fails what must fail. Not part of the suite. */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <criterion/criterion.h>

static int made;

static void make(void)
{
    made++;
}

static void unmake(void)
{
    fprintf(stderr, "torn down\n");
}

TestSuite(good, .init = make);

Test(good, holds, .init = make, .fini = unmake)
{
    cr_assert(made == 2, "suite and test set up, %d", made);
    cr_assert_eq(1 + 1, 2);
    cr_assert_neq(1, 2);
    cr_assert_str_eq("a", "a");
    cr_assert_str_neq("a", "b");
    cr_assert_null(NULL);
    cr_assert_not_null(&made);
    cr_assert_float_eq(1.0, 1.05, 0.1);
    cr_assert_arr_eq("abc", "abd", 2);
    cr_expect(true);
    cr_log_info("seen %d", 1);
}

Test(good, exits, .exit_code = 3)
{
    exit(3);
}

Test(good, aborts, .signal = SIGABRT)
{
    abort();
}

Test(good, skips)
{
    cr_skip("no reason");
}

Test(good, disabled, .disabled = true)
{
    cr_assert(false);
}

Test(bad, assertion, .fini = unmake)
{
    cr_assert(1 == 2, "one is %d", 1);
    fprintf(stderr, "went on\n");
}

Test(bad, expectation)
{
    cr_expect(false);
    fprintf(stderr, "went on\n");
}

Test(bad, text)
{
    cr_assert_str_eq("a", NULL);
}

Test(bad, crash)
{
    raise(SIGKILL);
}

Test(bad, no_crash, .signal = SIGABRT)
{
    cr_assert(true);
}

Test(bad, hang, .timeout = 0.25)
{
    for (;;) pause();
}

static void *write_made(void *arg)
{
    (void)arg;
    made = 7;
    return NULL;
}

/* Seen by TSan only; other builds let it pass. */
Test(race, unlocked)
{
    pthread_t thread;
    cr_assert(pthread_create(&thread, NULL, write_made, NULL) == 0);
    made = 8;
    pthread_join(thread, NULL);
}
