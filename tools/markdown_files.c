#include "tools/markdown_files.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t markdown_files_list(const char *folder, char **names, size_t max)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && count < max && (e = readdir(dir)) != NULL;) {
        size_t n = strlen(e->d_name);
        if (n > 3 && strcmp(e->d_name + n - 3, ".md") == 0 && (names[count] = strdup(e->d_name)) != NULL) count++;
    }
    if (dir) closedir(dir);
    qsort(names, count, sizeof *names, by_name);
    return count;
}
