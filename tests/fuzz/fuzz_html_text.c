/* A page as a server sends it, as text: of a bounded size, and UTF-8. */
#include <stdbool.h>

#include "tools/html_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool claim)
{
    if (!claim) __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf title = { 0 }, out = { 0 };
    if (size == 0) return 0;
    int rc = html_text((struct str){ (const char *)data + 1, size - 1 }, data[0] & 1, &title, &out);
    if (rc == 0) {
        insist(str_utf8_valid(buf_str(&title)) && str_utf8_valid(buf_str(&out)));
        insist(out.n <= 64 * size + 4096);
    }
    buf_free(&title);
    buf_free(&out);
    return 0;
}
