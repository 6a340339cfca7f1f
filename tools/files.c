/* tools/files.c -- read, write, edit. Source: agent-runtime 4, frames tool-read-*, tool-write-*, tool-edit-*. */
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "tools/beneath.h"

enum { READ_LINES = 2000, READ_BYTES = 50 * 1024 };

static int fail_why(struct tool_call *call, int rc, struct buf *why)
{
    if (rc == GW_ENOMEM) return rc;
    return tool_fail(call, "%s", why->n ? buf_cstr(why) : err_text(rc));
}

/* --- read --------------------------------------------------------------------------------------------------------- */

static size_t count_lines(struct str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) n += text.p[i] == '\n';
    return n + (text.n && text.p[text.n - 1] != '\n');
}

static bool is_text(struct str bytes)
{
    struct str head = str_utf8_prefix(bytes, 8192);
    return !memchr(head.p ? head.p : "", '\0', head.n) && str_utf8_valid(head);
}

/* Lines from `offset` (1, 2, ...), at most `limit` of them and READ_BYTES; then how to go on. */
static int show(struct tool_call *call, struct str text, int64_t offset, int64_t limit)
{
    struct str rest = text;
    size_t all = count_lines(text), at = 1, shown = 0;
    if ((uint64_t)offset > all && all > 0)
        return tool_fail(call, "Offset %lld is beyond end of file (%zu lines total)", (long long)offset, all);
    for (; (int64_t)at < offset; at++) str_split(&rest, '\n');
    const char *from = rest.p;
    size_t bytes = 0;
    while (rest.n && (int64_t)shown < limit) {
        struct str before = rest, line = str_split(&rest, '\n');
        if (bytes + line.n > READ_BYTES) {
            if (shown == 0) { /* a single line that is too long: its beginning */
                buf_add(call->result, str_utf8_prefix(line, READ_BYTES));
                buf_printf(call->result, "\n\n[Line %zu is %zu bytes long; its first %d are shown. Use exec to see more of it.]", at,
                           line.n, READ_BYTES);
                return 0;
            }
            rest = before;
            break;
        }
        bytes = (size_t)(line.p + line.n - from) + 1;
        shown++;
    }
    size_t left = all - (at - 1) - shown;
    if (bytes > text.n - (size_t)(from - text.p)) bytes = text.n - (size_t)(from - text.p);
    if (shown) buf_add(call->result, (struct str){ from, bytes });
    if (left) buf_printf(call->result, "\n\n[%zu more lines in file. Use offset=%zu to continue.]", left, at + shown);
    return 0;
}

int tool_read(struct tool_call *call)
{
    struct str path = tool_text(call, "path", NULL);
    struct buf text = { 0 }, why = { 0 };
    int rc = beneath_read(call->place, path, &text, &why);
    if (rc)
        rc = fail_why(call, rc, &why);
    else if (!is_text(buf_str(&text)))
        rc = tool_fail(call, "%.*s is no text: %zu bytes of binary data. Use exec (file, strings, xxd) to look into it.",
                       STR_ARG(str_utf8_prefix(path, 300)), text.n);
    else
        rc = show(call, buf_str(&text), tool_whole(call, "offset", 1), tool_whole(call, "limit", READ_LINES));
    buf_free(&text);
    buf_free(&why);
    return rc;
}

/* --- write -------------------------------------------------------------------------------------------------------- */

int tool_write(struct tool_call *call)
{
    struct str path = tool_text(call, "path", NULL), content = tool_text(call, "content", NULL);
    struct buf why = { 0 };
    int rc = beneath_write(call->place, path, content, 0, &why);
    if (rc)
        rc = fail_why(call, rc, &why);
    else
        buf_printf(call->result, "Successfully wrote %zu bytes to %.*s", content.n, STR_ARG(path));
    buf_free(&why);
    return rc;
}

/* --- edit --------------------------------------------------------------------------------------------------------- */

static size_t occurrences(struct str text, struct str what, size_t *first)
{
    size_t n = 0;
    ptrdiff_t at;
    for (struct str rest = text; what.n && (at = str_find(rest, what)) >= 0; n++) {
        if (n == 0) *first = (size_t)(rest.p + at - text.p);
        rest = (struct str){ rest.p + at + 1, rest.n - (size_t)at - 1 };
    }
    return n;
}

static int edit(struct tool_call *call, struct str path, struct str text)
{
    struct str old = tool_text(call, "oldText", NULL), fresh = tool_text(call, "newText", NULL);
    struct buf changed = { 0 }, why = { 0 };
    size_t at = 0, n = occurrences(text, old, &at);
    if (n == 0)
        return tool_fail(call,
                         "Could not find the exact text in %.*s. The old text must match exactly including all whitespace and newlines.",
                         STR_ARG(path));
    if (n > 1)
        return tool_fail(call, "Found %zu occurrences of the text in %.*s. The text must be unique: give more of what stands around it.", n,
                         STR_ARG(path));
    if (str_eq(old, fresh)) return tool_fail(call, "No changes made to %.*s: old and new text are the same.", STR_ARG(path));
    buf_add(&changed, (struct str){ text.p, at });
    buf_add(&changed, fresh);
    buf_add(&changed, (struct str){ text.p + at + old.n, text.n - at - old.n });
    int rc = changed.err ? changed.err : beneath_write(call->place, path, buf_str(&changed), 0, &why);
    if (rc)
        rc = fail_why(call, rc, &why);
    else
        buf_printf(call->result, "Successfully replaced text in %.*s.", STR_ARG(path));
    buf_free(&changed);
    buf_free(&why);
    return rc;
}

int tool_edit(struct tool_call *call)
{
    struct str path = tool_text(call, "path", NULL);
    struct buf text = { 0 }, why = { 0 };
    int rc = beneath_read(call->place, path, &text, &why);
    rc = rc ? fail_why(call, rc, &why) : edit(call, path, buf_str(&text));
    buf_free(&text);
    buf_free(&why);
    return rc;
}
