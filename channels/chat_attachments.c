#include "channels/chat_attachments.h"

#include "base/base64.h"
#include "base/err.h"
#include "base/json_read.h"

/* "data:image/png;base64,AAAA" as well as "AAAA". */
static struct str content_of(const json_t *attachment, struct str *media)
{
    struct str content = json_str(attachment, "content"), rest = content;
    if (!str_starts(content, STR("data:"))) return content;
    struct str head = str_split(&rest, ',');
    if (!rest.p) return content;
    struct str kind = { head.p + 5, head.n - 5 };
    if (media->n == 0) *media = str_split(&kind, ';');
    return rest;
}

static int read_image(const json_t *attachment, size_t index, struct chat_part *part, struct buf *why)
{
    struct str media = json_str(attachment, "mimeType"), name = json_str(attachment, "fileName");
    struct str content = content_of(attachment, &media);
    char label[32];
    snprintf(label, sizeof label, "attachment-%zu", index + 1);
    if (name.n == 0) name = json_str(attachment, "type");
    if (name.n == 0) name = str_of(label);
    if (!base64_valid(content)) {
        buf_printf(why, "Error: attachment %.*s: invalid base64 content", STR_ARG(str_utf8_prefix(name, 200)));
        return GW_EINVAL;
    }
    if (base64_size(content) > CHAT_ATTACHMENT_BYTES_MAX) {
        buf_printf(why, "Error: attachment %.*s: exceeds size limit (%zu > %d bytes)", STR_ARG(str_utf8_prefix(name, 200)),
                   base64_size(content), CHAT_ATTACHMENT_BYTES_MAX);
        return GW_EINVAL;
    }
    *part = (struct chat_part){ .kind = CHAT_IMAGE, .text = content, .name = media };
    return 0;
}

int chat_attachments_read(const json_t *attachments, struct chat_part *parts, size_t *count, struct buf *why)
{
    size_t i;
    json_t *attachment;
    *count = 0;
    if (json_array_size(attachments) > CHAT_ATTACHMENTS_MAX) {
        buf_printf(why, "Error: more than %d attachments", CHAT_ATTACHMENTS_MAX);
        return GW_EINVAL;
    }
    json_array_foreach(attachments, i, attachment)
    {
        struct chat_part part;
        if (json_str(attachment, "content").n == 0) continue;
        int rc = read_image(attachment, i, &part, why);
        if (rc) return rc;
        if (str_starts(part.name, STR("image/")) && part.name.n <= 128) parts[(*count)++] = part;
    }
    return 0;
}
