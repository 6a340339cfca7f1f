#include "devices_fixture.h"

TestSuite(devices, .init = begin, .fini = end, .timeout = 60);

Test(devices, a_request_looks_as_recorded)
{
    struct device_claim claim = claim_of(1, "operator", "operator.read");
    char id[RANDOM_UUID_SIZE];
    struct buf expected = { 0 };
    claim.remote_ip = STR("192.0.2.1");
    ask(&claim, NOW, id);
    cr_assert(devices_write_request(devices, str_of(id), &text) == 0);
    buf_printf(
        &expected,
        "{\"requestId\":\"%s\",\"deviceId\":\"%.*s\",\"publicKey\":\"%.*s\",\"displayName\":\"Dev X\",\"platform\":\"linux\","
        "\"clientId\":\"test\",\"clientMode\":\"test\",\"role\":\"operator\",\"roles\":[\"operator\"],\"scopes\":[\"operator.read\"],"
        "\"remoteIp\":\"192.0.2.1\",\"silent\":false,\"isRepair\":false,\"ts\":1795353954000}",
        id, STR_ARG(claim.device_id), STR_ARG(claim.public_key));
    cr_assert_str_eq(buf_cstr(&text), buf_cstr(&expected));
    buf_free(&expected);
}

/* rpc-device.pair.approve-ok-1 and -2: an operator, then the same device as a node. */
Test(devices, approving_merges_roles_and_scopes_as_recorded)
{
    struct device_claim as_operator = claim_of(1, "operator", "operator.read"), as_node = claim_of(1, "node", "");
    struct buf expected = { 0 };
    pair_it(&as_operator, NOW);
    connect_with(&as_operator, connect_with(&as_operator, "", NOW + 1).token, NOW + 45);
    as_node.display_name = STR("Node X"), as_node.client_id = STR("node-host"), as_node.client_mode = STR("node");
    cr_assert_eq(devices_need(devices, &as_node), DEVICE_NEED_ROLE);
    pair_it(&as_node, NOW + 146);
    cr_assert(devices_write_paired(devices, as_node.device_id, &text) == 0);
    buf_printf(&expected,
               "{\"deviceId\":\"%.*s\",\"publicKey\":\"%.*s\",\"displayName\":\"Node X\",\"platform\":\"linux\",\"clientId\":\"node-host\","
               "\"clientMode\":\"node\",\"role\":\"node\",\"roles\":[\"operator\",\"node\"],\"scopes\":[\"operator.read\"],"
               "\"createdAtMs\":1795353954000,\"approvedAtMs\":1795353954146,"
               "\"tokens\":[{\"role\":\"node\",\"scopes\":[],\"createdAtMs\":1795353954146},"
               "{\"role\":\"operator\",\"scopes\":[\"operator.read\"],\"createdAtMs\":1795353954000,\"lastUsedAtMs\":1795353954045}]}",
               STR_ARG(as_node.device_id), STR_ARG(as_node.public_key));
    cr_assert_str_eq(buf_cstr(&text), buf_cstr(&expected));
    buf_free(&expected);
}

Test(devices, are_listed_newest_first_without_secrets)
{
    struct device_claim a = claim_of(1, "operator", "operator.read"), b = claim_of(2, "operator", ""), c = claim_of(3, "operator", "");
    struct device_claim d = claim_of(4, "operator", "");
    char id[RANDOM_UUID_SIZE];
    pair_it(&a, NOW);
    pair_it(&b, NOW + 1);
    ask(&c, NOW + 2, id);
    ask(&d, NOW + 3, id);
    const char *token = connect_with(&a, "", NOW).token;
    devices_write_list(devices, NOW + 4, &text);
    json_t *list = json_loadb(text.p, text.n, 0, NULL);
    const json_t *pending = json_object_get(list, "pending"), *paired = json_object_get(list, "paired");
    cr_assert(json_array_size(pending) == 2 && json_array_size(paired) == 2);
    cr_assert_str_eq(json_string_value(json_object_get(json_array_get(pending, 0), "deviceId")), d.device_id.p);
    cr_assert_str_eq(json_string_value(json_object_get(json_array_get(paired, 0), "deviceId")), b.device_id.p);
    cr_assert(str_starts(buf_str(&text), STR("{\"pending\":[")));
    cr_assert(str_find(buf_str(&text), str_of(token)) < 0 && str_find(buf_str(&text), STR("hashes")) < 0);
    json_decref(list);
}

