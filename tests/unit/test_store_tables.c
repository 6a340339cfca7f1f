/* Sessions, the outbox, cooldowns and single values. */
#include "store/cooldowns.h"
#include "store/deliveries.h"
#include "store/device_rows.h"
#include "store/kv.h"
#include "store_fixture.h"

TestSuite(store_tables, .init = fixture_setup, .fini = fixture_teardown, .timeout = 20);

static int write_key(void *ctx, const struct session_row *row)
{
    buf_printf(ctx, "%.*s@%lld ", STR_ARG(row->key), (long long)(row->updated_ms - NOW));
    return 0;
}

Test(store_tables, list_sessions_newest_first_in_pages)
{
    struct buf text = { 0 };
    int64_t id;
    bool created;
    store_t *store = fixture_open(NULL, 0, NULL);
    static const char *const keys[] = { "a", "b", "c", "d" };
    for (int i = 0; i < 4; i++) {
        const struct session_new s = {
            .key = str_of(keys[i]), .uuid = STR("u"), .agent = i == 1 ? STR("other") : STR("main"), .now_ms = NOW + (i == 3 ? 2 : i)
        };
        cr_assert(sessions_ensure(store, &s, &id, &created) == 0 && created && id == i + 1);
        cr_assert(sessions_ensure(store, &s, &id, &created) == 0 && !created && id == i + 1);
    }
    cr_assert(sessions_list(store, &(struct session_page){ .limit = 2 }, write_key, &text) == 0);
    cr_assert(sessions_list(store, &(struct session_page){ .before_ms = NOW + 2, .before_id = 3, .limit = 9 }, write_key, &text) == 0);
    cr_assert_str_eq(buf_cstr(&text), "d@2 c@2 b@1 a@0 ");
    buf_clear(&text);
    cr_assert(sessions_list(store, &(struct session_page){ .agent = STR("main"), .updated_after_ms = NOW, .limit = 9 }, write_key, &text) ==
              0);
    cr_assert_str_eq(buf_cstr(&text), "d@2 c@2 ");
    cr_assert(sessions_list(store, &(struct session_page){ .limit = STORE_LIST_MAX + 1 }, write_key, &text) == GW_ELIMIT);
    cr_assert(sessions_find(store, STR("c"), &id) == 0 && id == 3 && sessions_find(store, STR("z"), &id) == GW_ENOENT && id == 0);
    store_close(&store);
    buf_free(&text);
}

static int write_settings(void *ctx, const struct session_row *row)
{
    buf_printf(ctx, "%.*s|%.*s|%.*s|%.*s|%lld ", STR_ARG(row->label), STR_ARG(row->provider), STR_ARG(row->model), STR_ARG(row->thinking),
               (long long)(row->updated_ms - NOW));
    return 0;
}

Test(store_tables, change_only_what_a_session_change_names)
{
    struct buf text = { 0 };
    int64_t id;
    store_t *store = fixture_open(NULL, 0, NULL);
    const struct session_new s = { .key = STR("k"), .uuid = STR("u"), .agent = STR("main"), .label = STR("first"), .now_ms = NOW };
    cr_assert(sessions_ensure(store, &s, &id, NULL) == 0);
    cr_assert(sessions_change(store, STR("k"), &(struct session_change){ .model = STR("m"), .thinking = STR("low"), .now_ms = NOW + 5 }) ==
              0);
    cr_assert(sessions_get(store, STR("k"), write_settings, &text) == 0);
    cr_assert(sessions_change(store, STR("k"), &(struct session_change){ .label = STR(""), .now_ms = NOW + 6 }) == 0);
    cr_assert(sessions_get(store, STR("k"), write_settings, &text) == 0);
    cr_assert_str_eq(buf_cstr(&text), "first||m|low|5 ||m|low|6 ");
    cr_assert(sessions_change(store, STR("z"), &(struct session_change){ .now_ms = NOW }) == GW_ENOENT);
    store_close(&store);
    buf_free(&text);
}

static int write_delivery(void *ctx, const struct delivery_row *row)
{
    buf_printf(ctx, "%lld state=%d attempts=%lld payload=%.*s error=%.*s; ", (long long)row->id, row->state, (long long)row->attempts,
               STR_ARG(row->payload), STR_ARG(row->last_error));
    return 0;
}

static int64_t add_delivery(store_t *store, const char *nonce, int want)
{
    int64_t id;
    const struct delivery_new d = { .turn = 1,
                                    .session = 1,
                                    .channel = STR("discord"),
                                    .target = STR("channel:1"),
                                    .payload = STR("hi"),
                                    .nonce = str_of(nonce),
                                    .now_ms = NOW };
    cr_assert(deliveries_add(store, &d, &id) == want);
    return id;
}

