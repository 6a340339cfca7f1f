/* What is noted of a turn as its messages pass the router. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "actors/router_course.h"

static struct course c;

static void start(void)
{
    course_begin(&c, 1000);
}

static void stop(void)
{
    course_free(&c);
}

Test(router_course, times_are_since_acceptance_and_unknown_until_they_happen, .init = start, .fini = stop)
{
    cr_assert(c.stored_ms == -1 && c.granted_ms == -1 && c.prompt_ms == -1 && c.first_ms == -1 && c.finished_ms == -1);
    course_stored(&c, 1002);
    course_granted(&c, 1005, 1, STR("agent:main:main"));
    course_asked(&c, 1010);
    course_try_begun(&c, 1011, "demo/one");
    course_replied(&c, 1100, 1050, 7, 3);
    const struct msg_turn_done done = { .first_delta_ms = 1051, .input_tokens = 8, .output_tokens = 4 };
    course_finished(&c, 1120, &done);
    cr_assert(c.stored_ms == 2 && c.granted_ms == 5 && c.prompt_ms == 10 && c.first_ms == 50 && c.model_done_ms == 100);
    cr_assert(c.finished_ms == 120 && c.depth == 1 && strcmp(c.parent, "agent:main:main") == 0);
    cr_assert(c.input_tokens == 8 && c.output_tokens == 4, "the end knows best");
    cr_assert(c.try_count == 1 && c.tries[0].started_ms == 11 && c.tries[0].first_ms == 50 && c.tries[0].ended_ms == 100);
}

Test(router_course, time_between_a_reply_and_the_next_request_is_the_tools, .init = start, .fini = stop)
{
    course_asked(&c, 1010);
    course_replied(&c, 1100, 0, 5, 5);
    course_asked(&c, 1130);
    course_replied(&c, 1200, 0, 5, 5);
    cr_assert(c.tools_ms == 30 && c.steps == 2 && c.prompt_ms == 10);
    cr_assert(c.first_ms == 100, "a reply whose first piece is not known is its own");
    cr_assert(c.input_tokens == 10 && c.output_tokens == 10);
}

Test(router_course, a_failed_attempt_ends_before_the_next_begins, .init = start, .fini = stop)
{
    course_try_begun(&c, 1010, "demo/one");
    course_try_ended(&c, 1020, FAILURE_rate_limit);
    course_try_ended(&c, 1025, FAILURE_network); /* told twice: the first counts */
    course_try_begun(&c, 1030, "demo/two");
    course_finished(&c, 1040, &(struct msg_turn_done){ .outcome = OUTCOME_ABORTED });
    cr_assert(c.try_count == 2 && c.tries[0].ended_ms == 20 && c.tries[0].failure == FAILURE_rate_limit);
    cr_assert(c.tries[1].ended_ms == 40 && c.tries[1].failure == FAILURE_aborted);
    cr_assert_str_eq(course_last_try(&c)->ref, "demo/two");
}

Test(router_course, attempts_beyond_the_bound_replace_the_last_and_are_counted, .init = start, .fini = stop)
{
    char ref[32];
    for (int i = 1; i <= COURSE_TRIES_MAX + 1; i++) {
        snprintf(ref, sizeof ref, "demo/%d", i);
        course_try_begun(&c, 1000 + i, ref);
        cr_assert(c.tries_replaced == (i > COURSE_TRIES_MAX));
    }
    cr_assert(c.try_count == COURSE_TRIES_MAX);
    cr_assert_str_eq(c.tries[COURSE_TRIES_MAX - 2].ref, "demo/15");
    cr_assert_str_eq(course_last_try(&c)->ref, "demo/17");
}

Test(router_course, keeps_the_last_turns_newest_first)
{
    static struct course_recent recent;
    cr_assert(course_recent_at(&recent, 0) == NULL);
    for (int i = 1; i <= COURSE_RECENT_MAX + 1; i++) {
        struct past_turn *p = course_recent_add(&recent);
        p->turn = i;
        p->run_id = str_dup(STR("run"));
        course_begin(&p->course, 1000);
        course_try_begun(&p->course, 1001, "demo/one");
    }
    cr_assert(course_recent_at(&recent, 0)->turn == COURSE_RECENT_MAX + 1);
    cr_assert(course_recent_at(&recent, COURSE_RECENT_MAX - 1)->turn == 2);
    cr_assert(course_recent_at(&recent, COURSE_RECENT_MAX) == NULL);
    course_recent_free(&recent);
}
