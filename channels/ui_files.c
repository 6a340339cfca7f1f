#include "channels/ui_files.h"

static const struct ui_file files[] = {
#define UI_FILE(path, type, etag, plain_n, gz_n, gz) { path, type, etag, (const unsigned char *)gz, gz_n, plain_n },
#include "channels/ui_files.def"
#undef UI_FILE
};

const struct ui_file *ui_file_find(struct str path)
{
    size_t i;

    for (i = 0; i < sizeof files / sizeof files[0]; i++)
        if (str_is(path, files[i].path)) return &files[i];
    return NULL;
}