Test(devices, a_second_try_gets_the_request_that_waits_unchanged)
{
    struct device_claim claim = claim_of(1, "operator", "operator.read"), greedy = claim_of(1, "operator", "operator.admin");
    char first[RANDOM_UUID_SIZE], second[RANDOM_UUID_SIZE];
    struct scopes asked;
    bool fresh;
    ask(&claim, NOW, first);
    cr_assert(devices_request(devices, &greedy, NOW + DEVICE_REQUEST_MS, second, &fresh) == 0 && !fresh);
    cr_assert_str_eq(first, second);
    cr_assert(devices_request_scopes(devices, str_of(first), NOW, &asked) == 0);
    cr_assert_str_eq(asked.text, "operator.read");
}

Test(devices, a_request_lives_its_time_and_not_a_millisecond_more)
{
    struct device_claim claim = claim_of(1, "operator", "operator.read");
    char id[RANDOM_UUID_SIZE], device_id[DEVICE_ID_SIZE];
    struct scopes asked;
    ask(&claim, NOW, id);
    cr_assert(devices_request_scopes(devices, str_of(id), NOW + DEVICE_REQUEST_MS, &asked) == 0);
    cr_assert(devices_approve(devices, str_of(id), NOW + DEVICE_REQUEST_MS + 1, device_id) == GW_ENOENT);
    cr_assert_eq(devices_request_count(devices), 0);
    ask(&claim, NOW + DEVICE_REQUEST_MS + 1, id); /* and it can ask again */
}

Test(devices, one_address_has_its_share_of_requests_and_no_more)
{
    char id[RANDOM_UUID_SIZE];
    bool fresh;
    for (unsigned i = 0; i < DEVICE_REQUESTS_OF_ADDRESS; i++) {
        struct device_claim claim = claim_of(i, "operator", "");
        ask(&claim, NOW, id);
    }
    struct device_claim surplus = claim_of(100, "operator", ""), again = claim_of(0, "operator", "");
    cr_assert(devices_request(devices, &surplus, NOW, id, &fresh) == GW_ELIMIT && id[0] == '\0');
    cr_assert(devices_request(devices, &again, NOW, id, &fresh) == 0 && !fresh); /* who is in stays in */
    surplus.address = STR("192.0.2.2");
    ask(&surplus, NOW, id);
}

Test(devices, addresses_of_one_ipv6_network_count_as_one)
{
    char id[RANDOM_UUID_SIZE], address[DEVICE_ADDRESS_SIZE];
    bool fresh;
    for (unsigned i = 0; i < DEVICE_REQUESTS_OF_ADDRESS; i++) {
        struct device_claim claim = claim_of(i, "operator", "");
        snprintf(address, sizeof address, "2001:db8:0:1::%x", i + 1);
        claim.address = str_of(address);
        ask(&claim, NOW, id);
    }
    struct device_claim surplus = claim_of(100, "operator", "");
    surplus.address = STR("2001:db8:0:1:ffff::1");
    cr_assert(devices_request(devices, &surplus, NOW, id, &fresh) == GW_ELIMIT);
    surplus.address = STR("2001:db8:0:2::1");
    ask(&surplus, NOW, id);
    for (unsigned i = 0; i < DEVICE_REQUESTS_OF_ADDRESS; i++) { /* IPv4 in IPv6 is told apart by all of it */
        struct device_claim claim = claim_of(200 + i, "operator", "");
        snprintf(address, sizeof address, "::ffff:192.0.2.%u", i + 1);
        claim.address = str_of(address);
        ask(&claim, NOW, id);
    }
}

