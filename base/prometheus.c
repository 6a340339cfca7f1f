#include "base/prometheus.h"

#include <stdio.h>
#include <string.h>

static const int64_t bounds_ms[PROMETHEUS_BOUNDS] = { 1, 5, 10, 50, 100, 500, 1000, 5000, 15000, 60000, 180000, 600000 };

enum { LABELS_MAX = 8 };

void prometheus_family(struct buf *out, const char *name, const char *kind, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void add_value(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '\\' || c == '"') buf_char(out, '\\');
        if (c == '\n')
            buf_text(out, "\\n");
        else
            buf_char(out, c);
    }
}

static void add_name(struct buf *out, const char *name, const struct prometheus_label *labels, size_t count)
{
    buf_text(out, name);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "%s%s=\"", i ? "," : "{", labels[i].name);
        add_value(out, labels[i].value);
        buf_char(out, '"');
    }
    buf_text(out, count ? "} " : " ");
}

void prometheus_int(struct buf *out, const char *name, const struct prometheus_label *labels, size_t count, int64_t value)
{
    add_name(out, name, labels, count);
    buf_int(out, value);
    buf_char(out, '\n');
}

void prometheus_real(struct buf *out, const char *name, const struct prometheus_label *labels, size_t count, double value)
{
    add_name(out, name, labels, count);
    buf_printf(out, "%.10g\n", value);
}

void prometheus_observe(struct prometheus_histogram *h, int64_t ms)
{
    size_t i = 0;
    if (ms < 0) return;
    while (i < PROMETHEUS_BOUNDS && ms > bounds_ms[i]) i++;
    h->buckets[i]++;
    h->sum_ms += (uint64_t)ms;
}

void prometheus_histogram(struct buf *out, const char *name, const struct prometheus_label *labels, size_t count,
                          const struct prometheus_histogram *h)
{
    char full[128], bound[24];
    struct prometheus_label all[LABELS_MAX];
    uint64_t total = 0;
    if (count >= LABELS_MAX) return;
    if (count) memcpy(all, labels, count * sizeof *all);
    snprintf(full, sizeof full, "%s_bucket", name);
    for (size_t i = 0; i <= PROMETHEUS_BOUNDS; i++) {
        total += h->buckets[i];
        if (i < PROMETHEUS_BOUNDS) snprintf(bound, sizeof bound, "%lld", (long long)bounds_ms[i]);
        all[count] = (struct prometheus_label){ "le", i < PROMETHEUS_BOUNDS ? str_of(bound) : STR("+Inf") };
        prometheus_int(out, full, all, count + 1, (int64_t)total);
    }
    snprintf(full, sizeof full, "%s_sum", name);
    prometheus_int(out, full, labels, count, (int64_t)h->sum_ms);
    snprintf(full, sizeof full, "%s_count", name);
    prometheus_int(out, full, labels, count, (int64_t)total);
}
