/** tests/support/tempdir.h -- a folder of a test's own, and its removal. */
#ifndef TESTS_SUPPORT_TEMPDIR_H
#define TESTS_SUPPORT_TEMPDIR_H

enum { TEMPDIR_MAX = 64 }; /* bytes of its path, NUL included */

void tempdir_make(char out[TEMPDIR_MAX]);
void tempdir_remove(const char *path); /* with everything in it; does not follow links */

#endif
