/** criterion/criterion.h -- a stand-in for Criterion in TSan builds, where Criterion itself does not start.
 *
 *  It offers the part of Criterion 2.4 that our tests use, no more: Test and TestSuite with .init, .fini, .timeout,
 *  .disabled, .signal and .exit_code; the assertions below; cr_skip, cr_log_info. Other uses do not compile.
 *  Each test runs in a process of its own (runner.c), so a crash or a hang costs one test and not the rest.
 *  Why: docs/adr/0003-criterion-stand-in.md */
#ifndef TESTS_SUPPORT_TSAN_CRITERION_H
#define TESTS_SUPPORT_TSAN_CRITERION_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Attributes of a test or a suite; what a test leaves out, its suite decides. */
struct check_attributes {
    int unused_; /* so that the macros may write an initialiser when none is given */
    void (*init)(void);
    void (*fini)(void);
    double timeout; /* seconds, CHECK_TIMEOUT_FACTOR times that under the runner; 0: none of its own */
    bool disabled;
    int signal;    /* the test passes when this signal ends it */
    int exit_code; /* the test passes when it exits with this code */
    const char *description;
};

struct check_test {
    const char *suite;
    const char *name;
    void (*run)(void);
    struct check_attributes attributes;
    struct check_test *next; /* in order of definition */
};

struct check_suite {
    const char *name;
    struct check_attributes attributes;
    struct check_suite *next;
};

void check_register_test(struct check_test *test);
void check_register_suite(struct check_suite *suite);

/** Note a failed claim; ends the test when `fatal`. Any thread for !fatal, the test's own for fatal.
 *  @param format  a space, then the test's message, for printf */
void check_failed(bool fatal, const char *file, int line, const char *claim, const char *format, ...) __attribute__((format(printf, 5, 6)));
/** As check_failed() for two texts that should (`equal`) or should not be the same; NULL equals nothing. */
bool check_text(bool equal, const char *a, const char *b);
_Noreturn void check_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define Test(suite_, name_, ...)                                                                                                           \
    static void suite_##_##name_##_run(void);                                                                                              \
    __attribute__((constructor)) static void suite_##_##name_##_register(void)                                                             \
    {                                                                                                                                      \
        static struct check_test test = { #suite_, #name_, suite_##_##name_##_run, { .unused_ = 0, __VA_ARGS__ }, NULL };                  \
        check_register_test(&test);                                                                                                        \
    }                                                                                                                                      \
    static void suite_##_##name_##_run(void)

#define TestSuite(name_, ...)                                                                                                              \
    __attribute__((constructor)) static void name_##_suite_register(void)                                                                  \
    {                                                                                                                                      \
        static struct check_suite suite = { #name_, { .unused_ = 0, __VA_ARGS__ }, NULL };                                                 \
        check_register_suite(&suite);                                                                                                      \
    }                                                                                                                                      \
    struct check_suite /* takes the semicolon */

#define CHECK_(fatal, ok, claim, ...) ((ok) ? (void)0 : check_failed(fatal, __FILE__, __LINE__, claim, " " __VA_ARGS__))
#define CHECK_ARR_(fatal, a, b, size, ...) CHECK_(fatal, memcmp((a), (b), (size)) == 0, #a " has the bytes of " #b, __VA_ARGS__)
#define CHECK_FLOAT_(fatal, a, b, epsilon, ...)                                                                                            \
    CHECK_(fatal, (a) - (b) <= (epsilon) && (b) - (a) <= (epsilon), #a " is within " #epsilon " of " #b, __VA_ARGS__)

#define cr_assert(condition, ...) CHECK_(true, condition, #condition, __VA_ARGS__)
#define cr_assert_not(condition, ...) CHECK_(true, !(condition), "!(" #condition ")", __VA_ARGS__)
#define cr_assert_eq(a, b, ...) CHECK_(true, (a) == (b), #a " == " #b, __VA_ARGS__)
#define cr_assert_neq(a, b, ...) CHECK_(true, (a) != (b), #a " != " #b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...) CHECK_(true, (a) < (b), #a " < " #b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...) CHECK_(true, (a) <= (b), #a " <= " #b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...) CHECK_(true, (a) > (b), #a " > " #b, __VA_ARGS__)
#define cr_assert_geq(a, b, ...) CHECK_(true, (a) >= (b), #a " >= " #b, __VA_ARGS__)
#define cr_assert_null(p, ...) CHECK_(true, (p) == NULL, #p " == NULL", __VA_ARGS__)
#define cr_assert_not_null(p, ...) CHECK_(true, (p) != NULL, #p " != NULL", __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) CHECK_(true, check_text(true, a, b), #a " is the text " #b, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...) CHECK_(true, check_text(false, a, b), #a " is not the text " #b, __VA_ARGS__)
#define cr_assert_float_eq(a, b, epsilon, ...) CHECK_FLOAT_(true, a, b, epsilon, __VA_ARGS__)
#define cr_assert_arr_eq(a, b, size, ...) CHECK_ARR_(true, a, b, size, __VA_ARGS__)
#define cr_assert_fail(...) check_failed(true, __FILE__, __LINE__, "not reached", " " __VA_ARGS__)

#define cr_expect(condition, ...) CHECK_(false, condition, #condition, __VA_ARGS__)
#define cr_expect_not(condition, ...) CHECK_(false, !(condition), "!(" #condition ")", __VA_ARGS__)
#define cr_expect_eq(a, b, ...) CHECK_(false, (a) == (b), #a " == " #b, __VA_ARGS__)
#define cr_expect_neq(a, b, ...) CHECK_(false, (a) != (b), #a " != " #b, __VA_ARGS__)
#define cr_expect_lt(a, b, ...) CHECK_(false, (a) < (b), #a " < " #b, __VA_ARGS__)
#define cr_expect_leq(a, b, ...) CHECK_(false, (a) <= (b), #a " <= " #b, __VA_ARGS__)
#define cr_expect_gt(a, b, ...) CHECK_(false, (a) > (b), #a " > " #b, __VA_ARGS__)
#define cr_expect_geq(a, b, ...) CHECK_(false, (a) >= (b), #a " >= " #b, __VA_ARGS__)
#define cr_expect_null(p, ...) CHECK_(false, (p) == NULL, #p " == NULL", __VA_ARGS__)
#define cr_expect_not_null(p, ...) CHECK_(false, (p) != NULL, #p " != NULL", __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...) CHECK_(false, check_text(true, a, b), #a " is the text " #b, __VA_ARGS__)
#define cr_expect_str_neq(a, b, ...) CHECK_(false, check_text(false, a, b), #a " is not the text " #b, __VA_ARGS__)
#define cr_expect_float_eq(a, b, epsilon, ...) CHECK_FLOAT_(false, a, b, epsilon, __VA_ARGS__)
#define cr_expect_arr_eq(a, b, size, ...) CHECK_ARR_(false, a, b, size, __VA_ARGS__)
#define cr_expect_fail(...) check_failed(false, __FILE__, __LINE__, "not reached", " " __VA_ARGS__)

#define cr_fatal(...) check_failed(true, __FILE__, __LINE__, "fatal", " " __VA_ARGS__)
#define cr_fail(...) check_failed(false, __FILE__, __LINE__, "failure", " " __VA_ARGS__)
#define cr_skip(...) check_skip(" " __VA_ARGS__)
#define cr_skip_test(...) check_skip(" " __VA_ARGS__)
#define cr_log_info(...) ((void)fprintf(stderr, __VA_ARGS__), (void)fputc('\n', stderr))

#endif
