#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/query_rig.h"

/* The state directory is not ~/.openclaw here, as in a container: HOME is rig_dir, which is the state directory. */
TestSuite(query_approvals, .init = rig_setup, .fini = rig_end, .timeout = 20);

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OTHERS_FILE ".openclaw/exec-approvals.json"
#define POLICY                                                                                                                             \
    "\"version\":1,\"defaults\":{\"security\":\"allowlist\",\"ask\":\"on-miss\"},\"agents\":{\"main\":{\"allowlist\":[{\"pattern\":\"/"    \
    "bin/ls\"}]}}"

static const char *get(void)
{
    return rig_ask(query_approvals_handlers, RPC_exec_approvals_get, NULL);
}

static const char *set(const char *file, const char *hash)
{
    static char params[4096];
    snprintf(params, sizeof params, "{\"file\":{%s}%s%s%s}", file, hash ? ",\"baseHash\":\"" : "", hash ? hash : "", hash ? "\"" : "");
    return params;
}

static const char *hash_in(const char *answer)
{
    static char hash[65];
    const char *at = strstr(answer, "\"hash\":\"");
    cr_assert(at && str_copy(hash, sizeof hash, (struct str){ at + 8, 64 }) == 0);
    return hash;
}

Test(query_approvals, without_a_file_there_is_an_empty_list)
{
    char want[512];
    snprintf(want, sizeof want,
             "{\"path\":\"%s\",\"exists\":false,\"hash\":\"" EMPTY_HASH
             "\",\"file\":{\"version\":1,\"socket\":{},\"defaults\":{},\"agents\":{}}}",
             rig_path("exec-approvals.json"));
    cr_assert_str_eq(get(), want);
    cr_assert(access(rig_path("exec-approvals.json"), F_OK) != 0, "reading makes no file");
}

Test(query_approvals, what_is_set_is_got_and_private)
{
    struct stat st;
    const char *got = rig_ask(query_approvals_handlers, RPC_exec_approvals_set, set(POLICY, NULL));
    cr_assert(strstr(got, "\"exists\":true,") &&
                  strstr(got, "\"defaults\":{\"security\":\"allowlist\",\"ask\":\"on-miss\"},\"agents\":{\"main\":{\"allowlist\":"
                              "[{\"pattern\":\"/bin/ls\",\"id\":\""),
              "%s", got);
    char answer[2048];
    cr_assert(str_copy(answer, sizeof answer, str_of(got)) == 0);
    cr_assert_str_eq(get(), answer);
    cr_assert(stat(rig_path("exec-approvals.json"), &st) == 0 && (st.st_mode & 0777) == 0600);
    cr_assert(access(rig_path("exec-approvals.json.new"), F_OK) != 0);
}

Test(query_approvals, the_same_content_has_the_same_hash_again)
{
    char first[65];
    str_copy(first, sizeof first, str_of(hash_in(rig_ask(query_approvals_handlers, RPC_exec_approvals_set, set("\"version\":1", NULL)))));
    const char *second = hash_in(rig_ask(query_approvals_handlers, RPC_exec_approvals_set, set(POLICY, first)));
    cr_assert_str_neq(second, first);
    cr_assert_str_eq(hash_in(rig_ask(query_approvals_handlers, RPC_exec_approvals_set, set("\"version\":1,\"agents\":{}", second))), first);
}

Test(query_approvals, a_list_that_changed_meanwhile_is_not_overwritten)
{
    rig_ask(query_approvals_handlers, RPC_exec_approvals_set, set(POLICY, NULL));
    cr_assert_str_eq(rig_refused(query_approvals_handlers, RPC_exec_approvals_set, set("\"version\":1", NULL)),
                     "INVALID_REQUEST exec approvals base hash required; re-run exec.approvals.get and retry");
    cr_assert_str_eq(rig_refused(query_approvals_handlers, RPC_exec_approvals_set, set("\"version\":1", "bad")),
                     "INVALID_REQUEST exec approvals changed since last load; re-run exec.approvals.get and retry");
}

