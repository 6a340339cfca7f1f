/* A command as a model writes it, judged. What is understood has at least one program, and no line feed outside quotes. */
#include <stdbool.h>

#include "tools/exec_allow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool claim)
{
    if (!claim) __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct exec_scan scan;
    static const struct str names[] = { { "head", 4 } };
    const struct exec_where where = { "/nowhere", STR("/usr/bin:/bin"), "/home" };
    struct str text = { (const char *)data, size };
    exec_scan(text, &where, &scan);
    insist(scan.count <= EXEC_PROGRAMS_MAX);
    insist(scan.problem || scan.count > 0);
    for (size_t i = 0; i < scan.count; i++) {
        exec_is_safe(&scan.programs[i], names, 1);
        exec_pattern_matches(text, scan.programs[i].path, "/home");
    }
    return 0;
}
