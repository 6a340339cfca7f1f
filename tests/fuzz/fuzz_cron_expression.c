/* A cron expression, and a time: "<seconds> <expression>". What is taken has a next time that lies behind, and another behind that. */
#include <stdbool.h>
#include <stdlib.h>

#include "base/cron_expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool claim)
{
    if (!claim) __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static timezone_t *zone;
    struct cron_expression e;
    struct buf why = { 0 };
    struct str rest = { (const char *)data, size }, time = str_split(&rest, ' ');
    int64_t after_s = 0;
    if (!zone && timezone_load(NULL, STR("America/New_York"), &zone) != 0) abort();
    if (str_to_int(time, &after_s) != 0 || after_s < 0 || after_s > INT64_C(200000000000)) after_s = 1795348800;
    int rc = cron_expression_parse(rest.p ? rest : time, &e, &why);
    insist((rc != 0) == (why.n > 0));
    buf_free(&why);
    if (rc) return 0;
    for (int i = 0; i < 3; i++) {
        int64_t next_ms = cron_expression_next(&e, zone, after_s * 1000);
        if (next_ms < 0) break;
        insist(next_ms > after_s * 1000 && next_ms % 1000 == 0);
        after_s = next_ms / 1000;
    }
    return 0;
}
