#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/history.h"
#include "base/err.h"

static struct arena arena;
static struct buf shown;

static void start(void)
{
    arena = (struct arena){ 0 };
    shown = (struct buf){ 0 };
}

static void finish(void)
{
    arena_free(&arena);
    buf_free(&shown);
}

TestSuite(history, .init = start, .fini = finish);

/* A conversation written as words: "u:text" user, "a:text" assistant, "c:id" a call added to the assistant message before
 * it (or a new one), "r:id" its result, "e" an assistant message that failed with nothing, "t:x" thoughts alone. */
static struct history parse(const char *words)
{
    struct history h = { arena_alloc(&arena, 256, sizeof *h.messages), 0 };
    struct str rest = str_of(words);
    while (rest.p) {
        struct str word = str_split(&rest, ' ');
        struct str value = { word.p + 2, word.n > 2 ? word.n - 2 : 0 };
        struct chat_message *last = h.count ? &h.messages[h.count - 1] : NULL;
        if (word.p[0] == 'c' && last && last->role == CHAT_ASSISTANT && last->parts) {
            last->parts[last->part_count++] =
                (struct chat_part){ .kind = CHAT_TOOL_CALL, .text = STR("{}"), .name = STR("exec"), .id = value };
            continue;
        }
        struct chat_message *m = &h.messages[h.count++];
        m->parts = arena_alloc(&arena, 16, sizeof *m->parts);
        m->part_count = 1;
        m->parts[0] = (struct chat_part){ .kind = CHAT_TEXT, .text = value };
        m->role = word.p[0] == 'u' ? CHAT_USER : word.p[0] == 'r' ? CHAT_TOOL_RESULT : CHAT_ASSISTANT;
        if (word.p[0] == 'r') m->tool_call_id = value;
        if (word.p[0] == 'c')
            m->parts[0] = (struct chat_part){ .kind = CHAT_TOOL_CALL, .text = STR("{}"), .name = STR("exec"), .id = value };
        if (word.p[0] == 't') m->parts[0].kind = CHAT_THINKING;
        if (word.p[0] == 'e') *m = (struct chat_message){ .role = CHAT_ASSISTANT, .stop = CHAT_STOP_ERROR, .error = STR("boom") };
    }
    return h;
}

/* The same words back; results as "r:id=text". */
static const char *show(const struct history *h)
{
    buf_clear(&shown);
    for (size_t i = 0; i < h->count; i++) {
        const struct chat_message *m = &h->messages[i];
        for (size_t k = 0; k < m->part_count; k++) {
            const struct chat_part *p = &m->parts[k];
            if (shown.n) buf_char(&shown, ' ');
            if (m->role == CHAT_TOOL_RESULT)
                buf_printf(&shown, "r:%.*s=%.*s", STR_ARG(m->tool_call_id),
                           STR_ARG(str_is(p->text, HISTORY_INTERRUPTED) ? STR("!") : p->text));
            else if (p->kind == CHAT_TOOL_CALL)
                buf_printf(&shown, "c:%.*s", STR_ARG(p->id));
            else
                buf_printf(&shown, "%c:%.*s", m->role == CHAT_USER ? 'u' : p->kind == CHAT_THINKING ? 't' : 'a', STR_ARG(p->text));
        }
    }
    return buf_cstr(&shown);
}

static const char *repaired(const char *words)
{
    struct history in = parse(words), out;
    cr_assert_eq(history_repair(in.messages, in.count, &arena, &out), 0);
    return show(&out);
}

Test(history, leaves_a_sound_history_alone)
{
    cr_assert_str_eq(repaired("u:hi a:yes c:1 c:2 r:1 r:2 a:done u:more"), "u:hi a:yes c:1 c:2 r:1=1 r:2=2 a:done u:more");
    cr_assert_str_eq(repaired("u:a u:b"), "u:a u:b");
    struct history out;
    cr_assert_eq(history_repair(NULL, 0, &arena, &out), 0);
    cr_assert_eq(out.count, 0);
}

