/** cli/folder.h -- folders as commands need them: what is in one, one path of two, all of one gone.
 *  Owns: struct folder_names      Thread: any */
#ifndef CLI_FOLDER_H
#define CLI_FOLDER_H

#include <limits.h>
#include <stddef.h>

struct folder_names { /* zero is valid */
    char **list;      /* owned, sorted */
    size_t count;
};

/** Names in a folder, without . and .. @return 0; GW_ESYS (errno says why), GW_ELIMIT more than `max`, GW_ENOMEM; nothing to free then */
int folder_list(const char *path, size_t max, struct folder_names *out);
void folder_names_free(struct folder_names *names);

/** folder/name; cut at PATH_MAX, and then it is no file's. */
void folder_join(const char *folder, const char *name, char out[PATH_MAX]);

/** Make it, 0700, with its parents. @return 0 or GW_ESYS */
int folder_make(const char *path);

/** Delete it with all that is in it; links are deleted, not followed. What cannot be deleted stays. */
void folder_remove(const char *path);

#endif
