/* What is stored of the devices, and what comes back. */
#include "devices_fixture.h"

TestSuite(device_rows, .init = begin, .fini = end);

Test(device_rows, come_back_from_the_store_as_they_were)
{
    struct device_claim claim = claim_of(1, "operator", "operator.read"), node = claim_of(1, "node", ""), waiting = claim_of(2, "node", "");
    struct buf before = { 0 };
    char id[RANDOM_UUID_SIZE];
    pair_it(&claim, NOW);
    pair_it(&node, NOW + 1);
    waiting.remote_ip = STR("192.0.2.9");
    ask(&waiting, NOW + 2, id);
    cr_assert(devices_spend(devices, STR("one-time-token-0"), claim.device_id, NOW) == 0);
    devices_write_list(devices, NOW + 3, &before);
    restart();
    devices_write_list(devices, NOW + 3, &text);
    cr_assert_str_eq(buf_cstr(&text), buf_cstr(&before));
    cr_assert(devices_is_spent(devices, STR("one-time-token-0")));
    restart(); /* nothing had changed, so nothing was stored */
    cr_assert_eq(devices_paired_count(devices), 0);
    buf_free(&before);
}

Test(device_rows, rows_hold_no_token)
{
    struct device_claim claim = claim_of(1, "operator", "operator.read");
    struct device_change change;
    struct buf json = { 0 };
    pair_it(&claim, NOW);
    struct device_grant grant = connect_with(&claim, "", NOW);
    cr_assert(devices_spend(devices, STR("one-time-token-0"), claim.device_id, NOW) == 0);
    while (devices_take_change(devices, &change, &json)) {
        cr_assert(json.n <= DEVICE_ROW_MAX);
        cr_assert(str_find(buf_str(&json), str_of(grant.token)) < 0 && str_find(buf_str(&json), STR("one-time")) < 0);
    }
    buf_free(&json);
}

Test(device_rows, only_decisions_are_urgent_and_being_seen_is_stored_now_and_then)
{
    struct device_claim claim = claim_of(1, "operator", "operator.read");
    devices_t *other;
    cr_assert(devices_create(&other) == 0);
    pair_it(&claim, NOW);
    cr_assert_eq(store_into(other), 2); /* the device, and that its request is gone */
    connect_with(&claim, "", NOW + DEVICE_SEEN_SAVE_MS - 1);
    struct device_change change;
    struct buf json = { 0 };
    cr_assert_not(devices_take_change(devices, &change, &json));
    connect_with(&claim, "", NOW + DEVICE_SEEN_SAVE_MS);
    cr_assert(devices_take_change(devices, &change, &json) && !change.urgent && json.n > 0);
    cr_assert_not(devices_take_change(devices, &change, &json));
    buf_free(&json);
    devices_destroy(&other);
}

Test(device_rows, a_row_whose_storing_failed_is_a_change_again)
{
    struct device_claim claim = claim_of(1, "operator", "operator.read");
    struct device_change change;
    struct buf json = { 0 };
    char id[RANDOM_UUID_SIZE];
    ask(&claim, NOW, id);
    cr_assert(devices_take_change(devices, &change, &json) && change.kind == DEVICE_ROW_REQUEST && json.n > 0);
    cr_assert_not(devices_take_change(devices, &change, &json));
    devices_change_failed(devices, &(struct device_change){ .kind = DEVICE_ROW_PAIRED, .id = "gone" });
    devices_change_failed(devices, &change);
    cr_assert(devices_take_change(devices, &change, &json) && change.kind == DEVICE_ROW_PAIRED && json.n == 0);
    cr_assert_str_eq(change.id, "gone");
    cr_assert(devices_take_change(devices, &change, &json) && change.kind == DEVICE_ROW_REQUEST && strcmp(change.id, id) == 0);
    buf_free(&json);
}

Test(device_rows, a_device_removed_and_paired_again_is_stored_last)
{
    struct device_claim claim = claim_of(1, "operator", "");
    struct device_change change;
    struct buf json = { 0 };
    pair_it(&claim, NOW);
    while (devices_take_change(devices, &change, &json)) continue;
    cr_assert(devices_remove(devices, claim.device_id) == 0);
    char id[RANDOM_UUID_SIZE];
    cr_assert(devices_approve_silently(devices, &claim, NOW, id) == 0);
    cr_assert(devices_take_change(devices, &change, &json) && json.n == 0 && strcmp(change.id, claim.device_id.p) == 0);
    cr_assert(devices_take_change(devices, &change, &json) && json.n > 0 && strcmp(change.id, claim.device_id.p) == 0);
    buf_free(&json);
}

Test(device_rows, refuses_rows_that_are_none)
{
    struct device_claim claim = claim_of(1, "operator", "");
    struct buf json = { 0 };
    static const char *const bad[] = { "", "{", "[]", "{}", "{\"role\":\"operator\",\"publicKey\":\"AA\"}" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (int kind = 0; kind < DEVICE_ROWS; kind++)
            cr_expect(devices_load_row(devices, (enum device_row)kind, STR("x"), str_of(bad[i])) == GW_EPARSE);
    /* a row that puts one device's key under another's id */
    buf_printf(&json, "{\"deviceId\":\"%s\",\"publicKey\":\"%.*s\",\"role\":\"operator\"}",
               "046586b0ab830dccc1f85d0ac6fff3f5359a3cbdfbaf5c396855ca4db6dbbc32", STR_ARG(claim.public_key));
    cr_assert(devices_load_row(devices, DEVICE_ROW_PAIRED, claim.device_id, buf_str(&json)) == GW_EPARSE);
    cr_assert_eq(devices_paired_count(devices), 0);
    buf_free(&json);
}

Test(device_rows, take_no_more_one_time_tokens_than_they_can_remember)
{
    char token[32];
    for (int i = 0; i < DEVICES_SPENT_MAX; i++) {
        snprintf(token, sizeof token, "one-time-token-%d", i);
        cr_assert_not(devices_is_spent(devices, str_of(token)));
        cr_assert(devices_spend(devices, str_of(token), STR("d"), NOW) == 0);
        cr_assert(devices_spend(devices, str_of(token), STR("d"), NOW) == GW_EEXIST);
    }
    cr_assert(devices_is_spent(devices, STR("another one-time token")));
}
