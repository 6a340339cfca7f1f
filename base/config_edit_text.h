/** base/config_edit_text.h -- the text of a configuration with changes in it. Part of base/config_edit.c.
 *
 *  Thread: any */
#ifndef BASE_CONFIG_EDIT_TEXT_H
#define BASE_CONFIG_EDIT_TEXT_H

#include "base/json5.h"

enum config_change_kind {
    CONFIG_CHANGE_INSIDE, /* of the member or element, as `first` and its followers say */
    CONFIG_CHANGE_PUT,    /* `value` in its place, or at the end when there is none */
    CONFIG_CHANGE_REMOVE,
};

struct config_change { /* of one object or list; lives in its maker's arena */
    struct config_change *next;
    enum config_change_kind kind;
    struct str key; /* object: the member's name */
    size_t index;   /* list: which element; the count and above: a new one */
    struct config_change *first;
    const struct json5_node *value;
};

/** Append `text`, whose tree is `root`, with the changes of its root made. Errors are in out->err. */
void config_change_write(struct str text, const struct json5_node *root, const struct config_change *changes, struct buf *out);

#endif
