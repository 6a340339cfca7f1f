#include <criterion/criterion.h>

#include "base/base64.h"
#include "base/err.h"
#include "channels/chat_attachments.h"
#include "channels/chat_events.h"

static const struct chat_run RUN = { { "r1", 2 }, { "agent:main:main", 15 }, 2, 1795353024005 };

static void expect(struct buf *out, const char *text)
{
    cr_expect_str_eq(buf_cstr(out), text);
    buf_free(out);
}

Test(chat_events, a_delta_holds_the_whole_text_so_far)
{
    struct buf out = { 0 };
    chat_event_write(&out, &RUN, "delta", STR("Hello"), NULL);
    expect(&out, "{\"runId\":\"r1\",\"sessionKey\":\"agent:main:main\",\"seq\":2,\"state\":\"delta\",\"message\":{\"role\":\"assistant\","
                 "\"content\":[{\"type\":\"text\",\"text\":\"Hello\"}],\"timestamp\":1795353024005}}");
}

Test(chat_events, an_end_without_text_has_no_message)
{
    struct buf out = { 0 };
    chat_event_write(&out, &RUN, "aborted", (struct str){ 0 }, "rpc");
    expect(&out, "{\"runId\":\"r1\",\"sessionKey\":\"agent:main:main\",\"seq\":2,\"state\":\"aborted\",\"stopReason\":\"rpc\"}");
}

Test(chat_events, the_agent_stream_has_text_and_delta)
{
    struct buf out = { 0 };
    agent_event_write_text(&out, &RUN, STR("Hello from"), STR(" from"));
    expect(&out, "{\"runId\":\"r1\",\"stream\":\"assistant\",\"data\":{\"text\":\"Hello from\",\"delta\":\" from\"},"
                 "\"sessionKey\":\"agent:main:main\",\"seq\":2,\"ts\":1795353024005}");
}

Test(chat_events, knows_the_words_that_stop_a_run)
{
    cr_expect(chat_text_stops(STR("/stop")));
    cr_expect(chat_text_stops(STR("  STOP\n")));
    cr_expect(chat_text_stops(STR("interrupt")));
    cr_expect_not(chat_text_stops(STR("stop it")));
    cr_expect_not(chat_text_stops(STR("")));
}

Test(chat_events, a_trigger_alone_or_before_a_message_resets)
{
    struct str rest = STR("?");
    cr_expect(chat_text_resets(STR(" /NEW \n"), STR("/new"), &rest));
    cr_expect_eq(rest.n, 0);
    cr_expect(chat_text_resets(STR("/new\tgood  morning "), STR("/new"), &rest));
    cr_expect(str_is(rest, "good  morning"));
    cr_expect_not(chat_text_resets(STR("/news of today"), STR("/new"), &rest));
    cr_expect_not(chat_text_resets(STR("a /new one"), STR("/new"), &rest));
    cr_expect_not(chat_text_resets(STR("anything"), STR(""), &rest));
}

Test(chat_events, takes_control_characters_out_and_refuses_nul)
{
    struct buf out = { 0 };
    cr_expect_eq(chat_text_clean(STR("a\x01"
                                     "b\tc\r\nd\x7f"),
                                 &out),
                 0);
    expect(&out, "ab\tc\r\nd");
    cr_expect_eq(chat_text_clean((struct str){ "a\0b", 3 }, &out), GW_EINVAL);
    buf_free(&out);
}

Test(chat_events, a_silent_reply_is_known_in_white_space)
{
    cr_expect(chat_text_silent(STR(" NO_REPLY\n")));
    cr_expect_not(chat_text_silent(STR("NO_REPLY.")));
    cr_expect(str_is(chat_text_shown(STR(" a b \n\n")), " a b"));
}

Test(base64, tells_good_from_bad)
{
    cr_expect(base64_valid(STR("AAAA")));
    cr_expect(base64_valid(STR("AA==")));
    cr_expect(base64_valid(STR("AAA")));
    cr_expect_not(base64_valid(STR("A")));
    cr_expect_not(base64_valid(STR("")));
    cr_expect_not(base64_valid(STR("!!notb64")));
    cr_expect_not(base64_valid(STR("AA-_")));
    cr_expect_eq(base64_size(STR("AAAA")), 3);
    cr_expect_eq(base64_size(STR("AA==")), 1);
}

static int read_attachments(const char *json, size_t *count, struct buf *why, struct chat_part *parts)
{
    json_t *list = json_loads(json, 0, NULL);
    int rc = chat_attachments_read(list, parts, count, why);
    for (size_t i = 0; rc == 0 && i < *count; i++) cr_expect_eq(parts[i].kind, CHAT_IMAGE);
    json_decref(list);
    return rc;
}

Test(chat_attachments, takes_images_and_passes_over_the_rest)
{
    struct chat_part parts[CHAT_ATTACHMENTS_MAX];
    struct buf why = { 0 };
    size_t n;
    cr_expect_eq(read_attachments("[{\"type\":\"image\",\"mimeType\":\"image/png\",\"content\":\"AAAA\"},"
                                  "{\"type\":\"file\",\"mimeType\":\"text/plain\",\"content\":\"AAAA\"},"
                                  "{\"content\":\"data:image/gif;base64,AAAA\"}]",
                                  &n, &why, parts),
                 0);
    cr_expect_eq(n, 2);
    buf_free(&why);
}

Test(chat_attachments, names_what_is_wrong)
{
    struct chat_part parts[CHAT_ATTACHMENTS_MAX];
    struct buf why = { 0 };
    size_t n;
    cr_expect_eq(read_attachments("[{\"type\":\"image\",\"mimeType\":\"image/png\",\"content\":\"!!notb64\"}]", &n, &why, parts),
                 GW_EINVAL);
    cr_expect_str_eq(buf_cstr(&why), "Error: attachment image: invalid base64 content");
    buf_free(&why);
}

Test(chat_attachments, refuses_a_byte_and_an_attachment_too_many)
{
    struct chat_part parts[CHAT_ATTACHMENTS_MAX];
    struct buf why = { 0 }, json = { 0 };
    size_t n;
    for (int extra = 0; extra <= 1; extra++) {
        buf_text(&json, "[{\"mimeType\":\"image/png\",\"content\":\"");
        size_t chars = (CHAT_ATTACHMENT_BYTES_MAX + (size_t)extra + 2) / 3 * 4;
        char *into = buf_reserve(&json, chars);
        memset(into, 'A', chars);
        json.n += chars;
        size_t over = base64_size((struct str){ into, chars }) - CHAT_ATTACHMENT_BYTES_MAX - (size_t)extra;
        memset(into + chars - over, '=', over);
        buf_text(&json, "\"}]");
        cr_expect_eq(read_attachments(buf_cstr(&json), &n, &why, parts), extra ? GW_EINVAL : 0);
        buf_clear(&json);
    }
    buf_text(&json, "[{\"content\":\"AAAA\"}");
    for (int i = 1; i <= CHAT_ATTACHMENTS_MAX; i++) buf_text(&json, ",{\"content\":\"AAAA\"}");
    buf_text(&json, "]");
    cr_expect_eq(read_attachments(buf_cstr(&json), &n, &why, parts), GW_EINVAL);
    buf_free(&json);
    buf_free(&why);
}
