#include "tests/support/tempdir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

void tempdir_make(char out[TEMPDIR_MAX])
{
    snprintf(out, TEMPDIR_MAX, "/tmp/openclaw-test-XXXXXX");
    if (!mkdtemp(out)) {
        perror(out);
        abort();
    }
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void tempdir_remove(const char *path)
{
    nftw(path, drop, 16, FTW_DEPTH | FTW_PHYS);
}