Test(history, gives_each_call_its_one_result_right_behind_it)
{
    cr_assert_str_eq(repaired("u:x c:1 u:next"), "u:x c:1 r:1=! u:next");
    cr_assert_str_eq(repaired("u:x c:1 c:2 c:3 r:2"), "u:x c:1 c:2 c:3 r:1=! r:2=2 r:3=!");
    cr_assert_str_eq(repaired("u:x c:1 c:2 r:2 r:1"), "u:x c:1 c:2 r:1=1 r:2=2");
    cr_assert_str_eq(repaired("u:x c:1 u:y a:z r:1"), "u:x c:1 r:1=1 u:y a:z");
}

Test(history, drops_second_results_and_results_without_a_call)
{
    cr_assert_str_eq(repaired("u:x c:1 r:1 r:1 a:y"), "u:x c:1 r:1=1 a:y");
    cr_assert_str_eq(repaired("r:9 u:x c:1 r:8 r:1"), "u:x c:1 r:1=1");
    cr_assert_str_eq(repaired("r:1 u:x c:1"), "u:x c:1 r:1=!"); /* a result before its call is of something else */
}

Test(history, makes_repeated_and_empty_ids_unique_on_both_sides)
{
    cr_assert_str_eq(repaired("u:x c:0 r:0 c:0 r:0"), "u:x c:0 r:0=0 c:call_renamed_1 r:call_renamed_1=0");
    cr_assert_str_eq(repaired("u:x c:0 c:0 r:0 r:0"), "u:x c:0 c:call_renamed_1 r:0=0 r:call_renamed_1=0");
    cr_assert_str_eq(repaired("u:x c: r:"), "u:x c:call_renamed_1 r:call_renamed_1=");
    cr_assert_str_eq(repaired("u:x c: c:call_renamed_1"), "u:x c:call_renamed_2 c:call_renamed_1 r:call_renamed_2=! r:call_renamed_1=!");
}

Test(history, a_late_second_result_does_not_go_to_an_older_call_of_that_id)
{
    cr_assert_str_eq(repaired("u:x c:0 c:0 r:0 u:y c:0 r:0 r:0"),
                     "u:x c:0 c:call_renamed_1 r:0=0 r:call_renamed_1=! u:y c:call_renamed_2 r:call_renamed_2=0");
}

Test(history, drops_what_is_empty_and_keeps_partial_text)
{
    cr_assert_str_eq(repaired("u:x e u:y t:hm u: a: u:z"), "u:x u:y u:z");
    struct history in = parse("u:x a:part"), out;
    in.messages[1].stop = CHAT_STOP_ABORTED;
    in.messages[1].parts[in.messages[1].part_count++] = (struct chat_part){ .kind = CHAT_TEXT };
    in.messages[1].parts[in.messages[1].part_count++] = (struct chat_part){ .kind = CHAT_TOOL_CALL, .id = STR("nameless") };
    cr_assert_eq(history_repair(in.messages, in.count, &arena, &out), 0);
    cr_assert_str_eq(show(&out), "u:x a:part");
    cr_assert(out.messages[1].part_count == 1 && out.messages[1].stop == CHAT_STOP_ABORTED);
    cr_assert_eq(in.messages[1].part_count, 3);
}

Test(history, keeps_signed_parts_that_have_no_text)
{
    struct history in = parse("u:x a:y"), out;
    in.messages[1].parts[1] = (struct chat_part){ .kind = CHAT_TEXT, .signature = STR("proof") };
    in.messages[1].part_count = 2;
    cr_assert_eq(history_repair(in.messages, in.count, &arena, &out), 0);
    cr_assert_eq(out.messages[1].part_count, 2);
}

Test(history, an_interrupted_call_is_an_error_that_names_its_tool)
{
    struct history in = parse("u:x c:1"), out;
    cr_assert_eq(history_repair(in.messages, in.count, &arena, &out), 0);
    cr_assert(out.messages[2].is_error && str_is(out.messages[2].tool_name, "exec"));
    cr_assert(str_is(out.messages[2].parts[0].text, "[openclaw] interrupted: this call did not finish and may have taken effect"));
}

