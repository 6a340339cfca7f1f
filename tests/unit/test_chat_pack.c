#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/err.h"
#include "msgs/chat_pack.h"

static struct chat_part all_parts[] = {
    { .kind = CHAT_TEXT, .text = { "hello", 5 } },
    { .kind = CHAT_THINKING, .text = { "hm", 2 }, .signature = { "sig", 3 } },
    { .kind = CHAT_IMAGE, .text = { "aGk=", 4 }, .name = { "image/png", 9 } },
    { .kind = CHAT_TOOL_CALL, .text = { "{\"a\":1}", 7 }, .name = { "exec", 4 }, .id = { "call_1", 6 }, .signature = { "s", 1 } },
    { .kind = CHAT_TEXT },
};

static const struct chat_message full = {
    .role = CHAT_ASSISTANT,
    .parts = all_parts,
    .part_count = 5,
    .timestamp_ms = 1795353782470,
    .provider = { "openrouter", 10 },
    .model = { "stepfun/step", 12 },
    .stop = CHAT_STOP_TOOL_USE,
    .usage = { 175, 20, 3, 4 },
    .error = { "none really", 11 },
    .provenance = { "{}", 2 },
};

static void expect_same(const struct chat_message *a, const struct chat_message *b)
{
    cr_assert(a->role == b->role && a->part_count == b->part_count && a->timestamp_ms == b->timestamp_ms);
    for (size_t i = 0; i < a->part_count; i++) {
        const struct chat_part *p = &a->parts[i], *q = &b->parts[i];
        cr_assert(p->kind == q->kind && str_eq(p->text, q->text) && str_eq(p->name, q->name));
        cr_assert(str_eq(p->id, q->id) && str_eq(p->signature, q->signature));
    }
    cr_assert(str_eq(a->tool_call_id, b->tool_call_id) && str_eq(a->tool_name, b->tool_name) && a->is_error == b->is_error);
    cr_assert(str_eq(a->provider, b->provider) && str_eq(a->model, b->model) && a->stop == b->stop && str_eq(a->error, b->error));
    cr_assert(str_eq(a->provenance, b->provenance));
    cr_assert(memcmp(&a->usage, &b->usage, sizeof a->usage) == 0);
}

Test(chat_pack, gives_a_message_back_as_it_was)
{
    struct buf b = { 0 };
    struct arena arena = { 0 };
    struct chat_message got;
    cr_assert_eq(chat_pack_message(&b, &full), 0);
    cr_assert_eq(chat_unpack_message(buf_str(&b), &arena, &got), 0);
    expect_same(&full, &got);
    cr_assert(got.parts[0].text.p >= b.p && got.parts[0].text.p < b.p + b.n, "strings borrow from the bytes");
    buf_free(&b);
    arena_free(&arena);
}

Test(chat_pack, gives_a_request_back_as_it_was)
{
    struct chat_part text = { .kind = CHAT_TEXT, .text = STR("out") };
    struct chat_message messages[] = {
        { .role = CHAT_USER, .parts = all_parts, .part_count = 1 },
        full,
        { .role = CHAT_TOOL_RESULT,
          .parts = &text,
          .part_count = 1,
          .tool_call_id = STR("call_1"),
          .tool_name = STR("exec"),
          .is_error = true },
    };
    struct chat_tool tools[] = { { STR("exec"), STR("Runs a command"), STR("{\"type\":\"object\"}") },
                                 { STR("x"), { NULL, 0 }, STR("{}") } };
    struct chat_request r = { STR("You are"), messages, 3, tools, 2, 4096, STR("high") };
    struct chat_request got;
    struct buf b = { 0 };
    struct arena arena = { 0 };
    cr_assert_eq(chat_pack_request(&b, &r), 0);
    cr_assert_eq(chat_unpack_request(buf_str(&b), &arena, &got), 0);
    cr_assert(str_is(got.system, "You are") && got.max_tokens == 4096 && str_is(got.thinking, "high"));
    cr_assert(got.message_count == 3 && got.tool_count == 2);
    for (size_t i = 0; i < 3; i++) expect_same(&messages[i], &got.messages[i]);
    cr_assert(str_is(got.tools[0].description, "Runs a command") && str_is(got.tools[1].parameters, "{}"));
    buf_free(&b);
    arena_free(&arena);
}

