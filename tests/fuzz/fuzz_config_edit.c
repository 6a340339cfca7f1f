/* Any text and any patch or path: an edit fails with a reason, or gives JSON5 again; what is hidden
 * comes back as something that can be read. */
#include <stdlib.h>

#include "base/config_edit.h"
#include "base/config_redact.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_json5(struct str text, enum json5_kind *kind)
{
    struct arena arena = { 0 };
    struct json5_node *root;
    struct json5_error error;
    int rc = json5_parse(&arena, text, 0, &root, &error);
    if (rc == 0) *kind = root->kind;
    arena_free(&arena);
    return rc == 0 || rc == GW_ELIMIT; /* an edit may nest deeper than a file may */
}

static void check(int rc, const struct buf *out, const char *why)
{
    enum json5_kind kind = JSON5_OBJECT;
    if (rc && (out->n || !why[0])) abort();
    if (rc == 0 && (!is_json5(buf_str(out), &kind) || kind != JSON5_OBJECT)) abort();
}

/* The first line is the patch, or a path and a value; the rest is the text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size }, first = str_split(&text, '\n'), value = first, path = str_split(&value, '=');
    struct buf out = { 0 }, shown = { 0 }, again = { 0 }, reason = { 0 };
    char why[CONFIG_EDIT_WHY_MAX] = "";
    check(config_edit_patch(text, first, &out, why), &out, why);
    buf_clear(&out);
    check(config_edit_set(text, path, value, &out, why), &out, why);
    buf_clear(&out);
    check(config_edit_unset(text, path, &out, why), &out, why);
    if (config_redact_text(text, &shown) == 0 && str_find(text, STR(CONFIG_REDACTED)) < 0) {
        int rc = config_redact_restore(buf_str(&shown), text, NULL, &again, &reason);
        enum json5_kind kind;
        if (rc != 0 && rc != GW_EINVAL) abort();
        if (rc == 0 && (!is_json5(buf_str(&again), &kind) || str_find(buf_str(&again), STR(CONFIG_REDACTED)) >= 0)) abort();
    }
    buf_free(&out);
    buf_free(&shown);
    buf_free(&again);
    buf_free(&reason);
    return 0;
}
