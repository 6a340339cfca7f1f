#include "cli/folder.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"

enum { DESCRIPTORS = 16 };

void folder_names_free(struct folder_names *names)
{
    for (size_t i = 0; i < names->count; i++) free(names->list[i]);
    free(names->list);
    *names = (struct folder_names){ 0 };
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int folder_list(const char *path, size_t max, struct folder_names *out)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    int rc = 0;
    *out = (struct folder_names){ 0 };
    if (!dir) return GW_ESYS;
    while (rc == 0 && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char **more = out->count % 64 ? out->list : realloc(out->list, (out->count + 64) * sizeof *more);
        if (out->count == max) rc = GW_ELIMIT;
        if (more) out->list = more;
        if (rc == 0 && (!more || !(more[out->count] = strdup(entry->d_name)))) rc = GW_ENOMEM;
        out->count += rc == 0;
    }
    closedir(dir);
    if (rc) folder_names_free(out);
    if (out->count) qsort(out->list, out->count, sizeof *out->list, by_name);
    return rc;
}

void folder_join(const char *folder, const char *name, char out[PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, "%s/%s", folder, name);
    if (n < 0 || n >= PATH_MAX) out[0] = '\0';
}

int folder_make(const char *path)
{
    char part[PATH_MAX];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        mkdir(part, 0700);
    }
    return mkdir(path, 0700) == 0 ? 0 : GW_ESYS;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    remove(path);
    return 0;
}

void folder_remove(const char *path)
{
    nftw(path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
