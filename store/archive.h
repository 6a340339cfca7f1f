/** store/archive.h -- a transcript as a file, in the lines that OpenClaw writes, before it leaves the tables.
 *
 *  In:     a session, where its file goes     Out: <state>/agents/<agentId>/sessions/<sessionId>.jsonl<suffix>, mode 0600
 *  Owns:   nothing once it returns
 *  Thread: the store's owner
 *  Source: reference gateway-protocol 6.6 and 9 (names and lines)
 *
 *  The file is on disk, under its name, when this returns 0. Its lines are a session line, then a line for each entry whose id
 *  is the entry's number in eight hexadecimal digits and whose parent is the entry before it. */
#ifndef STORE_ARCHIVE_H
#define STORE_ARCHIVE_H

#include "store/store.h"

enum {
    ARCHIVES_MAX = 1000,     /* archived transcripts in one agent's folder; the oldest make room */
    ARCHIVE_PATH_MAX = 4096, /* bytes */
};

enum archive_kind { ARCHIVE_RESET, ARCHIVE_DELETED, ARCHIVE_CUT, ARCHIVE_PLAIN };

struct archive_wish {
    struct str state_dir;
    struct str agent; /* characters that are no good in a file's name become '_' */
    struct str uuid;  /* likewise */
    struct str workspace;
    int64_t session; /* session_row.id */
    int64_t created_ms;
    enum archive_kind kind;
    int64_t now_ms;
};

/** @param path  receives where it is; "" when the transcript is empty: then no file is made
 *  @return 0; GW_EIO (store_error() says what); GW_ELIMIT (path); GW_ENOMEM */
int archive_write(store_t *store, const struct archive_wish *wish, char path[ARCHIVE_PATH_MAX]);

#endif
