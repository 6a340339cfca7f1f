#include "store_fixture.h"

#include "store/kv.h"

static store_t *reader(int want)
{
    struct buf report = { 0 };
    store_t *store;
    int rc = store_open_reader(str_of(fixture_dir), 100, &store, &report);
    cr_assert(rc == want, "%s: %s", err_name(rc), buf_cstr(&report));
    cr_assert((report.n > 0) == (want != 0));
    buf_free(&report);
    return store;
}

static int64_t count(store_t *store)
{
    int64_t n = -1;
    cr_assert(sessions_count(store, &n) == 0, "%s", store_error(store));
    return n;
}

Test(store_reader, sees_each_commit_and_nothing_before_it, .init = fixture_setup, .fini = fixture_teardown)
{
    store_t *writer = fixture_open(NULL, 0, NULL);
    store_t *look = reader(0);
    cr_assert(count(look) == 0);
    cr_assert(store_begin(writer) == 0 && fixture_accept(writer, 1, "agent:main:a") == 0);
    cr_assert(count(look) == 0);
    cr_assert(store_commit(writer) == 0);
    cr_assert(count(look) == 1);
    store_close(&look);
    store_close(&writer);
}

Test(store_reader, a_group_of_reads_sees_one_state, .init = fixture_setup, .fini = fixture_teardown)
{
    store_t *writer = fixture_open(NULL, 0, NULL);
    store_t *look = reader(0);
    cr_assert(store_begin(look) == 0);
    cr_assert(count(look) == 0);
    cr_assert(fixture_accept(writer, 1, "agent:main:a") == 0);
    cr_assert(count(look) == 0);
    cr_assert(store_rollback(look) == 0);
    cr_assert(count(look) == 1);
    store_close(&look);
    store_close(&writer);
}

Test(store_reader, changes_nothing, .init = fixture_setup, .fini = fixture_teardown)
{
    store_t *writer = fixture_open(NULL, 0, NULL);
    store_t *look = reader(0);
    cr_assert(kv_put(look, STR("a"), STR("b")) == GW_EIO);
    cr_assert(store_begin(writer) == 0); /* no lock was left behind */
    cr_assert(store_commit(writer) == 0);
    store_close(&look);
    store_close(&writer);
}

Test(store_reader, does_not_make_a_store, .init = fixture_setup, .fini = fixture_teardown)
{
    reader(GW_EIO);
    cr_assert(access(fixture_path("openclaw.sqlite"), F_OK) != 0);
}

Test(store_reader, tells_when_the_file_was_set_aside, .init = fixture_setup, .fini = fixture_teardown)
{
    store_t *writer = fixture_open(NULL, 0, NULL);
    store_t *look = reader(0);
    cr_assert(!store_reader_stale(look));
    store_close(&writer);
    char from[128];
    str_copy(from, sizeof from, str_of(fixture_path("openclaw.sqlite")));
    cr_assert(rename(from, fixture_path("elsewhere")) == 0);
    cr_assert(store_reader_stale(look));
    store_close(&look);
    writer = fixture_open(NULL, 0, NULL);
    look = reader(0);
    cr_assert(!store_reader_stale(look));
    store_close(&look);
    store_close(&writer);
}

Test(store_try, what_is_refused_is_undone_and_the_group_goes_on, .init = fixture_setup, .fini = fixture_teardown)
{
    store_t *store = fixture_open(NULL, 0, NULL);
    struct buf value = { 0 };
    cr_assert(store_begin(store) == 0);
    cr_assert(store_try_begin(store) == 0 && kv_put(store, STR("kept"), STR("1")) == 0 && store_try_end(store, 0) == 0);
    cr_assert(store_try_begin(store) == 0 && kv_put(store, STR("undone"), STR("1")) == 0);
    cr_assert(store_try_end(store, GW_EINVAL) == GW_EINVAL);
    cr_assert(store_commit(store) == 0);
    cr_assert(kv_get(store, STR("kept"), &value) == 0);
    cr_assert(kv_get(store, STR("undone"), &value) == GW_ENOENT);
    buf_free(&value);
    store_close(&store);
}
