#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

enum { BLOCKS = 4096, BLOCK_BYTES = 4096 };

static long resident_kib(void)
{
    long pages = 0, all = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    cr_assert(f && fscanf(f, "%ld %ld", &all, &pages) == 2);
    fclose(f);
    return pages * sysconf(_SC_PAGESIZE) / 1024;
}

Test(memory, code_and_tables_are_there_when_they_are_wanted_again)
{
    char text[64];
    memory_give_back();
    long least = resident_kib();
    snprintf(text, sizeof text, "%.3f %s", 1.5, strerror(2));
    cr_assert_str_eq(text, "1.500 No such file or directory");
    memory_give_back();
    cr_assert(resident_kib() <= least + 256); /* what was just wanted went as well; the sanitizers take some themselves */
}

Test(memory, goes_back_when_the_process_was_idle_and_only_once)
{
    static char *blocks[BLOCKS];
    struct memory_watch w = { 0 };
    cr_assert(memory_look(&w)); /* since the machine started, this process did little */
    w.left_kib = 0;
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(BLOCK_BYTES);
        cr_assert_not_null(blocks[i]);
        memset(blocks[i], 1, BLOCK_BYTES);
    }
    for (int i = 0; i < BLOCKS; i++) free(blocks[i]);
    w.looked_ms -= 1000000000; /* long ago: in that time, little was done */
    cr_assert(memory_look(&w));
    w.looked_ms -= 1000000000;
    cr_assert(!memory_look(&w)); /* nothing came in */
}

Test(memory, stays_while_the_process_is_busy)
{
    struct memory_watch w = { 0 };
    memory_look(&w);
    w.left_kib -= 2 * MEMORY_GAIN_KIB;
    w.cpu_ms -= 1000; /* a second of work since */
    cr_assert(!memory_look(&w));
}
