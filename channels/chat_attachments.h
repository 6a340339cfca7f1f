/** channels/chat_attachments.h -- what a client sends beside a message: images as parts of it.
 *
 *  Thread: any
 *  Source: reference gateway-protocol 6.2, "Attachment form"; frames chat-attach-image.json */
#ifndef CHANNELS_CHAT_ATTACHMENTS_H
#define CHANNELS_CHAT_ATTACHMENTS_H

#include <jansson.h>

#include "base/buf.h"
#include "base/chat.h"

enum {
    CHAT_ATTACHMENTS_MAX = 32,           /* in one message */
    CHAT_ATTACHMENT_BYTES_MAX = 5000000, /* of one, decoded (OpenClaw's bound) */
};

/** Read the images of `attachments` (an array, or NULL) into parts that borrow from it. What is no image is passed over, as
 *  OpenClaw does.
 *  @param parts  room for CHAT_ATTACHMENTS_MAX  @param why  appended on failure: the sentence for the client
 *  @return 0 or GW_EINVAL */
int chat_attachments_read(const json_t *attachments, struct chat_part *parts, size_t *count, struct buf *why);

#endif
