/** tests/support/config_fixture.h -- a configuration from a text, and its problems as text. For tests/unit/test_config*.c */
#ifndef TESTS_SUPPORT_CONFIG_FIXTURE_H
#define TESTS_SUPPORT_CONFIG_FIXTURE_H

#include <criterion/criterion.h>

#include "base/config.h"

extern config_t *cfg;
extern struct config_problems problems;

/* A sanitizer or a build without optimisation may take this many times longer. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TEST_SLOWNESS 30
#endif
#endif
#if defined(TEST_SLOWNESS)
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_SLOWNESS 30
#elif !defined(__OPTIMIZE__)
#define TEST_SLOWNESS 4
#else
#define TEST_SLOWNESS 1
#endif

/** Read `text` as `t.json` with the variables of `pairs`; the result is in cfg and problems. @return config_parse()'s */
int try_parse(const char *text, const char *const *pairs);

/** The same, and it must succeed without a problem. */
void parse(const char *text);
void parse_env(const char *text, const char *const *pairs);

/** All problems, a line each; borrowed until the next call. */
const char *problems_text(void);

/** The text gives exactly these problems (errors first). */
void complains(const char *text, const char *expected);

void config_end(void); /* .fini of tests */

#endif