Test(devices, a_flood_of_requests_pushes_none_out)
{
    char first[RANDOM_UUID_SIZE], id[RANDOM_UUID_SIZE], address[DEVICE_ADDRESS_SIZE];
    struct scopes asked;
    bool fresh;
    for (unsigned i = 0; i < DEVICES_REQUESTS_MAX; i++) {
        struct device_claim claim = claim_of(i, "operator", "");
        snprintf(address, sizeof address, "192.0.2.%u", i);
        claim.address = str_of(address);
        ask(&claim, NOW, i == 0 ? first : id);
    }
    struct device_claim surplus = claim_of(100, "operator", "");
    surplus.address = STR("198.51.100.1");
    cr_assert(devices_request(devices, &surplus, NOW, id, &fresh) == GW_EFULL);
    cr_assert(devices_request_scopes(devices, str_of(first), NOW, &asked) == 0);
    ask(&surplus, NOW + DEVICE_REQUEST_MS + 1, id); /* the flood has passed */
}

static void pair_silently(unsigned number, int64_t now_ms)
{
    struct device_claim claim = claim_of(number, "operator", "");
    char id[RANDOM_UUID_SIZE];
    cr_assert(devices_approve_silently(devices, &claim, now_ms, id) == 0 && id[0]);
}

Test(devices, a_full_table_refuses_when_operators_approved_all_of_it, .timeout = 60)
{
    char id[RANDOM_UUID_SIZE], device_id[DEVICE_ID_SIZE];
    for (unsigned i = 0; i < DEVICES_PAIRED_MAX; i++) {
        struct device_claim claim = claim_of(i, "operator", "");
        pair_it(&claim, NOW + i);
    }
    struct device_claim surplus = claim_of(DEVICES_PAIRED_MAX, "operator", ""), known = claim_of(0, "operator", "operator.read");
    ask(&surplus, NOW, id);
    cr_assert(devices_approve(devices, str_of(id), NOW, device_id) == GW_EFULL);
    cr_assert(devices_approve_silently(devices, &surplus, NOW, id) == GW_EFULL);
    pair_it(&known, NOW); /* one that is in may grow */
    cr_assert(devices_remove(devices, known.device_id) == 0);
    cr_assert(devices_approve_silently(devices, &surplus, NOW, id) == 0);
    cr_assert_eq(devices_paired_count(devices), DEVICES_PAIRED_MAX);
}

Test(devices, a_full_table_gives_up_the_longest_unseen_that_nobody_approved, .timeout = 60)
{
    struct device_claim approved = claim_of(0, "operator", ""), oldest = claim_of(1, "operator", ""), second = claim_of(2, "operator", "");
    pair_it(&approved, NOW);
    for (unsigned i = 1; i < DEVICES_PAIRED_MAX; i++) pair_silently(i, NOW + i);
    connect_with(&oldest, "", NOW + 5000); /* seen since */
    pair_silently(DEVICES_PAIRED_MAX, NOW + 6000);
    cr_assert_eq(devices_paired_count(devices), DEVICES_PAIRED_MAX);
    cr_assert_eq(devices_need(devices, &approved), DEVICE_NEED_NOTHING);
    cr_assert_eq(devices_need(devices, &oldest), DEVICE_NEED_NOTHING);
    cr_assert_eq(devices_need(devices, &second), DEVICE_NEED_PAIRING);
}

