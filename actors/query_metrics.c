/* metrics.store: what the store holds and how the channels are, for Prometheus. The gateway adds it to /metrics. */
#include <stdio.h>
#include <sys/stat.h>

#include "actors/query_answers.h"
#include "actors/query_util.h"
#include "base/json_read.h"
#include "base/prometheus.h"
#include "store/counts.h"

static void write_outbox(void *ctx, struct str channel, const char *state, int64_t count)
{
    const struct prometheus_label labels[] = { { "channel", channel }, { "state", str_of(state) } };
    prometheus_int(ctx, "openclaw_outbox_deliveries", labels, 2, count);
}

static void write_file(struct buf *out, const char *path, const char *suffix, const char *name)
{
    char full[4096];
    struct stat st;
    const struct prometheus_label file = { "file", str_of(name) };
    snprintf(full, sizeof full, "%s%s", path, suffix);
    prometheus_int(out, "openclaw_store_bytes", &file, 1, stat(full, &st) == 0 ? st.st_size : 0);
}

static int write_store(struct rpc_call *call, struct buf *out)
{
    struct store_counts counts;
    int rc = store_count(call->store, &counts);
    if (rc) return rc;
    prometheus_family(out, "openclaw_sessions", "gauge", "Sessions in the store.");
    prometheus_int(out, "openclaw_sessions", NULL, 0, counts.sessions);
    prometheus_family(out, "openclaw_paired_devices", "gauge", "Devices that may connect.");
    prometheus_int(out, "openclaw_paired_devices", NULL, 0, counts.devices);
    prometheus_family(out, "openclaw_store_bytes", "gauge", "Bytes of the store's files.");
    write_file(out, store_path(call->store), "", "database");
    write_file(out, store_path(call->store), "-wal", "wal");
    prometheus_family(out, "openclaw_outbox_deliveries", "gauge",
                      "Texts in the outbox, by channel and state; delivered and failed ones of the last days.");
    return store_count_outbox(call->store, write_outbox, out);
}

static void write_channels(const struct rpc_call *call, struct buf *out)
{
    const char *id;
    json_t *accounts, *account;
    size_t i;
    prometheus_family(out, "openclaw_channel_connected", "gauge", "1 while an account of a chat network is connected.");
    json_object_foreach((json_t *)call->channels, id, accounts) json_array_foreach(accounts, i, account)
    {
        const struct prometheus_label labels[] = { { "channel", str_of(id) }, { "account", json_str(account, "accountId") } };
        prometheus_int(out, "openclaw_channel_connected", labels, 2, json_flag(account, "connected"));
    }
}

static int metrics_store(struct rpc_call *call)
{
    struct buf text = { 0 };
    int rc = write_store(call, &text);
    write_channels(call, &text);
    if (rc == 0) rc = text.err;
    buf_char(call->out, '{');
    buf_json_pair_str(call->out, "text", buf_str(&text));
    buf_char(call->out, '}');
    buf_free(&text);
    return rc;
}

const struct rpc_handler query_metrics_handlers[] = {
    { RPC_metrics_store, metrics_store },
    { RPC_none, NULL },
};
