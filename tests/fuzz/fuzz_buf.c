/* Whatever bytes go into buf_json_str(), a strict JSON reader takes the result, and text that was UTF-8 comes back
 * unchanged. With a bound of a few bytes nothing is written past it. */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parses_back(struct str text)
{
    struct buf b = { 0 };
    buf_char(&b, '[');
    buf_json_str(&b, text);
    buf_char(&b, ']');
    assert(b.err == 0);
    json_error_t problem;
    json_t *array = json_loadb(b.p, b.n, JSON_ALLOW_NUL, &problem);
    assert(array && json_array_size(array) == 1);
    json_t *back = json_array_get(array, 0);
    assert(json_is_string(back));
    if (str_utf8_valid(text)) assert(str_eq(text, (struct str){ json_string_value(back), json_string_length(back) }));
    json_decref(array);
    buf_free(&b);
}

static void keeps_its_bound(struct str text, size_t max)
{
    struct buf b = { .max = max };
    buf_json_str(&b, text);
    assert(b.n <= max);
    assert(b.err == 0 || b.err == GW_ELIMIT);
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    parses_back(text);
    if (size > 0) keeps_its_bound(text, (size_t)data[0] + 1);
    return 0;
}