Test(query_approvals, a_word_that_means_nothing_is_refused)
{
    cr_assert_str_eq(
        rig_refused(query_approvals_handlers, RPC_exec_approvals_set, set("\"version\":1,\"defaults\":{\"security\":\"maybe\"}", NULL)),
        "INVALID_REQUEST invalid exec.approvals.set params: at /file/defaults/security: must be equal to one of the allowed values");
    cr_assert_str_eq(
        rig_refused(query_approvals_handlers, RPC_exec_approvals_set, set("\"version\":1,\"agents\":{\"a\":{\"ask\":\"never\"}}", NULL)),
        "INVALID_REQUEST invalid exec.approvals.set params: at /file/agents/a/ask: must be equal to one of the allowed values");
    cr_assert(access(rig_path("exec-approvals.json"), F_OK) != 0);
}

Test(query_approvals, openclaws_own_file_is_read_and_left_as_it_is)
{
    char before[2048], after[2048], hash[65];
    rig_write(OTHERS_FILE,
              "{\"version\":1,\"socket\":{\"path\":\"/x.sock\",\"token\":\"gGIa_EOarWFqrRbGwdEsaSn6\"},"
              "\"defaults\":{},\"agents\":{\"main\":{\"allowlist\":[\"/bin/ls\",{\"pattern\":\"/bin/cat\",\"id\":\"i\",\"odd\":1}]}}}");
    rig_read(OTHERS_FILE, before, sizeof before);
    const char *got = get();
    cr_assert(strstr(got, OTHERS_FILE "\",\"exists\":true") && strstr(got, "\"socket\":{\"path\":\"/x.sock\"}"), "%s", got);
    cr_assert(!strstr(got, "gGIa") && strstr(got, "{\"pattern\":\"/bin/cat\",\"id\":\"i\"}"), "%s", got);
    str_copy(hash, sizeof hash, str_of(hash_in(got)));
    got = rig_ask(query_approvals_handlers, RPC_exec_approvals_set, set(POLICY, hash));
    cr_assert(strstr(got, rig_path("exec-approvals.json")) && !strstr(got, "gGIa"), "%s", got);
    rig_read(OTHERS_FILE, after, sizeof after);
    cr_assert_str_eq(after, before);
    rig_read("exec-approvals.json", after, sizeof after);
    cr_assert(strstr(after, "gGIa_EOarWFqrRbGwdEsaSn6"), "the socket's token is kept in the file: %s", after);
}

Test(query_approvals, a_damaged_file_allows_nothing)
{
    rig_write("exec-approvals.json", "{ not json");
    cr_assert(strstr(get(), "\"exists\":true") && strstr(get(), "\"agents\":{}}"), "%s", get());
}

Test(query_approvals, a_file_above_the_bound_is_not_read)
{
    struct buf big = { 0 };
    buf_text(&big, "{\"version\":1}");
    while (big.n < QUERY_APPROVALS_FILE_MAX) buf_char(&big, ' ');
    rig_write("exec-approvals.json", buf_cstr(&big));
    cr_assert(strstr(get(), "\"exists\":true"));
    buf_char(&big, ' ');
    rig_write("exec-approvals.json", buf_cstr(&big));
    cr_assert(strstr(rig_refused(query_approvals_handlers, RPC_exec_approvals_get, NULL), "cannot be read: larger than its limit"));
    buf_free(&big);
}

Test(query_approvals, a_folder_that_cannot_be_written_is_a_clear_refusal)
{
    cr_assert(mkdir(rig_path("exec-approvals.json.new"), 0700) == 0); /* stands in the way, also for root */
    const char *said = rig_refused(query_approvals_handlers, RPC_exec_approvals_set, set(POLICY, NULL));
    cr_assert(strncmp(said, "UNAVAILABLE ", 12) == 0 && strstr(said, "exec-approvals.json cannot be written: "), "%s", said);
}
