#include <unistd.h>

#include "tests/support/query_rig.h"

TestSuite(query_logs, .init = rig_setup, .fini = rig_end, .timeout = 20);

static const char *tail(const char *params)
{
    return rig_ask(query_logs_handlers, RPC_logs_tail, params);
}

static const char *want(const char *format, int64_t cursor, const char *rest)
{
    static char text[1024];
    snprintf(text, sizeof text, "{\"file\":\"%s\",\"cursor\":%lld,\"size\":%lld,%s}", rig_path(format), (long long)cursor,
             (long long)cursor, rest);
    return text;
}

Test(query_logs, the_newest_days_file_is_told)
{
    rig_write("logs/openclaw-2026-11-21.log", "old\n");
    rig_write("logs/openclaw-2026-11-22.log", "one\ntwo\n");
    rig_write("logs/openclaw-2026-11-22.log.1", "earlier\n");
    rig_write("logs/openclaw-notes.log", "no\n");
    cr_assert_str_eq(tail(NULL),
                     want("logs/openclaw-2026-11-22.log", 8, "\"lines\":[\"one\",\"two\"],\"truncated\":false,\"reset\":false"));
}

Test(query_logs, without_a_file_there_are_no_lines)
{
    cr_assert_str_eq(tail(NULL), want("logs/openclaw-2026-11-22.log", 0, "\"lines\":[],\"truncated\":false,\"reset\":false"));
}

Test(query_logs, the_cursor_goes_on_where_the_last_answer_ended)
{
    rig_write("logs/openclaw-2026-11-22.log", "one\ntwo\n");
    cr_assert_str_eq(tail("{\"cursor\":4}"),
                     want("logs/openclaw-2026-11-22.log", 8, "\"lines\":[\"two\"],\"truncated\":false,\"reset\":false"));
    cr_assert_str_eq(tail("{\"cursor\":8}"), want("logs/openclaw-2026-11-22.log", 8, "\"lines\":[],\"truncated\":false,\"reset\":false"));
    cr_assert_str_eq(tail("{\"cursor\":9}"),
                     want("logs/openclaw-2026-11-22.log", 8, "\"lines\":[\"one\",\"two\"],\"truncated\":false,\"reset\":true"));
}

Test(query_logs, a_line_that_is_still_being_written_waits)
{
    rig_write("logs/openclaw-2026-11-22.log", "one\ntwo\nthr");
    cr_assert_str_eq(tail(NULL),
                     want("logs/openclaw-2026-11-22.log", 8, "\"lines\":[\"one\",\"two\"],\"truncated\":false,\"reset\":false"));
    cr_assert_str_eq(tail("{\"cursor\":8}"), want("logs/openclaw-2026-11-22.log", 8, "\"lines\":[],\"truncated\":false,\"reset\":false"));
}

Test(query_logs, more_than_is_asked_for_is_cut_at_a_line)
{
    rig_write("logs/openclaw-2026-11-22.log", "one\ntwo\nthree\n");
    cr_assert_str_eq(tail("{\"limit\":1}"),
                     want("logs/openclaw-2026-11-22.log", 14, "\"lines\":[\"three\"],\"truncated\":false,\"reset\":false"));
    cr_assert_str_eq(tail("{\"maxBytes\":8}"),
                     want("logs/openclaw-2026-11-22.log", 14, "\"lines\":[\"three\"],\"truncated\":true,\"reset\":false"));
    cr_assert_str_eq(tail("{\"maxBytes\":10}"),
                     want("logs/openclaw-2026-11-22.log", 14, "\"lines\":[\"two\",\"three\"],\"truncated\":true,\"reset\":false"));
    cr_assert_str_eq(tail("{\"cursor\":0,\"maxBytes\":6}"),
                     want("logs/openclaw-2026-11-22.log", 14, "\"lines\":[\"three\"],\"truncated\":true,\"reset\":true"));
}

Test(query_logs, a_configured_file_is_the_one)
{
    rig_config("{logging:{file:'~/elsewhere.log'}}", NULL);
    rig_write("elsewhere.log", "x\n");
    cr_assert_str_eq(tail(NULL), want("elsewhere.log", 2, "\"lines\":[\"x\"],\"truncated\":false,\"reset\":false"));
}

Test(query_logs, bytes_that_are_no_text_still_make_json)
{
    rig_write("logs/openclaw-2026-11-22.log", "a\xff\x01z\n");
    cr_assert(strstr(tail(NULL), "\"lines\":[\"a\xEF\xBF\xBD\\u0001z\"]"), "%s", tail(NULL));
}

Test(query_logs, a_folder_in_its_place_is_a_clear_refusal)
{
    rig_config("{logging:{file:'${DIR}/logs'}}", NULL);
    rig_write("logs/x", "");
    cr_assert(strstr(rig_refused(query_logs_handlers, RPC_logs_tail, NULL), "UNAVAILABLE log read failed: "));
}
