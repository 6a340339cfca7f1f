/* What is said around a sub-agent: its first message, its system prompt, and what its requester is told. */
#include <criterion/criterion.h>

#include "actors/announce.h"
#include "store/turns.h"

static struct spawn_row row_of(enum turn_state state)
{
    return (struct spawn_row){ .label = STR("lab1"),
                               .task = STR("find out"),
                               .uuid = STR("1ec108db"),
                               .turn_state = state,
                               .started_ms = 1000,
                               .ended_ms = 8000,
                               .input_tokens = 140,
                               .output_tokens = 20 };
}

/* What the requester reads, without the instruction at its end. */
static void expect_told(const struct spawn_row *row, const char *findings, const char *text)
{
    struct buf out = { 0 };
    announce_write(row, str_of(findings), &out);
    cr_assert(str_starts(buf_str(&out), str_of(text)), "%s", buf_cstr(&out));
    cr_expect(str_starts((struct str){ out.p + strlen(text), out.n - strlen(text) }, STR("\n\n")), "%s", buf_cstr(&out));
    buf_free(&out);
}

#define HEAD "[System Message] [sessionId: 1ec108db] A subagent task \"lab1\" just "
#define STATS "\n\nStats: runtime 7s • tokens 160 (in 140 / out 20)"

Test(announce, a_child_that_is_done_is_told_of_as_the_reference_has_it)
{
    struct spawn_row row = row_of(TURN_DONE);
    expect_told(&row, "  it is there\n", HEAD "completed successfully.\n\nResult:\nit is there" STATS);
    row.label = (struct str){ 0 };
    expect_told(&row, "x", "[System Message] [sessionId: 1ec108db] A subagent task \"find out\" just completed successfully.");
}

Test(announce, failures_say_what_happened_and_no_output_is_said_to_be_none)
{
    struct spawn_row row = row_of(TURN_FAILED);
    row.error = STR("HTTP 400: mock error 400");
    expect_told(&row, "", HEAD "failed: HTTP 400: mock error 400.\n\nResult:\n(no output)" STATS);
    row.reason = STR("timeout");
    expect_told(&row, "a b", HEAD "timed out.\n\nResult:\na b" STATS);
    row = row_of(TURN_ABORTED);
    expect_told(&row, "", HEAD "was killed.\n\nResult:\n(no output)" STATS);
    row = row_of(TURN_DROPPED);
    expect_told(&row, "", HEAD "finished with unknown status.\n\nResult:\n(no output)" STATS);
}

Test(announce, tokens_and_times_are_short)
{
    struct spawn_row row = row_of(TURN_DONE);
    row.input_tokens = 1234567;
    row.output_tokens = 1200;
    row.total_tokens = 1300000;
    row.ended_ms = 1000 + (2 * 60 + 5) * 1000;
    expect_told(&row, "x",
                HEAD "completed successfully.\n\nResult:\nx\n\nStats: runtime 2m5s • tokens 1.2m (in 1.2m / out 1.2k) • "
                     "prompt/cache 1.3m");
    row = row_of(TURN_DONE);
    row.started_ms = 0;
    expect_told(&row, "x", HEAD "completed successfully.\n\nResult:\nx\n\nStats: runtime n/a • tokens 160 (in 140 / out 20)");
    struct buf text = { 0 };
    announce_write_runtime((3 * 3600 + 4 * 60) * INT64_C(1000), &text);
    cr_expect_str_eq(buf_cstr(&text), "3h4m");
    buf_free(&text);
}

Test(announce, a_requester_that_is_a_subagent_is_asked_for_something_else)
{
    struct buf user = { 0 }, above = { 0 };
    struct spawn_row row = row_of(TURN_DONE);
    announce_write(&row, STR("x"), &user);
    row.parent_depth = 1;
    announce_write(&row, STR("x"), &above);
    cr_expect(str_find(buf_str(&user), STR("Tell the user")) > 0 && str_find(buf_str(&above), STR("Tell the user")) < 0);
    cr_expect(str_find(buf_str(&above), STR("You are a subagent yourself")) > 0);
    buf_free(&user);
    buf_free(&above);
}

Test(announce, only_the_whole_answer_asks_for_silence)
{
    cr_expect(announce_is_silent(STR(" NO_REPLY\n")) && announce_is_silent(STR("ANNOUNCE_SKIP")));
    cr_expect(!announce_is_silent(STR("NO_REPLY, but this")) && !announce_is_silent(STR("")) && !announce_is_silent(STR("no_reply")));
}

Test(announce, a_child_reads_its_task_and_whether_it_may_start_others)
{
    struct buf text = { 0 };
    struct announce_child child = {
        .task = STR("look"), .key = STR("agent:a:subagent:1"), .requester = STR("agent:a:main"), .depth = 1, .depth_max = 2
    };
    announce_write_task(&child, &text);
    cr_expect_str_eq(buf_cstr(&text), "[Subagent Context] You are running as a subagent (depth 1/2). Results auto-announce to your "
                                      "requester; do not busy-poll for status.\n\n[Subagent Task]: look");
    buf_clear(&text);
    announce_write_system(&child, &text);
    cr_expect(str_starts(buf_str(&text), STR("# Subagent Context\n")) && str_find(buf_str(&text), STR("sessions_spawn")) > 0);
    cr_expect(str_find(buf_str(&text), STR("- Your session: agent:a:subagent:1")) > 0 && str_find(buf_str(&text), STR("Label")) < 0);
    child.depth = 2;
    child.label = STR("scout");
    buf_clear(&text);
    announce_write_system(&child, &text);
    cr_expect(str_find(buf_str(&text), STR("You are a leaf")) > 0 && str_find(buf_str(&text), STR("- Label: scout\n")) > 0);
    buf_free(&text);
}
