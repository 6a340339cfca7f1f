/** channels/ui_files.h -- the files of the Control UI page, as they are inside the binary: compressed once, at build time.
 *
 *  In:     a path below the page's base            Out: a file, or nothing
 *  Owns:   nothing; all of it is constant
 *  Thread: any
 *  Source: ui/ is bundled by ui/build.mjs (docs/adr/0010-control-ui-toolchain.md) */
#ifndef CHANNELS_UI_FILES_H
#define CHANNELS_UI_FILES_H

#include "base/str.h"

struct ui_file {
    const char *path;        /* "index.html", "assets/app.js": no slash in front */
    const char *type;        /* value of Content-Type */
    const char *etag;        /* with its quotes; made of the plain bytes */
    const unsigned char *gz; /* gzip, gz_n bytes */
    size_t gz_n;
    size_t plain_n; /* bytes when unpacked */
};

/** The file at a path, without its leading slash. Static. @return NULL when there is none */
const struct ui_file *ui_file_find(struct str path);

#endif
