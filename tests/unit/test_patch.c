/* Patches: how they are read, where their hunks go. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "tools/patch.h"

static struct arena arena;
static struct buf out, why;

static void clean(void)
{
    arena_free(&arena);
    buf_free(&out);
    buf_free(&why);
}

TestSuite(patch, .fini = clean);

/* What comes of a file by the hunks of one update; NULL: `why` says why not. */
static const char *apply(const char *before, const char *hunks)
{
    struct buf text = { 0 };
    struct patch_file *files;
    size_t count;
    buf_clear(&out);
    buf_clear(&why);
    buf_printf(&text, "*** Begin Patch\n*** Update File: f\n%s*** End Patch", hunks);
    struct str copy = arena_str(&arena, buf_str(&text));
    buf_free(&text);
    int rc = patch_parse(copy, &arena, &files, &count, &why);
    if (rc == 0) rc = patch_apply(&files[0], str_of(before), &arena, &out, &why);
    return rc ? NULL : buf_cstr(&out);
}

static bool refuses(const char *patch, const char *words)
{
    struct patch_file *files;
    size_t count;
    buf_clear(&why);
    return patch_parse(str_of(patch), &arena, &files, &count, &why) == GW_EINVAL && strstr(buf_cstr(&why), words);
}

Test(patch, a_patch_is_read_file_by_file)
{
    struct patch_file *files;
    size_t count;
    cr_assert_eq(patch_parse(STR("*** Begin Patch\n*** Add File: a/b.txt\n+one\n+\n+two\n*** Delete File: old\n*** Update File: x\n"
                                 "*** Move to: y\n@@ def f():\n a\n-b\n+c\n@@\n\n+end\n*** End of File\n*** End Patch\n"),
                             &arena, &files, &count, &why),
                 0, "%s", buf_cstr(&why));
    cr_assert_eq(count, 3);
    cr_expect(files[0].kind == PATCH_ADD && str_is(files[0].path, "a/b.txt"));
    patch_added(&files[0], &out);
    cr_expect_str_eq(buf_cstr(&out), "one\n\ntwo\n");
    cr_expect(files[1].kind == PATCH_DELETE && str_is(files[1].path, "old"));
    cr_expect(files[2].kind == PATCH_UPDATE && str_is(files[2].move_to, "y") && files[2].hunk_count == 2);
    cr_expect(str_is(files[2].hunks[0].behind, "def f():") && !files[2].hunks[0].at_end);
    cr_expect(files[2].hunks[1].behind.n == 0 && files[2].hunks[1].at_end);
}

Test(patch, what_is_no_patch_is_refused_with_its_line)
{
    cr_expect(refuses("", "begins with `*** Begin Patch`"));
    cr_expect(refuses("*** Begin Patch\n*** End Patch", "names no file"));
    cr_expect(refuses("*** Begin Patch\n*** Add File: a\n+x", "ends with `*** End Patch`"));
    cr_expect(
        refuses("*** Begin Patch\n*** Add File: a\nx\n*** End Patch", "Line 3 of the patch: a line of a new file begins with '+': x"));
    cr_expect(refuses("*** Begin Patch\n*** Add File: \n+x\n*** End Patch", "a path is missing"));
    cr_expect(refuses("*** Begin Patch\n*** Update File: a\n*** End Patch", "nothing is to be changed"));
    cr_expect(refuses("*** Begin Patch\n*** Update File: a\n@@\n*** End Patch", "a hunk has no lines"));
    cr_expect(refuses("*** Begin Patch\n*** Update File: a\n@@\n a\nb\n*** End Patch", "Line 5 of the patch: a line of a hunk"));
    cr_expect(refuses("*** Begin Patch\n*** Rename File: a\n*** End Patch", "Line 2 of the patch: this is no"));
}

Test(patch, hunks_are_found_by_their_lines)
{
    cr_expect_str_eq(apply("a\nb\nc\n", "@@\n a\n-b\n+B\n c\n"), "a\nB\nc\n");
    cr_expect_str_eq(apply("a\nb\nc\n", "-b\n+B\n"), "a\nB\nc\n", "the first needs no @@");
    cr_expect_str_eq(apply("x\ny\nx\ny\n", "@@\n-x\n+1\n@@\n-x\n+2\n"), "1\ny\n2\ny\n", "one behind the other");
    cr_expect_str_eq(apply("f:\n  x\ng:\n  x\n", "@@ g:\n-  x\n+  z\n"), "f:\n  x\ng:\n  z\n");
    cr_expect_str_eq(apply("x\ny\nx\n", "@@\n-x\n+z\n*** End of File\n"), "x\ny\nz\n");
    cr_expect_str_eq(apply("*** x\ny\n", "@@\n *** x\n-y\n+z\n"), "*** x\nz\n", "stars in a line of context");
    cr_expect_str_eq(apply("x\n", "@@\n-x\n+z\n  *** End of File\n"), "z\n", "a marker may be indented");
    cr_expect_str_eq(apply("a", "@@\n a\n+b\n"), "a\nb\n", "a last line without its end gets one");
    cr_expect_str_eq(apply("a\n", "@@\n+b\n"), "a\nb\n", "lines alone go to the end");
    cr_expect_str_eq(apply("a\nb\n", "@@ a\n+x\n"), "a\nx\nb\n");
    cr_expect_str_eq(apply("", "@@\n+b\n"), "b\n");
    cr_expect_str_eq(apply("a\n\nb\n", "@@\n a\n\n-b\n+c\n"), "a\n\nc\n", "an empty line is context");
    cr_expect_str_eq(apply("a  \n\tb\n", "@@\n a\n-b\n+c\n"), "a  \nc\n", "blanks differ; context stays as it is");
    cr_expect_str_eq(apply("a\r\nb\r\n", "@@\n a\n-b\n+c\n"), "a\r\nc\r\n");
}

Test(patch, what_is_not_there_changes_nothing_and_is_named)
{
    cr_expect_null(apply("a\nb\n", "@@\n-a\n+A\n@@\n-zzz\n+y\n"));
    cr_expect(strstr(buf_cstr(&why), "f, hunk 2: these lines are not there") && strstr(buf_cstr(&why), "zzz"), "%s", buf_cstr(&why));
    cr_expect_null(apply("a\nb\n", "@@ nowhere\n-a\n+A\n"));
    cr_expect(strstr(buf_cstr(&why), "which @@ names, is not there: nowhere"), "%s", buf_cstr(&why));
    cr_expect_null(apply("b\na\n", "@@\n-a\n+A\n@@\n-b\n+B\n"), "not in front of the hunk before");
}

Test(patch, no_patch_takes_for_ever, .timeout = 30)
{
    struct buf before = { 0 }, hunk = { 0 };
    for (int i = 0; i < 400000; i++) buf_text(&before, "a\n");
    buf_text(&hunk, "@@\n");
    for (int i = 0; i < 100000; i++) buf_text(&hunk, " a\n");
    buf_text(&hunk, "-b\n");
    int64_t begun = clock_mono_ms();
    cr_expect_null(apply(buf_cstr(&before), buf_cstr(&hunk)));
    cr_expect_lt(clock_mono_ms() - begun, 15000);
    buf_free(&before);
    buf_free(&hunk);
}
