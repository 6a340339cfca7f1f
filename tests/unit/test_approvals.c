#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "channels/approvals.h"

#define NOW INT64_C(1795354558266)

static approvals_t *table;
static struct buf text;

static void make(void)
{
    cr_assert(approvals_create(&table) == 0);
}

static void end(void)
{
    approvals_destroy(&table);
    buf_free(&text);
}

TestSuite(approvals, .init = make, .fini = end, .timeout = 10);

static int add(const char *id, int64_t now_ms, int64_t timeout_ms, const struct approval **out)
{
    const struct approval *a;
    const struct approval_request r = { .id = str_of(id), .command = STR("ls"), .timeout_ms = timeout_ms };
    return approvals_add(table, &r, now_ms, out ? out : &a);
}

Test(approvals, a_request_is_told_with_null_for_what_it_lacks)
{
    const struct approval *a;
    const struct approval_request r = { .id = STR("ap1"),
                                        .command = STR("ls -la"),
                                        .cwd = STR("/tmp"),
                                        .host = STR("gateway"),
                                        .security = STR("allowlist"),
                                        .ask = STR("always"),
                                        .agent_id = STR("main"),
                                        .session_key = STR("agent:main:main"),
                                        .timeout_ms = 8000 };
    cr_assert(approvals_add(table, &r, NOW, &a) == 0);
    approval_write_requested(a, &text);
    cr_assert_str_eq(buf_cstr(&text),
                     "{\"id\":\"ap1\",\"request\":{\"command\":\"ls -la\",\"cwd\":\"/tmp\",\"host\":\"gateway\",\"security\":\"allowlist\","
                     "\"ask\":\"always\",\"agentId\":\"main\",\"resolvedPath\":null,\"sessionKey\":\"agent:main:main\"},"
                     "\"createdAtMs\":1795354558266,\"expiresAtMs\":1795354566266}");
    buf_clear(&text);
    approval_write_accepted(a, &text);
    cr_assert_str_eq(buf_cstr(&text),
                     "{\"status\":\"accepted\",\"id\":\"ap1\",\"createdAtMs\":1795354558266,\"expiresAtMs\":1795354566266}");
}

Test(approvals, a_decision_is_told_once_and_remembered_for_a_while)
{
    cr_assert(add("ap1", NOW, 8000, NULL) == 0);
    cr_assert(approvals_decide(table, STR("ap1"), APPROVAL_ALLOW_ONCE, NOW + 302) == 0);
    cr_assert(approvals_decide(table, STR("ap1"), APPROVAL_DENY, NOW + 303) == GW_ENOENT, "the first one counts");
    const struct approval *a = approvals_find(table, STR("ap1"), NOW + 302 + APPROVALS_KEPT_MS - 1);
    cr_assert(a && a->settled);
    approval_write_resolved(a, STR("openclaw-control-ui"), NOW + 302, &text);
    cr_assert_str_eq(buf_cstr(&text),
                     "{\"id\":\"ap1\",\"decision\":\"allow-once\",\"resolvedBy\":\"openclaw-control-ui\",\"ts\":1795354558568}");
    buf_clear(&text);
    approval_write_decision(a, &text);
    cr_assert_str_eq(buf_cstr(&text),
                     "{\"id\":\"ap1\",\"decision\":\"allow-once\",\"createdAtMs\":1795354558266,\"expiresAtMs\":1795354566266}");
    cr_assert_null(approvals_find(table, STR("ap1"), NOW + 302 + APPROVALS_KEPT_MS));
}

Test(approvals, time_that_is_over_decides_nothing)
{
    cr_assert(add("ap3", NOW, 900, NULL) == 0);
    cr_assert(!approvals_find(table, STR("ap3"), NOW + 899)->settled);
    const struct approval *a = approvals_find(table, STR("ap3"), NOW + 900);
    cr_assert(a && a->settled && a->decision == APPROVAL_NONE);
    cr_assert(approvals_decide(table, STR("ap3"), APPROVAL_DENY, NOW + 901) == GW_ENOENT, "too late");
    approval_write_decision(a, &text);
    cr_assert_str_eq(buf_cstr(&text), "{\"id\":\"ap3\",\"decision\":null,\"createdAtMs\":1795354558266,\"expiresAtMs\":1795354559166}");
    cr_assert_null(approvals_find(table, STR("ap3"), NOW + 900 + APPROVALS_KEPT_MS));
}

Test(approvals, an_id_is_pending_once_and_free_again_when_forgotten)
{
    cr_assert_eq(add("ap1", NOW, 1000, NULL), 0);
    cr_assert_eq(add("ap1", NOW, 1000, NULL), GW_EEXIST);
    cr_assert(add("ap1", NOW + 1000 + APPROVALS_KEPT_MS, 1000, NULL) == 0);
    cr_assert(approvals_decide(table, STR("zz"), APPROVAL_DENY, NOW) == GW_ENOENT);
}

Test(approvals, without_an_id_or_a_time_it_gets_them)
{
    const struct approval *a, *b;
    cr_assert(add("", NOW, 0, &a) == 0 && strlen(a->id) == 36 && a->expires_ms == NOW + APPROVALS_TIMEOUT_MS);
    cr_assert(add("", NOW, INT64_MAX, &b) == 0 && strcmp(a->id, b->id) != 0 && b->expires_ms == NOW + APPROVALS_TIMEOUT_MAX_MS);
}

Test(approvals, there_is_room_for_so_many_and_not_for_one_more)
{
    char id[16];
    for (int i = 0; i < APPROVALS_MAX; i++) {
        snprintf(id, sizeof id, "a%d", i);
        cr_assert(add(id, NOW, 1000, NULL) == 0);
    }
    cr_assert(add("more", NOW, 1000, NULL) == GW_EFULL);
    cr_assert(add("more", NOW + 1000 + APPROVALS_KEPT_MS, 1000, NULL) == 0, "what is over makes room");
}

Test(approvals, ids_and_texts_have_bounds)
{
    const struct approval *a;
    char *big = malloc(APPROVALS_TEXT_MAX + 1);
    memset(big, 'x', APPROVALS_TEXT_MAX + 1);
    struct approval_request r = { .id = { big, APPROVALS_ID_MAX }, .command = { big, APPROVALS_TEXT_MAX } };
    cr_assert(approvals_add(table, &r, NOW, &a) == 0);
    r.id = STR("b");
    r.command.n++;
    cr_assert(approvals_add(table, &r, NOW, &a) == GW_ELIMIT && !a);
    r.command.n = 1;
    r.id = (struct str){ big, APPROVALS_ID_MAX + 1 };
    cr_assert(approvals_add(table, &r, NOW, &a) == GW_ELIMIT && !a);
    free(big);
}

Test(approvals, there_are_three_decisions)
{
    cr_assert(approval_decision_parse(STR("allow-once")) == APPROVAL_ALLOW_ONCE);
    cr_assert(approval_decision_parse(STR("allow-always")) == APPROVAL_ALLOW_ALWAYS);
    cr_assert(approval_decision_parse(STR("deny")) == APPROVAL_DENY);
    cr_assert(approval_decision_parse(STR("maybe")) == APPROVAL_NONE && approval_decision_parse(STR("")) == APPROVAL_NONE);
}
