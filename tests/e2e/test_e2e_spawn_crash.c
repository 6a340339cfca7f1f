/* kill -9 at each step of a sub-agent's way: asked for, running, done, told of, being taken by its requester. After the next start the
 * requester has each result once, or reads that its call was interrupted. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>

#include "support/desk.h"

#define SPAWN DESK_SPAWN
#define TOLD "A subagent task \\\\\\\""
#define LONG "\"first_ms\":60000,\"text\":\"never\""

/* What the models say once nothing hangs any more. */
static const char SCRIPT[] =
    "{\"clear\":true,\"when\":{"
    "\"please begin\":{\"tool_calls\":[" SPAWN(
        "a1", "devops-sre", "HOLD", "hold") "]},"
                                            "\"begin both\":{\"tool_calls\":[" SPAWN("a1", "devops-sre", "HOLD", "hold") "," SPAWN(
                                                "a2", "qa-tester", "NEXT",
                                                "next") "]},"
                                                        "\"Task]: HOLD\":{\"text\":\"held\"},\"Task]: NEXT\":{\"text\":\"nexted\"},"
                                                        "\"" TOLD "hold\":{\"text\":\"heard of hold\"},\"" TOLD
                                                        "next\":{\"text\":\"heard of next\"}},"
                                                        "\"default\":{\"text\":\"ok\"}}";

static void script(struct desk *d, const char *further)
{
    cr_assert_eq(fake_control(&d->k.openrouter, "%s", SCRIPT), 200);
    if (further) cr_assert_eq(fake_control(&d->k.openrouter, "{\"when\":{%s}}", further), 200);
}

static void begin(struct desk *d, int at_once, const char *words, const char *further)
{
    desk_open(d, at_once);
    script(d, further);
    desk_say(d, "main", "r1", words);
}

#define STARTED(label) "SELECT count(*) FROM spawns p JOIN turn_starts b ON b.turn = p.turn WHERE p.label = '" label "'"
#define HEARD                                                                                                                              \
    "SELECT count(*) FROM messages m JOIN sessions s ON s.id = m.session WHERE s.key LIKE '%%:main' AND m.role = '%s' AND instr(m.json, "  \
    "'%s') > 0"

static void expect_once(const struct desk *d, const char *label)
{
    char words[128];
    snprintf(words, sizeof words, "A subagent task \\\"%s\\\" just completed successfully", label);
    cr_expect_eq(desk_count(d, HEARD, "user", words), 1, "%s was told %lld times", label, (long long)desk_count(d, HEARD, "user", words));
    snprintf(words, sizeof words, "heard of %s", label);
    cr_expect_eq(desk_count(d, HEARD, "assistant", words), 1, "%s was answered %lld times", label,
                 (long long)desk_count(d, HEARD, "assistant", words));
}

/* Kill it, start it again, and see that everything comes to its end once. */
static void die_and_settle(struct desk *d, int spawns)
{
    desk_kill(d);
    script(d, NULL);
    kit_restart(&d->k);
    desk_connect(d);
    cr_expect(desk_wait(d, spawns, "SELECT count(*) FROM spawns WHERE state = 3"), "not every result was taken");
    cr_expect(desk_wait(d, 0, "SELECT count(*) FROM turn_inputs"), "a turn did not end");
    cr_expect_eq(desk_count(d, "SELECT count(*) FROM spawns"), spawns);
    cr_expect_eq(desk_count(d, "SELECT count(*) FROM turns WHERE run_id LIKE 'announce:v1:%%'"), spawns);
    expect_once(d, "hold");
    if (spawns > 1) expect_once(d, "next");
    desk_close(d);
}

Test(e2e_spawn_crash, accepted_and_not_begun, .timeout = 120)
{
    struct desk d;
    begin(&d, 1, "begin both", "\"Task]: HOLD\":{" LONG "}");
    cr_assert(desk_wait(&d, 2, "SELECT count(*) FROM spawns"));
    cr_assert(desk_wait(&d, 1, STARTED("hold")));
    cr_assert_eq(desk_count(&d, STARTED("next")), 0, "the lane has room for one");
    die_and_settle(&d, 2);
}

Test(e2e_spawn_crash, running, .timeout = 120)
{
    struct desk d;
    begin(&d, 4, "please begin", "\"Task]: HOLD\":{" LONG "}");
    cr_assert(desk_wait(&d, 1, STARTED("hold")));
    cr_assert_eq(fake_wait(&d.k.openrouter, "active", 1, KIT_TURN_MS), 0);
    die_and_settle(&d, 1);
}

/* A gateway that drains lets what runs come to its end, and begins nothing: the result stays with the store. Another session's turn
 * keeps it from ending. */