Test(devices, more_scopes_or_another_role_need_pairing_again)
{
    struct device_claim read = claim_of(1, "operator", "operator.read"), none = claim_of(1, "operator", "");
    struct device_claim write = claim_of(1, "operator", "operator.read,operator.write"), node = claim_of(1, "node", "");
    char id[RANDOM_UUID_SIZE];
    cr_assert_eq(devices_need(devices, &read), DEVICE_NEED_PAIRING);
    pair_it(&read, NOW);
    cr_assert_eq(devices_need(devices, &read), DEVICE_NEED_NOTHING);
    cr_assert_eq(devices_need(devices, &none), DEVICE_NEED_NOTHING);
    cr_assert_eq(devices_need(devices, &write), DEVICE_NEED_SCOPES);
    cr_assert_eq(devices_need(devices, &node), DEVICE_NEED_ROLE);
    ask(&write, NOW, id);
    cr_assert(devices_write_request(devices, str_of(id), &text) == 0);
    cr_assert(str_find(buf_str(&text), STR("\"isRepair\":true")) > 0);
    approve(id, NOW + 1);
    cr_assert_eq(devices_need(devices, &write), DEVICE_NEED_NOTHING);
}

Test(devices, approving_again_ends_the_old_token)
{
    struct device_claim read = claim_of(1, "operator", "operator.read"), write = claim_of(1, "operator", "operator.write");
    pair_it(&read, NOW);
    struct device_grant old = connect_with(&read, "", NOW);
    cr_assert(devices_token_valid(devices, &read, str_of(old.token)));
    pair_it(&write, NOW + 1);
    cr_assert_not(devices_token_valid(devices, &read, str_of(old.token)));
    struct device_grant new = connect_with(&write, "", NOW + 2);
    cr_assert_str_neq(new.token, old.token);
    cr_assert_eq(new.issued_at_ms, NOW + 1);
}

Test(devices, a_token_counts_for_its_device_role_and_scopes_alone)
{
    struct device_claim claim = claim_of(1, "operator", "operator.read"), other = claim_of(2, "operator", "operator.read");
    struct device_claim wide = claim_of(1, "operator", "operator.admin"), node = claim_of(1, "node", "");
    pair_it(&claim, NOW);
    pair_it(&other, NOW);
    struct device_grant grant = connect_with(&claim, "", NOW);
    cr_assert_eq(strlen(grant.token), 43);
    cr_assert(devices_token_valid(devices, &claim, str_of(grant.token)));
    cr_assert_not(devices_token_valid(devices, &other, str_of(grant.token)));
    cr_assert_not(devices_token_valid(devices, &wide, str_of(grant.token)));
    cr_assert_not(devices_token_valid(devices, &node, str_of(grant.token)));
    cr_assert_not(devices_token_valid(devices, &claim, STR("")));
    cr_assert_not(devices_token_valid(devices, &claim, (struct str){ grant.token, 42 }));
}

Test(devices, while_the_process_runs_a_device_gets_one_token_however_it_comes)
{
    struct device_claim claim = claim_of(1, "operator", "operator.read");
    pair_it(&claim, NOW);
    struct device_grant first = connect_with(&claim, "", NOW);
    for (int i = 0; i < 10; i++) cr_assert_str_eq(connect_with(&claim, i % 2 ? first.token : "", NOW + i).token, first.token);
}

Test(devices, after_a_restart_an_old_tab_keeps_its_token_beside_the_new_one)
{
    struct device_claim claim = claim_of(1, "operator", "operator.read");
    pair_it(&claim, NOW);
    struct device_grant tab = connect_with(&claim, "", NOW);
    restart();
    cr_assert_str_eq(connect_with(&claim, tab.token, NOW + 1).token, tab.token); /* it came with it */
    struct device_grant other = connect_with(&claim, "", NOW + 2);               /* it came with the shared secret */
    cr_assert_str_neq(other.token, tab.token);
    cr_assert_str_eq(connect_with(&claim, "", NOW + 3).token, other.token);
    cr_assert(devices_token_valid(devices, &claim, str_of(tab.token)));
    cr_assert(devices_token_valid(devices, &claim, str_of(other.token)));
    cr_assert_eq(other.issued_at_ms, tab.issued_at_ms);
}

