/* A process that writes is killed again and again; what it had been told is durable must be there. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "store_fixture.h"

enum { KILLS = 25, GROUP = 4, SESSIONS = 3 };

TestSuite(store_crash, .init = fixture_setup, .fini = fixture_teardown, .timeout = 60);

static void session_key(int64_t turn, char key[32])
{
    snprintf(key, 32, "agent:main:s%d", (int)(turn % SESSIONS));
}

/* Turns in groups for ever: each begins one group after it was accepted and ends one later. Tells the last id committed. */
static void write_for_ever(int told)
{
    char key[32];
    struct buf report = { 0 };
    store_t *store;
    int64_t id;
    if (store_open(str_of(fixture_dir), NULL, &store, &report) != 0 || turns_max_id(store, &id) != 0) _exit(2);
    for (;;) {
        if (store_begin(store) != 0) _exit(3);
        for (int i = 0; i < GROUP; i++) {
            session_key(++id, key);
            const struct turn_end end = fixture_end(id - 2 * GROUP, TURN_DONE);
            if (fixture_accept(store, id, key) != 0) _exit(4);
            int rc = turns_begin(store, id - GROUP, STR("{\"role\":\"user\"}"), NOW, NULL);
            if (rc != 0 && rc != GW_ENOENT && rc != GW_EEXIST) _exit(5);
            rc = turns_finish(store, &end, NULL);
            if (rc != 0 && rc != GW_ENOENT) _exit(6);
        }
        if (store_commit(store) != 0) _exit(7);
        if (write(told, &id, sizeof id) != sizeof id) _exit(8);
    }
}

/* Reads ids until the writer has been killed. @return the last one it told */
static int64_t kill_one(unsigned *seed)
{
    int64_t id = 0, last = 0;
    int ends[2], status;
    cr_assert(pipe(ends) == 0);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        write_for_ever(ends[1]);
    }
    close(ends[1]);
    int groups = 1 + rand_r(seed) % 60, spin = rand_r(seed) % 20000;
    for (int i = 0; i < groups && read(ends[0], &id, sizeof id) == sizeof id; i++) last = id;
    for (volatile int i = 0; i < spin; i++) continue; /* somewhere inside the next group */
    kill(pid, SIGKILL);
    while (read(ends[0], &id, sizeof id) == sizeof id) last = id;
    close(ends[0]);
    cr_assert(waitpid(pid, &status, 0) == pid);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the writer ended by itself: %d", status);
    return last;
}

struct tally {
    int users;
    int answers;
    int64_t turn;
};

static int count_roles(void *ctx, const struct message_row *row)
{
    struct tally *t = ctx;
    if (row->turn != t->turn) return 0;
    t->users += str_is(row->role, "user");
    t->answers += str_is(row->role, "assistant");
    return 0;
}

static int check_turn(void *ctx, const struct turn_row *row)
{
    struct tally tally = { .turn = row->id };
    int64_t around = row->user_seq > 20 ? row->user_seq - 20 : 0;
    cr_assert(messages_list(ctx, row->session, around, 60, count_roles, &tally) == 0);
    cr_assert(tally.users == (row->state >= TURN_RUNNING), "turn %lld: %d user messages", (long long)row->id, tally.users);
    cr_assert(tally.answers == (row->state == TURN_DONE), "turn %lld: %d answers", (long long)row->id, tally.answers);
    return 0;
}

Test(store_crash, loses_and_doubles_nothing)
{
    unsigned seed = (unsigned)time(NULL);
    int64_t told = 0, max, from = 1;
    struct buf report = { 0 };
    for (int i = 0; i < KILLS; i++) {
        int64_t last = kill_one(&seed);
        if (last > told) told = last;
        store_t *store = fixture_open(NULL, 0, &report);
        cr_assert(store_check(store, &report) == 0 && report.n == 0, "%s", buf_cstr(&report));
        cr_assert(turns_max_id(store, &max) == 0);
        cr_assert(max >= told && max % GROUP == 0, "seed %u: told %lld, found %lld", seed, (long long)told, (long long)max);
        for (int64_t id = from; id <= max; id++)
            cr_assert(turns_get(store, id, check_turn, store) == 0, "seed %u: turn %lld is lost", seed, (long long)id);
        from = max > 2 * GROUP ? max - 2 * GROUP + 1 : 1; /* what was pending; the rest cannot change any more */
        store_close(&store);
    }
    buf_free(&report);
}
