#ifndef CHANNELS_UI_FILES_H
#define CHANNELS_UI_FILES_H
#include "base/str.h"
struct ui_file { const char *path; const char *type; const char *etag; const unsigned char *gz; size_t gz_n; size_t plain_n; };
const struct ui_file *ui_file_find(struct str path);
#endif