Test(e2e_spawn_crash, done_and_not_told, .timeout = 120)
{
    struct desk d;
    begin(&d, 4, "please begin", "\"Task]: HOLD\":{\"text\":\"held\",\"first_ms\":1000},\"stay\":{" LONG "}");
    desk_say(&d, "other", "r2", "stay");
    cr_assert(desk_wait(&d, 1, STARTED("hold")));
    cr_assert(desk_wait(&d, 2, "SELECT count(*) FROM messages WHERE role = 'user' AND instr(json, 'Task]: ') = 0"));
    cr_assert_eq(proc_signal(d.k.gateway, SIGTERM), 0);
    cr_assert(desk_wait(&d, 1, "SELECT count(*) FROM spawns WHERE state = 1"));
    die_and_settle(&d, 1);
}

/* The requester is busy: what tells it is durable, and waits. */
Test(e2e_spawn_crash, told_and_not_begun, .timeout = 120)
{
    struct desk d;
    begin(&d, 4, "please begin", "\"Task]: HOLD\":{\"text\":\"held\",\"first_ms\":1000},\"stay\":{" LONG "}");
    cr_assert(desk_heard(&d, ":main", "ok"));
    desk_say(&d, "main", "r2", "stay");
    cr_assert(desk_wait(&d, 1, "SELECT count(*) FROM spawns WHERE state = 2"));
    cr_assert_eq(desk_count(&d, "SELECT count(*) FROM spawns p JOIN turn_starts b ON b.turn = p.announce"), 0);
    die_and_settle(&d, 1);
}

Test(e2e_spawn_crash, being_taken, .timeout = 120)
{
    struct desk d;
    begin(&d, 4, "please begin", "\"" TOLD "hold\":{\"text\":\"heard\",\"first_ms\":60000}");
    cr_assert(desk_wait(&d, 1, "SELECT count(*) FROM spawns p JOIN turn_starts b ON b.turn = p.announce"));
    die_and_settle(&d, 1);
}

/* --- anywhere ----------------------------------------------------------------------------------------------------- */

enum { ROUNDS = 24, STEP_MS = 3 };

#define OF_ROUND "agent:homelab-admin:round%d"

/* Two levels, at each of which something may be cut off. What was never accepted is told as interrupted. */
static void check_round(const struct desk *d, int round)
{
    int64_t spawned = desk_count(d, "SELECT count(*) FROM spawns WHERE parent = '" OF_ROUND "'", round);
    int64_t told = desk_count(d,
                              "SELECT count(*) FROM messages m JOIN sessions s ON s.id = m.session WHERE s.key = '" OF_ROUND "' AND "
                              "m.role = 'user' AND instr(m.json, 'A subagent task') > 0",
                              round);
    int64_t cut = desk_count(d,
                             "SELECT count(*) FROM messages m JOIN sessions s ON s.id = m.session WHERE s.key = '" OF_ROUND "' AND "
                             "m.role = 'assistant' AND instr(m.json, 'it was cut off') > 0",
                             round);
    cr_expect_eq(told, spawned, "round %d: %lld spawned, %lld told", round, (long long)spawned, (long long)told);
    cr_expect(spawned == 1 || (spawned == 0 && cut == 1), "round %d: neither spawned nor told as interrupted", round);
}

static const char TWO_LEVELS[] = "{\"when\":{\"please begin\":{\"first_ms\":4,\"tool_calls\":[" SPAWN(
    "a1", "devops-sre", "UPPER",
    "upper") "]},"
             "\"Task]: UPPER\":{\"first_ms\":4,\"tool_calls\":[" SPAWN(
                 "b1", "qa-tester", "LOWER",
                 "lower") "]},"
                          "\"Task]: LOWER\":{\"first_ms\":4,\"text\":\"low\"},"
                          "\"interrupted: this call\":{\"text\":\"it was cut off\"}},\"default\":{\"first_ms\":4,\"text\":\"ok\"}}";

Test(e2e_spawn_crash, anywhere_on_the_way, .timeout = 300)
{
    struct desk d;
    desk_open(&d, 4);
    cr_assert_eq(fake_control(&d.k.openrouter, "%s", TWO_LEVELS), 200);
    for (int round = 0; round < ROUNDS; round++) {
        char session[32], run[32];
        snprintf(session, sizeof session, "round%d", round);
        snprintf(run, sizeof run, "run%d", round);
        desk_say(&d, session, run, "please begin");
        pause_ms(round * STEP_MS);
        desk_kill(&d);
        kit_restart(&d.k);
        desk_connect(&d);
        cr_assert(desk_wait(&d, 0, "SELECT (SELECT count(*) FROM turn_inputs) + (SELECT count(*) FROM spawns WHERE state < 3)"), "round %d",
                  round);
        check_round(&d, round);
    }
    cr_expect_eq(desk_count(&d, "SELECT count(*) FROM spawns WHERE state <> 3"), 0);
    cr_expect_eq(
        desk_count(&d, "SELECT count(*) FROM spawns p WHERE (SELECT count(*) FROM messages m JOIN sessions s ON s.id = m.session "
                       "JOIN sessions c ON c.key = p.child WHERE s.key = p.parent AND m.role = 'user' AND instr(m.json, c.uuid) > 0) <> 1"),
        0, "a result was told twice or never");
    desk_close(&d);
}