Test(devices, one_token_text_too_many_ends_the_oldest)
{
    struct device_claim claim = claim_of(1, "operator", "operator.read");
    struct device_grant grants[DEVICE_TOKENS_MAX + 1];
    pair_it(&claim, NOW);
    for (int i = 0; i <= DEVICE_TOKENS_MAX; i++) {
        if (i == DEVICE_TOKENS_MAX) cr_assert(devices_token_valid(devices, &claim, str_of(grants[0].token)));
        grants[i] = connect_with(&claim, "", NOW + i);
        restart();
    }
    cr_assert_not(devices_token_valid(devices, &claim, str_of(grants[0].token)));
    for (int i = 1; i <= DEVICE_TOKENS_MAX; i++) cr_assert(devices_token_valid(devices, &claim, str_of(grants[i].token)), "%d", i);
}

Test(devices, a_token_of_other_scopes_replaces_the_one_before)
{
    struct device_claim both = claim_of(1, "operator", "operator.read,operator.write"), read = claim_of(1, "operator", "operator.read");
    struct scopes narrow = scopes_of("operator.read");
    struct device_grant rotated;
    pair_it(&both, NOW);
    cr_assert(devices_rotate(devices, both.device_id, STR("operator"), &narrow, NOW + 1, &rotated) == 0);
    cr_assert_eq(devices_need(devices, &both), DEVICE_NEED_SCOPES); /* the device's went with the token's */
    pair_it(&both, NOW + 2);
    struct device_grant wide = connect_with(&both, "", NOW + 3);
    cr_assert_str_eq(wide.scopes.text, "operator.read,operator.write");
    cr_assert_str_eq(connect_with(&read, "", NOW + 4).token, wide.token); /* covered: the same */
}

Test(devices, rotating_ends_the_old_token_and_keeps_its_scopes)
{
    struct device_claim claim = claim_of(1, "operator", "operator.read");
    struct device_grant old, rotated;
    pair_it(&claim, NOW);
    old = connect_with(&claim, "", NOW);
    cr_assert(devices_rotate(devices, claim.device_id, STR("operator"), NULL, NOW + 7, &rotated) == 0);
    cr_assert(rotated.issued_at_ms == NOW + 7 && strcmp(rotated.scopes.text, "operator.read") == 0);
    cr_assert_not(devices_token_valid(devices, &claim, str_of(old.token)));
    cr_assert(devices_token_valid(devices, &claim, str_of(rotated.token)));
    cr_assert(devices_rotate(devices, claim.device_id, STR("node"), NULL, NOW, &rotated) == GW_ENOENT);
    cr_assert(devices_rotate(devices, STR("nope"), STR("operator"), NULL, NOW, &rotated) == GW_ENOENT);
    cr_assert(devices_rotate(devices, claim.device_id, STR("boss"), NULL, NOW, &rotated) == GW_ENOENT);
}

/* rpc-device.pair.list-ok-2: after rotate, revoke, and a connect with the shared secret. */
Test(devices, a_revoked_token_is_dead_and_replaced_when_the_device_comes_with_the_secret)
{
    struct device_claim claim = claim_of(1, "operator", "operator.read");
    pair_it(&claim, NOW);
    struct device_grant old = connect_with(&claim, "", NOW);
    connect_with(&claim, old.token, NOW + 45);
    cr_assert(devices_revoke(devices, claim.device_id, STR("operator"), NOW + 50) == 0);
    cr_assert(devices_revoke(devices, claim.device_id, STR("node"), NOW) == GW_ENOENT);
    cr_assert_not(devices_token_valid(devices, &claim, str_of(old.token)));
    restart();
    cr_assert_not(devices_token_valid(devices, &claim, str_of(old.token)));
    devices_write_paired(devices, claim.device_id, &text);
    cr_assert(str_find(buf_str(&text), STR("\"revokedAtMs\":1795353954050,\"lastUsedAtMs\":1795353954045}]}")) > 0);
    struct device_grant new = connect_with(&claim, "", NOW + 70);
    cr_assert(devices_token_valid(devices, &claim, str_of(new.token)));
    buf_clear(&text);
    devices_write_paired(devices, claim.device_id, &text);
    cr_assert(
        str_find(buf_str(&text), STR("\"createdAtMs\":1795353954000,\"rotatedAtMs\":1795353954070,\"lastUsedAtMs\":1795353954045}]}")) > 0,
        "%s", buf_cstr(&text));
}

