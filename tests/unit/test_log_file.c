#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "tests/support/tempdir.h"

static char dir[TEMPDIR_MAX];
static struct buf text;

static void make(void)
{
    tempdir_make(dir);
}

static void end(void)
{
    log_close_file();
    tempdir_remove(dir);
    buf_free(&text);
}

TestSuite(log_file, .init = make, .fini = end, .timeout = 20);

static const char *path(const char *name)
{
    static char out[256];
    snprintf(out, sizeof out, "%s/%s", dir, name);
    return out;
}

static const char *content(const char *name)
{
    buf_clear(&text);
    cr_assert(file_read(path(name), 1 << 20, &text) == 0, "%s", name);
    return buf_cstr(&text);
}

static bool there(const char *name)
{
    return access(path(name), F_OK) == 0;
}

static void touch(const char *name)
{
    int fd = open(path(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert(fd >= 0 && close(fd) == 0);
}

static struct log_place folder(void)
{
    struct log_place place;
    cr_assert(log_place_find(STR(""), str_of(dir), NULL, &place) == 0 && place.by_day);
    return place;
}

static void add(struct log_file *f, const char *now, const char *line, bool anew)
{
    cr_assert(log_file_turn(f, now, strlen(line)) == anew, "%s", line);
    log_file_add(f, str_of(line));
}

Test(log_file, the_place_is_the_setting_or_the_state_directorys_logs)
{
    struct log_place place;
    char want[TEMPDIR_MAX + 8];
    snprintf(want, sizeof want, "%s/logs", dir);
    cr_assert_str_eq(folder().path, want);
    cr_assert(log_place_find(STR("/var/x.log"), str_of(dir), "/home/a", &place) == 0 && !place.by_day);
    cr_assert_str_eq(place.path, "/var/x.log");
    cr_assert(log_place_find(STR("~/x.log"), str_of(dir), "/home/a", &place) == 0);
    cr_assert_str_eq(place.path, "/home/a/x.log");
}

Test(log_file, each_day_has_its_file_that_only_its_owner_reads)
{
    struct log_place place = folder();
    struct log_file f;
    struct stat st;
    cr_assert(log_file_open(&f, &place, 0, "2026-11-22T23:59:59.999Z") == 0);
    add(&f, "2026-11-22T23:59:59.999Z", "one\n", false);
    add(&f, "2026-11-23T00:00:00.000Z", "two\n", false);
    log_file_close(&f);
    cr_assert_str_eq(content("logs/openclaw-2026-11-22.log"), "one\n");
    cr_assert_str_eq(content("logs/openclaw-2026-11-23.log"), "two\n");
    cr_assert(stat(path("logs/openclaw-2026-11-23.log"), &st) == 0 && (st.st_mode & 0777) == 0600);
    cr_assert(stat(path("logs"), &st) == 0 && (st.st_mode & 0777) == 0700);
}

Test(log_file, a_restart_goes_on_in_the_days_file)
{
    struct log_place place = folder();
    struct log_file f;
    for (int i = 0; i < 2; i++) {
        cr_assert(log_file_open(&f, &place, 9, "2026-11-22T10:00:00.000Z") == 0);
        add(&f, "2026-11-22T10:00:00.000Z", "1234\n", i == 1); /* the size so far counts */
        log_file_close(&f);
    }
    cr_assert_str_eq(content("logs/openclaw-2026-11-22.log"), "1234\n");
}

Test(log_file, a_file_may_have_its_bound_and_starts_anew_a_byte_later)
{
    struct log_place place = folder();
    struct log_file f;
    cr_assert(log_file_open(&f, &place, 10, "2026-11-22T10:00:00.000Z") == 0);
    add(&f, "2026-11-22T10:00:00.000Z", "1234\n", false);
    add(&f, "2026-11-22T10:00:00.000Z", "5678\n", false);
    add(&f, "2026-11-22T10:00:00.000Z", "9\n", true);
    log_file_close(&f);
    cr_assert_str_eq(content("logs/openclaw-2026-11-22.log"), "9\n");
    cr_assert_str_eq(content("logs/openclaw-2026-11-22.log.1"), "1234\n5678\n");
}

Test(log_file, old_days_go_and_foreign_files_stay)
{
    struct log_place place = folder();
    struct log_file f;
    cr_assert(mkdir(path("logs"), 0700) == 0);
    touch("logs/openclaw-2026-02-23.log");   /* the seventh day, counted back from 1 March */
    touch("logs/openclaw-2026-02-22.log");   /* the eighth */
    touch("logs/openclaw-2026-02-22.log.1"); /* and what was its beginning */
    touch("logs/openclaw-notes.log");
    touch("logs/openclaw-2026-01-01.txt");
    cr_assert(log_file_open(&f, &place, 0, "2026-03-01T00:00:00.000Z") == 0);
    log_file_close(&f);
    cr_assert(there("logs/openclaw-2026-02-23.log") && !there("logs/openclaw-2026-02-22.log") && !there("logs/openclaw-2026-02-22.log.1"));
    cr_assert(there("logs/openclaw-notes.log") && there("logs/openclaw-2026-01-01.txt") && there("logs/openclaw-2026-03-01.log"));
}

Test(log_file, a_place_that_cannot_be_opened_is_told_and_harmless)
{
    struct log_place place = { .by_day = false };
    struct log_file f;
    cr_assert(str_copy(place.path, sizeof place.path, str_of(dir)) == 0); /* a folder */
    cr_assert(log_file_open(&f, &place, 0, "2026-11-22T10:00:00.000Z") == GW_EIO && f.fd == -1);
    log_file_add(&f, STR("lost\n"));
    cr_assert(log_open_file(&place, LOG_INFO, 0) == GW_EIO);
    log_event(LOG_INFO, "still_works");
}

/* --- through base/log.h --------------------------------------------------------------------------------------------- */

static json_t *first_line(void)
{
    json_t *line = json_loads(content("x.log"), JSON_DISABLE_EOF_CHECK, NULL);
    cr_assert(line, "%s", content("x.log"));
    return line;
}

static void open_log(enum log_level level, int64_t max)
{
    struct log_place place = { .by_day = false };
    cr_assert(str_copy(place.path, sizeof place.path, str_of(path("x.log"))) == 0);
    cr_assert(log_open_file(&place, level, max) == 0);
}

Test(log_file, lines_have_openclaws_form)
{
    open_log(LOG_INFO, 0);
    log_set_level(LOG_OFF); /* the console's level is another matter */
    log_set_actor("gateway");
    log_event(LOG_WARN, "thing_happened", LOG_I("count", 7), LOG_T("odd", "two \"words\""));
    json_t *line = first_line(), *meta = json_object_get(line, "_meta");
    cr_assert_str_eq(json_string_value(json_object_get(line, "0")), "{\"subsystem\":\"gateway\"}");
    cr_assert_str_eq(json_string_value(json_object_get(line, "1")), "thing_happened count=7 odd=\"two \\\"words\\\"\"");
    cr_assert_str_eq(json_string_value(json_object_get(meta, "logLevelName")), "WARN");
    cr_assert_eq(json_integer_value(json_object_get(meta, "logLevelId")), 4);
    cr_assert_str_eq(json_string_value(json_object_get(meta, "date")), json_string_value(json_object_get(line, "time")));
    cr_assert_str_eq(json_string_value(json_array_get(json_object_get(meta, "parentNames"), 0)), "openclaw");
    json_decref(line);
}

Test(log_file, what_is_below_the_files_level_is_left_out)
{
    open_log(LOG_WARN, 0);
    log_event(LOG_INFO, "unheard");
    log_event(LOG_ERROR, "heard");
    cr_assert(!strstr(content("x.log"), "unheard") && strstr(content("x.log"), "heard"));
}

Test(log_file, secrets_are_replaced_in_files_too)
{
    open_log(LOG_INFO, 0);
    log_secret_add(STR("sk-very-secret"));
    log_event(LOG_INFO, "asked", LOG_T("url", "https://x/?key=sk-very-secret"));
    cr_assert(!strstr(content("x.log"), "sk-very-secret") && strstr(content("x.log"), "key=**************"));
}

Test(log_file, a_full_file_tells_where_its_beginning_is)
{
    open_log(LOG_INFO, 600);
    for (int i = 0; i < 3; i++) log_event(LOG_INFO, "line_written", LOG_I("n", i));
    cr_assert(there("x.log.1"));
    json_t *line = first_line();
    cr_assert(strstr(json_string_value(json_object_get(line, "1")), "log_file_started_anew"));
    json_decref(line);
    cr_assert(strstr(content("x.log"), "line_written n=2"));
}

Test(log_file, nothing_is_written_after_it_was_closed)
{
    open_log(LOG_INFO, 0);
    log_close_file();
    log_event(LOG_ERROR, "too_late");
    cr_assert_str_eq(content("x.log"), "");
}
