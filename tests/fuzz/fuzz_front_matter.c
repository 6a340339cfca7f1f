/* Any SKILL.md is read or refused with a line that it has. */
#include <stdlib.h>

#include "skills/front_matter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct arena arena = { .max = 1024 * 1024 };
    struct front_matter front;
    struct front_matter_error error;
    size_t lines = 2; /* libyaml may point behind the end */
    for (size_t i = 0; i < size; i++) lines += data[i] == '\n' || data[i] == '\r' || data[i] >= 0x80;
    int rc = front_matter_parse(text, &arena, &front, &error);
    if (rc == 0 && front.body.n > size) abort();
    if (rc != 0 && (error.line == 0 || error.line > lines + 1)) abort();
    arena_free(&arena);
    return 0;
}