Test(store_tables, take_a_delivery_through_failure_to_its_end)
{
    struct buf text = { 0 };
    int64_t next;
    store_t *store = fixture_open(NULL, 0, NULL);
    int64_t id = add_delivery(store, "n1", 0);
    cr_assert(add_delivery(store, "n1", GW_EEXIST) == id);
    cr_assert(deliveries_next_ms(store, STR("discord"), &next) == 0 && next == NOW);
    cr_assert(deliveries_claim(store, id, NOW) == 0);
    cr_assert(deliveries_claim(store, id, NOW) == GW_ENOENT);
    cr_assert(deliveries_next_ms(store, STR("discord"), &next) == 0 && next == -1);
    cr_assert(deliveries_fail(store, id, NOW + 500, STR("503"), NOW) == 0);
    cr_assert(deliveries_due(store, STR("discord"), NOW + 499, 9, write_delivery, &text) == 0 && text.n == 0);
    cr_assert(deliveries_due(store, STR("telegram"), NOW + 500, 9, write_delivery, &text) == 0 && text.n == 0);
    cr_assert(deliveries_due(store, STR("discord"), NOW + 500, 9, write_delivery, &text) == 0);
    cr_assert_str_eq(buf_cstr(&text), "1 state=0 attempts=1 payload=hi error=503; ");
    cr_assert(deliveries_claim(store, id, NOW) == 0 && deliveries_mark(store, id, NOW) == 0 && deliveries_mark(store, id, NOW) == 0);
    cr_assert(deliveries_fail(store, id, -1, STR("late"), NOW) == GW_ENOENT); /* delivered stays delivered */
    buf_clear(&text);
    cr_assert(deliveries_get(store, id, write_delivery, &text) == 0);
    cr_assert_str_eq(buf_cstr(&text), "1 state=2 attempts=2 payload= error=503; ");
    store_close(&store);
    buf_free(&text);
}

Test(store_tables, deliveries_keep_their_order_and_place)
{
    int64_t count;
    struct buf text = { 0 };
    store_t *store = fixture_open(NULL, 0, NULL);
    int64_t first = add_delivery(store, "n1", 0), second = add_delivery(store, "n2", 0);
    cr_assert(deliveries_claim(store, first, NOW) == 0);
    cr_assert(deliveries_set_parts(store, first, 3, NOW) == 0 && deliveries_set_parts(store, 99, 1, NOW) == GW_ENOENT);
    cr_assert(deliveries_recover(store, STR(""), NOW + 1000, &count) == 0 && count == 1, "everyone's");
    cr_assert(deliveries_due(store, STR("discord"), NOW + 1000, 9, write_delivery, &text) == 0);
    cr_assert(str_starts(buf_str(&text), STR("1 ")) && first < second, "what was begun first is first again: %s", buf_cstr(&text));
    store_close(&store);
    buf_free(&text);
}

Test(store_tables, take_up_interrupted_deliveries_again_and_forget_old_ones)
{
    int64_t count;
    struct buf text = { 0 };
    store_t *store = fixture_open(NULL, 0, NULL);
    int64_t first = add_delivery(store, "n1", 0), second = add_delivery(store, "n2", 0), third = add_delivery(store, "n3", 0);
    cr_assert(deliveries_claim(store, first, NOW) == 0 && deliveries_claim(store, second, NOW) == 0);
    cr_assert(deliveries_fail(store, second, -1, STR("gone"), NOW) == 0);
    cr_assert(deliveries_mark(store, third, NOW + 10) == 0);
    store_close(&store);
    store = fixture_open(NULL, 0, NULL);
    cr_assert(deliveries_recover(store, STR("telegram"), NOW + 20, &count) == 0 && count == 0); /* another's */
    cr_assert(deliveries_recover(store, STR("discord"), NOW + 20, &count) == 0 && count == 1);
    cr_assert(deliveries_due(store, STR("discord"), NOW + 20, 9, write_delivery, &text) == 0);
    cr_assert_str_eq(buf_cstr(&text), "1 state=0 attempts=1 payload=hi error=; ");
    cr_assert(deliveries_prune(store, NOW + 10, 9, &count) == 0 && count == 1); /* the one given up at NOW */
    cr_assert(deliveries_prune(store, NOW + 11, 9, &count) == 0 && count == 1);
    cr_assert(deliveries_prune(store, NOW + 99, 9, &count) == 0 && count == 0); /* never a pending one */
    store_close(&store);
    buf_free(&text);
}

