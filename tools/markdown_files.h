/** tools/markdown_files.h -- the Markdown files of a folder. Owns: nothing. Thread: any */
#ifndef TOOLS_MARKDOWN_FILES_H
#define TOOLS_MARKDOWN_FILES_H

#include <stddef.h>

/** The names that end in .md, sorted; a folder that is not there has none.
 *  @param names  receives them, each the caller's to free  @param max  at most so many of those found first  @return how many */
size_t markdown_files_list(const char *folder, char **names, size_t max);

#endif