Test(devices, each_connect_overwrites_what_a_device_calls_itself)
{
    struct device_claim claim = claim_of(1, "operator", "operator.read");
    pair_it(&claim, NOW);
    claim.display_name = STR("");
    claim.platform = STR("Linux x86_64");
    claim.remote_ip = STR("198.51.100.7");
    connect_with(&claim, "", NOW);
    devices_write_paired(devices, claim.device_id, &text);
    cr_assert(str_find(buf_str(&text), STR("displayName")) < 0);
    cr_assert(str_find(buf_str(&text), STR("\"platform\":\"Linux x86_64\"")) > 0);
    cr_assert(str_find(buf_str(&text), STR("\"scopes\":[\"operator.read\"],\"remoteIp\":\"198.51.100.7\",\"createdAtMs\"")) > 0);
}

Test(devices, names_are_cut_and_cannot_drive_a_terminal)
{
    struct device_claim claim = claim_of(1, "operator", "");
    char id[RANDOM_UUID_SIZE], longest[DEVICE_NAME_SIZE + 10];
    claim.display_name = STR("a\x1b[31m\xc2\x9b"
                             "b\x7f");
    ask(&claim, NOW, id);
    cr_assert(devices_write_request(devices, str_of(id), &text) == 0);
    cr_assert(str_find(buf_str(&text), STR("\"displayName\":\"a [31m  b \"")) > 0, "%s", buf_cstr(&text));
    memset(longest, 'x', sizeof longest);
    memcpy(longest + DEVICE_NAME_SIZE - 2, "\xc3\xa9", 2); /* a character across the bound */
    struct device_claim other = claim_of(2, "operator", "");
    other.display_name = (struct str){ longest, sizeof longest };
    ask(&other, NOW, id);
    buf_clear(&text);
    devices_write_request(devices, str_of(id), &text);
    json_t *json = json_loadb(text.p, text.n, 0, NULL);
    cr_assert_eq(json_string_length(json_object_get(json, "displayName")), DEVICE_NAME_SIZE - 2);
    json_decref(json);
}

Test(devices, rejecting_settles_a_request_and_removing_forgets_a_device_with_its_requests)
{
    struct device_claim claim = claim_of(1, "operator", "operator.read"), more = claim_of(1, "operator", "operator.admin");
    char id[RANDOM_UUID_SIZE], device_id[DEVICE_ID_SIZE];
    ask(&claim, NOW, id);
    cr_assert(devices_reject(devices, str_of(id), NOW, device_id) == 0);
    cr_assert_str_eq(device_id, claim.device_id.p);
    cr_assert(devices_reject(devices, str_of(id), NOW, device_id) == GW_ENOENT && device_id[0] == '\0');
    pair_it(&claim, NOW);
    struct device_grant grant = connect_with(&claim, "", NOW);
    ask(&more, NOW, id);
    cr_assert(devices_remove(devices, claim.device_id) == 0);
    cr_assert_not(devices_token_valid(devices, &claim, str_of(grant.token)));
    cr_assert(devices_paired_count(devices) == 0 && devices_request_count(devices) == 0);
    cr_assert(devices_remove(devices, claim.device_id) == GW_ENOENT);
    cr_assert(devices_connected(devices, &claim, STR(""), NOW, &grant) == GW_ENOENT);
}

Test(devices, pairing_silently_settles_the_request_that_waits)
{
    struct device_claim claim = claim_of(1, "operator", "operator.read");
    char id[RANDOM_UUID_SIZE], settled[RANDOM_UUID_SIZE];
    ask(&claim, NOW, id);
    cr_assert(devices_approve_silently(devices, &claim, NOW + 1, settled) == 0);
    cr_assert_str_eq(settled, id);
    cr_assert_eq(devices_request_count(devices), 0);
    cr_assert_eq(devices_need(devices, &claim), DEVICE_NEED_NOTHING);
}