/* What every provider demands of what we send. */
static void expect_sound(const struct history *h)
{
    for (size_t i = 0; i < h->count; i++) {
        const struct chat_message *m = &h->messages[i];
        cr_assert(m->part_count > 0);
        cr_assert(m->role != CHAT_TOOL_RESULT || i > 0);
        if (m->role != CHAT_ASSISTANT) continue;
        size_t at = i + 1;
        for (size_t k = 0; k < m->part_count; k++) {
            if (m->parts[k].kind != CHAT_TOOL_CALL) continue;
            cr_assert(at < h->count && h->messages[at].role == CHAT_TOOL_RESULT);
            cr_assert(str_eq(h->messages[at++].tool_call_id, m->parts[k].id));
            for (size_t j = 0; j < i; j++)
                for (size_t q = 0; q < h->messages[j].part_count; q++)
                    cr_assert(h->messages[j].parts[q].kind != CHAT_TOOL_CALL || !str_eq(h->messages[j].parts[q].id, m->parts[k].id));
        }
        cr_assert(at == h->count || h->messages[at].role != CHAT_TOOL_RESULT);
    }
}

Test(history, any_history_becomes_sound_and_stays_so, .timeout = 60)
{
    static const char *const words[] = { "u:x", "a:y", "c:0", "c:1", "c:2", "c:", "r:0", "r:1", "r:2", "r:", "e", "t:z", "u:", "a:" };
    unsigned seed = 12345;
    for (int round = 0; round < 3000; round++) {
        struct buf text = { 0 };
        for (unsigned i = 0, n = 1 + seed % 13; i < n; i++) {
            seed = seed * 1103515245 + 12345;
            buf_printf(&text, "%s%s", i ? " " : "", words[(seed >> 16) % (sizeof words / sizeof *words)]);
        }
        struct history in = parse(buf_cstr(&text)), once, twice;
        cr_assert_eq(history_repair(in.messages, in.count, &arena, &once), 0);
        expect_sound(&once);
        cr_assert_eq(history_repair(once.messages, once.count, &arena, &twice), 0);
        char *first = strdup(show(&once));
        cr_assert_str_eq(first, show(&twice), "%s", buf_cstr(&text));
        free(first);
        buf_free(&text);
        finish();
        start();
    }
}

Test(history, reports_a_full_arena)
{
    struct history in = parse("u:x c:1 c:2"), out;
    for (size_t max = 16; max < 4000; max += 64) {
        struct arena small = { .max = max };
        int rc = history_repair(in.messages, in.count, &small, &out);
        cr_assert(rc == GW_ELIMIT ? out.count == 0 : out.count == 4);
        arena_free(&small);
    }
}

Test(history, counts_tokens_by_size)
{
    struct chat_part parts[] = { { .kind = CHAT_TEXT, .text = STR("12345") },
                                 { .kind = CHAT_IMAGE, .text = STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), .name = STR("image/png") } };
    struct chat_message m = { .role = CHAT_USER, .parts = parts, .part_count = 2 };
    cr_assert_eq(history_message_tokens(&m), HISTORY_MESSAGE_TOKENS + 2 + HISTORY_IMAGE_TOKENS);
    cr_assert_eq(history_tokens(&m, 1), history_message_tokens(&m));
    cr_assert_eq(history_text_tokens(STR("")), 0);
}

Test(history, the_window_starts_at_a_user_message_and_keeps_the_last_turn)
{
    struct history h = parse("u:aaaa a:bbbb u:cccc c:1 r:1 a:dddd u:eeee a:ffff");
    int64_t all = history_tokens(h.messages, h.count);
    cr_assert_eq(history_window(h.messages, h.count, all), 0);
    cr_assert_eq(history_window(h.messages, h.count, all - 1), 2);
    int64_t second = history_tokens(h.messages + 2, h.count - 2);
    cr_assert_eq(history_window(h.messages, h.count, second), 2);
    cr_assert_eq(history_window(h.messages, h.count, second - 1), 6);
    cr_assert_eq(history_window(h.messages, h.count, 0), 6);
    cr_assert_eq(history_window(NULL, 0, 10), 0);
    h = parse("a:only a:these");
    cr_assert_eq(history_window(h.messages, h.count, 1), 0);
}

