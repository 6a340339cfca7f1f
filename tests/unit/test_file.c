#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

static char dir[64];
static char path[96];
static struct buf out;

static void start(void)
{
    snprintf(dir, sizeof dir, "/tmp/test_file.XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/f", dir);
    FILE *f = fopen(path, "wb");
    cr_assert_not_null(f);
    fputs("0123456789", f);
    fclose(f);
    out = (struct buf){ 0 };
}

static void finish(void)
{
    unlink(path);
    rmdir(dir);
    buf_free(&out);
}

TestSuite(file, .init = start, .fini = finish);

Test(file, reads_up_to_its_bound_and_nothing_beyond)
{
    cr_assert_eq(file_read(path, 10, &out), 0);
    cr_assert(str_is(buf_str(&out), "0123456789"));
    cr_assert_eq(file_read(path, 9, &out), GW_ELIMIT);
    cr_assert_eq(out.n, 10);
}

Test(file, reads_both_ends_of_a_large_one)
{
    uint64_t left_out;
    cr_assert_eq(file_read_ends(path, 3, 2, &out, &left_out), 0);
    cr_assert(str_is(buf_str(&out), "01289") && left_out == 5);
    buf_clear(&out);
    cr_assert_eq(file_read_ends(path, 5, 5, &out, &left_out), 0);
    cr_assert(str_is(buf_str(&out), "0123456789") && left_out == 0);
}

Test(file, refuses_what_is_not_a_regular_file)
{
    char fifo[96];
    snprintf(fifo, sizeof fifo, "%s/fifo", dir);
    cr_assert_eq(mkfifo(fifo, 0600), 0);
    cr_assert_eq(file_read(fifo, 10, &out), GW_EIO);
    unlink(fifo);
    cr_assert_eq(file_read(dir, 10, &out), GW_EIO);
    cr_assert_eq(file_read("/nowhere/f", 10, &out), GW_ENOENT);
}