Test(chat_pack, an_empty_request_is_a_request)
{
    struct chat_request r = { 0 }, got;
    struct buf b = { 0 };
    struct arena arena = { 0 };
    cr_assert_eq(chat_pack_request(&b, &r), 0);
    cr_assert_eq(chat_unpack_request(buf_str(&b), &arena, &got), 0);
    cr_assert(got.message_count == 0 && got.tool_count == 0);
    buf_free(&b);
    arena_free(&arena);
}

static int read_bytes(const char *bytes, size_t n)
{
    struct arena arena = { 0 };
    struct chat_message got;
    int rc = chat_unpack_message((struct str){ bytes, n }, &arena, &got);
    arena_free(&arena);
    return rc;
}
#define READ(literal) read_bytes((literal), sizeof(literal) - 1)

Test(chat_pack, skips_keys_and_elements_it_does_not_know)
{
    cr_assert_eq(READ("\x83\xa1r\x00\xa3new\x92\x01\x02\xa1"
                      "c\x91\x96\x00\xa1x\xa0\xa0\xa0\x07"),
                 0);
    cr_assert_eq(READ("\x82\xa1r\x00\x05\xc0"), 0);
}

Test(chat_pack, refuses_wrong_kinds_and_unknown_values)
{
    cr_assert_eq(READ("\x80"), GW_EBADMSG);           /* no role */
    cr_assert_eq(READ("\x81\xa1r\x03"), GW_EBADMSG);  /* no such role */
    cr_assert_eq(READ("\x81\xa1r\xa1x"), GW_EBADMSG); /* a role that is text */
    cr_assert_eq(READ("\x90"), GW_EBADMSG);           /* not a map */
    cr_assert_eq(READ("\x82\xa1r\x00\xa1"
                      "c\x01"),
                 GW_EBADMSG);
    cr_assert_eq(READ("\x82\xa1r\x00\xa1"
                      "c\x91\x90"),
                 GW_EBADMSG); /* a part without a kind */
    cr_assert_eq(READ("\x82\xa1r\x00\xa1"
                      "c\x91\x91\x04"),
                 GW_EBADMSG); /* no such kind */
    cr_assert_eq(READ("\x82\xa1r\x00\xa1"
                      "c\x91\x92\x00\x01"),
                 GW_EBADMSG);
    cr_assert_eq(READ("\x82\xa1r\x00\xa1s\x07"), GW_EBADMSG);
    cr_assert_eq(READ("\x82\xa1r\x00\xa1t\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), GW_EBADMSG);
    cr_assert_eq(READ("\x82\xa1r\x00\xa1"
                      "c\xdd\xff\xff\xff\xff"),
                 GW_EBADMSG);
}

Test(chat_pack, takes_as_many_parts_as_allowed_and_not_one_more)
{
    struct chat_part *parts = calloc(CHAT_PACK_PARTS_MAX + 1, sizeof *parts);
    struct chat_message m = { .role = CHAT_USER, .parts = parts, .part_count = CHAT_PACK_PARTS_MAX }, got;
    struct buf b = { 0 };
    struct arena arena = { 0 };
    cr_assert_eq(chat_pack_message(&b, &m), 0);
    cr_assert_eq(chat_unpack_message(buf_str(&b), &arena, &got), 0);
    cr_assert_eq(got.part_count, CHAT_PACK_PARTS_MAX);
    m.part_count++;
    cr_assert_eq(chat_pack_message(&b, &m), GW_ELIMIT);
    buf_clear(&b);
    buf_add(&b, STR("\x82\xa1r\x00\xa1"
                    "c\xdc\x10\x01")); /* 4097 parts */
    for (int i = 0; i < CHAT_PACK_PARTS_MAX + 1; i++) buf_add(&b, STR("\x91\x00"));
    cr_assert_eq(chat_unpack_message(buf_str(&b), &arena, &got), GW_ELIMIT);
    cr_assert_null(got.parts);
    free(parts);
    buf_free(&b);
    arena_free(&arena);
}

Test(chat_pack, keeps_to_the_bounds_of_arena_and_buffer)
{
    struct buf b = { 0 }, small = { .max = 8 };
    struct arena arena = { .max = 32 };
    struct chat_message got;
    cr_assert_eq(chat_pack_message(&b, &full), 0);
    cr_assert_eq(chat_unpack_message(buf_str(&b), &arena, &got), GW_ELIMIT);
    cr_assert(got.parts == NULL && got.part_count == 0);
    cr_assert_eq(chat_pack_message(&small, &full), GW_ELIMIT);
    buf_free(&b);
    buf_free(&small);
    arena_free(&arena);
}