Test(history, the_last_turns_are_counted_by_what_users_said)
{
    struct history h = parse("u:aaaa a:bbbb u:cccc c:1 r:1 a:dddd u:eeee a:ffff");
    static const size_t from[] = { 0, 6, 2, 0, 0 };
    for (int64_t turns = 0; turns < 5; turns++)
        cr_expect_eq(history_last_turns(h.messages, h.count, turns), from[turns], "%lld turns", (long long)turns);
    cr_expect_eq(history_last_turns(NULL, 0, 3), 0);
}

Test(history, compaction_keeps_recent_turns_whole)
{
    struct history h = parse("u:aaaa a:bbbb u:cccc c:1 r:1 a:dddd u:eeee a:ffff");
    int64_t last = history_tokens(h.messages + 6, 2);
    cr_assert_eq(history_compaction_split(h.messages, h.count, 1000), 0);
    cr_assert_eq(history_compaction_split(h.messages, h.count, last), 6);
    cr_assert_eq(history_compaction_split(h.messages, h.count, last + 6), 6);
    cr_assert_eq(history_compaction_split(h.messages, h.count, history_tokens(h.messages + 2, 6)), 2);
}

Test(history, compaction_cuts_inside_a_turn_that_is_too_large_alone)
{
    struct history h = parse("u:aaaa c:1 r:1 c:2 r:2 c:3 r:3 c:4 r:4");
    int64_t pair = history_tokens(h.messages + 7, 2);
    size_t at = history_compaction_split(h.messages, h.count, pair);
    cr_assert_eq(at, 7);
    cr_assert(h.messages[at].role == CHAT_ASSISTANT);
    cr_assert_eq(history_compaction_split(h.messages, h.count, pair + 1), 7);
}

Test(history, the_summariser_gets_the_conversation_and_a_format)
{
    struct buf system = { 0 }, user = { 0 };
    struct history h = parse("u:fix c:1 r:1 t:secret-thought a:done");
    cr_assert_eq(history_compaction_prompt(h.messages, h.count, STR("the database"), 100000, &system, &user), 0);
    struct str text = buf_str(&user);
    cr_assert(str_starts(text, STR("<conversation>\n[User]: fix\n\n[Assistant calls exec]: {}\n\n[Result of ]: 1\n\n")));
    cr_assert(str_find(text, STR("[Assistant]: done\n</conversation>")) > 0);
    cr_assert(str_find(text, STR("secret-thought")) < 0);
    static const char *const headings[] = { "## Goal",
                                            "## Constraints & Preferences",
                                            "## Progress",
                                            "## Key Decisions",
                                            "## Next Steps",
                                            "## Critical Context",
                                            "Additional focus: the database" };
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++) cr_assert(str_find(text, str_of(headings[i])) > 0, "%s", headings[i]);
    cr_assert(system.n > 0);
    buf_free(&system);
    buf_free(&user);
}

Test(history, a_long_conversation_is_shown_by_its_ends)
{
    struct buf system = { 0 }, user = { 0 }, large = { 0 };
    for (int i = 0; i < 5000; i++) buf_text(&large, "\xE2\x82\xAC");
    struct chat_part part = { .kind = CHAT_TEXT, .text = buf_str(&large) };
    struct chat_message m = { .role = CHAT_TOOL_RESULT, .parts = &part, .part_count = 1 };
    cr_assert_eq(history_compaction_prompt(&m, 1, STR(""), 100000, &system, &user), 0);
    cr_assert(user.n < HISTORY_EXCERPT_MAX + 1500 && str_utf8_valid(buf_str(&user)));
    buf_clear(&user);
    m.role = CHAT_USER;
    cr_assert_eq(history_compaction_prompt(&m, 1, STR(""), 1000, &system, &user), 0);
    cr_assert(user.n < 2500 && str_utf8_valid(buf_str(&user)) && str_find(buf_str(&user), STR("bytes left out")) > 0);
    buf_free(&system);
    buf_free(&user);
    buf_free(&large);
}

Test(history, names_what_stands_for_the_past)
{
    struct buf b = { 0 };
    history_compaction_text(STR(" notes\n"), &b);
    cr_assert_str_eq(
        buf_cstr(&b),
        "The conversation history before this point was compacted into the following summary:\n\n<summary>\nnotes\n</summary>");
    buf_free(&b);
}