static int write_cooldown(void *ctx, const struct cooldown_row *row)
{
    buf_printf(ctx, "%.*s %.*s %lld %lld; ", STR_ARG(row->provider), STR_ARG(row->failure), (long long)(row->until_ms - NOW),
               (long long)row->errors);
    return 0;
}

Test(store_tables, remember_cooldowns)
{
    struct buf text = { 0 };
    store_t *store = fixture_open(NULL, 0, NULL);
    struct cooldown_row c = { .provider = STR("openrouter"), .failure = STR("rate_limit"), .until_ms = NOW + 60, .errors = 1 };
    cr_assert(cooldowns_save(store, &c) == 0);
    c.errors = 2;
    cr_assert(cooldowns_save(store, &c) == 0);
    c.provider = STR("google");
    cr_assert(cooldowns_save(store, &c) == 0);
    cr_assert(cooldowns_load(store, write_cooldown, &text) == 0);
    cr_assert_str_eq(buf_cstr(&text), "google rate_limit 60 2; openrouter rate_limit 60 2; ");
    cr_assert(cooldowns_delete(store, STR("google")) == 0 && cooldowns_delete(store, STR("google")) == 0);
    c.provider = STR("");
    cr_assert(cooldowns_save(store, &c) == GW_EINVAL);
    buf_clear(&text);
    cr_assert(cooldowns_load(store, write_cooldown, &text) == 0);
    cr_assert_str_eq(buf_cstr(&text), "openrouter rate_limit 60 2; ");
    store_close(&store);
    buf_free(&text);
}

static int write_device(void *ctx, const struct device_row_stored *row)
{
    buf_printf(ctx, "%lld %.*s %.*s; ", (long long)row->kind, STR_ARG(row->id), STR_ARG(row->json));
    return 0;
}

Test(store_tables, remember_devices_by_kind_and_id_across_a_restart)
{
    struct buf text = { 0 };
    store_t *store = fixture_open(NULL, 0, NULL);
    static const struct device_row_stored rows[] = {
        { 1, { "r1", 2 }, { "{1}", 3 } }, { 0, { "d2", 2 }, { "{2}", 3 } }, { 0, { "d1", 2 }, { "{3}", 3 } },
        { 0, { "d2", 2 }, { "{4}", 3 } }, { 2, { "d2", 2 }, { "{5}", 3 } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) cr_assert(device_rows_save(store, &rows[i]) == 0);
    store_close(&store);
    store = fixture_open(NULL, 0, NULL);
    cr_assert(device_rows_list(store, -1, STR(""), 9, write_device, &text) == 0);
    cr_assert_str_eq(buf_cstr(&text), "0 d1 {3}; 0 d2 {4}; 1 r1 {1}; 2 d2 {5}; ");
    buf_clear(&text);
    cr_assert(device_rows_delete(store, 0, STR("d2")) == 0 && device_rows_delete(store, 0, STR("d2")) == 0);
    cr_assert(device_rows_list(store, 0, STR("d1"), 1, write_device, &text) == 0); /* a page of one, after the first */
    cr_assert_str_eq(buf_cstr(&text), "1 r1 {1}; ");
    store_close(&store);
    buf_free(&text);
}

Test(store_tables, hold_a_device_at_its_bound_and_no_byte_more)
{
    char *json = calloc(1, STORE_DEVICE_MAX + 1);
    store_t *store = fixture_open(NULL, 0, NULL);
    memset(json, 'x', STORE_DEVICE_MAX + 1);
    struct device_row_stored row = { 0, STR("d"), { json, STORE_DEVICE_MAX } };
    cr_assert(device_rows_save(store, &row) == 0);
    row.json.n++;
    cr_assert(device_rows_save(store, &row) == GW_ELIMIT);
    row = (struct device_row_stored){ 0, STR(""), STR("{}") };
    cr_assert(device_rows_save(store, &row) == GW_EINVAL);
    store_close(&store);
    free(json);
}

Test(store_tables, hold_a_value_at_its_bound_and_no_byte_more)
{
    char *value = calloc(1, STORE_VALUE_MAX + 1);
    store_t *store = fixture_open(NULL, 0, NULL);
    cr_assert(kv_put(store, STR("k"), (struct str){ value, STORE_VALUE_MAX }) == 0);
    cr_assert(kv_put(store, STR("k"), (struct str){ value, STORE_VALUE_MAX + 1 }) == GW_ELIMIT);
    cr_assert(kv_put(store, STR(""), STR("v")) == GW_EINVAL);
    struct buf small = { .max = 10 };
    cr_assert(kv_get(store, STR("k"), &small) == GW_ELIMIT);
    store_close(&store);
    buf_free(&small);
    free(value);
}
