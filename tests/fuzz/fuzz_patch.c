/* A patch as a model writes it, on a file: the first line of the input is where they part. What comes out has lines of the two alone. */
#include <stdbool.h>
#include <string.h>

#include "tools/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool claim)
{
    if (!claim) __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = { 0 };
    struct buf out = { 0 }, why = { 0 };
    struct patch_file *files;
    size_t count, cut = size ? (size_t)data[0] * 4 : 0;
    struct str all = { (const char *)data, size };
    if (size == 0) return 0;
    if (cut > size - 1) cut = size - 1;
    struct str before = { all.p + 1, cut }, text = { all.p + 1 + cut, size - 1 - cut };
    int rc = patch_parse(text, &arena, &files, &count, &why);
    insist((rc != 0) == (why.n > 0) && (rc || count));
    for (size_t i = 0; rc == 0 && i < count; i++) {
        buf_clear(&out);
        buf_clear(&why);
        insist(files[i].path.n > 0);
        if (files[i].kind == PATCH_ADD) patch_added(&files[i], &out);
        if (files[i].kind != PATCH_UPDATE) continue;
        int failed = patch_apply(&files[i], before, &arena, &out, &why);
        insist((failed != 0) == (why.n > 0));
        insist(out.n <= 2 * size + 2);
    }
    buf_free(&out);
    buf_free(&why);
    arena_free(&arena);
    return 0;
}
