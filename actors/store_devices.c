#include "actors/store_devices.h"

#include "base/log.h"
#include "store/device_rows.h"

static struct msg answer_of(const struct msg *in, enum msg_kind kind)
{
    return (struct msg){ .kind = kind, .corr = in->corr, .trace = in->trace };
}

int store_device_save(store_t *store, const struct msg *in, struct msg *out)
{
    const struct msg_device_save *q = &in->device_save;
    const struct device_row_stored row = { q->kind, q->id, q->json };
    *out = answer_of(in, MSG_device_saved);
    return q->json.n ? device_rows_save(store, &row) : device_rows_delete(store, q->kind, q->id);
}

struct page {
    mailbox_t *mailbox;
    const struct msg *question;
    int rows;
    int64_t last_kind;
    char last_id[STORE_NAME_MAX + 1];
};

static int send_row(void *ctx, const struct device_row_stored *row)
{
    struct page *p = ctx;
    struct msg m = answer_of(p->question, MSG_device_row);
    m.device_row = (struct msg_device_row){ .kind = row->kind, .id = row->id, .json = row->json };
    p->rows++;
    p->last_kind = row->kind;
    str_copy(p->last_id, sizeof p->last_id, row->id);
    int rc = mailbox_send(p->mailbox, p->question->from, &m);
    if (rc == GW_EBADMSG) log_event(LOG_ERROR, "device_unreadable", LOG_S("id", row->id));
    return rc == GW_EBADMSG ? 0 : rc;
}

int store_device_load(store_t *store, mailbox_t *mailbox, const struct msg *in, struct msg *out)
{
    struct page p = { .mailbox = mailbox, .question = in, .last_kind = -1 };
    int rc;
    do {
        p.rows = 0;
        char after[sizeof p.last_id]; /* the row callback writes the next one */
        memcpy(after, p.last_id, sizeof after);
        rc = device_rows_list(store, p.last_kind, str_of(after), STORE_LIST_MAX, send_row, &p);
    } while (rc == 0 && p.rows == STORE_LIST_MAX);
    *out = answer_of(in, MSG_device_loaded);
    return rc;
}
