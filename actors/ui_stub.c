#include "channels/ui_files.h"
const struct ui_file *ui_file_find(struct str path) { (void)path; return NULL; }
