/* Arguments of a tool as a model writes them: the first byte says of which. What is taken is an object; what is not has its reason. */
#include <stdbool.h>

#include "tools/tool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool claim)
{
    if (!claim) __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf why = { 0 };
    json_t *args = NULL;
    if (size == 0) return 0;
    const struct tool *tool = tool_at((enum tool_id)(data[0] % TOOL_COUNT));
    int rc = tool_read_args(tool, (struct str){ (const char *)data + 1, size - 1 }, &args, &why);
    insist(rc ? !args && why.n > 0 : json_is_object(args));
    for (const struct tool_param *p = tool->params; rc == 0 && p->name; p++) insist(!p->must || json_object_get(args, p->name));
    json_decref(args);
    buf_free(&why);
    return 0;
}
