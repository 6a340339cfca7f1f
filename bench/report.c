#include "bench/report.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"

enum { FIGURES_MAX = 96, NAME_BYTES = 64, NOTE_BYTES = 160 };

struct budget {
    const char *name, *unit;
    double limit;
    bool at_least; /* the figure must reach the limit; otherwise it must not pass it */
};

/* The budgets that bench.c, bench_ws.c, bench_soak.c and bench_bus.c can meet or miss; figures without one are listed all the same. */
static const struct budget BUDGETS[] = {
    { "start_to_health_ms", "ms", 20, false },
    { "idle_rss_mib", "MiB", 12, false },
    { "idle_client_rss_mib", "MiB", 12, false },
    { "idle_pss_mib", "MiB", 6, false },
    { "help_ms", "ms", 5, false },
    { "stripped_binary_kb", "kB", 1000, false },
    { "turns_per_second_32", "1/s", 4000, true },
    { "sse_turns_per_second_32", "1/s", 4000, true },
    { "added_p50_ms_1", "ms", 0.5, false },
    { "added_p99_ms_1", "ms", 1, false },
    { "sse_added_p50_ms_1", "ms", 0.5, false },
    { "sse_added_p99_ms_1", "ms", 1, false },
    { "rss_per_session_kib", "KiB", 16, false },
    { "in_flight_1000_rss_mib", "MiB", 61, false },
    { "in_flight_1000_failed", "", 0, false },
    { "ws_idle_10000_rss_mib", "MiB", 200, false },
    { "ws_turn_p50_ratio", "", 1.2, false },
    { "ws_turn_p99_ratio", "", 1.2, false },
    { "ws_churn_per_second", "1/s", 1000, true },
    { "ws_after_churn_fds", "", 0, false },
    { "ws_slow_client_closed_at_mib", "MiB", 16, false },
    { "ws_beside_slow_p99_ratio", "", 1.2, false },
    { "soak_reloads_ratio", "", 1.1, false },
    { "soak_reloads_turns_ratio", "", 1.1, false },
    { "soak_reconnects_ratio", "", 1.1, false },
    { "soak_reconnects_fds", "", 0, false },
    { "soak_turns_ratio", "", 1.1, false },
};

struct figure {
    char name[NAME_BYTES], note[NOTE_BYTES];
    double value;
    bool missing;
};

static struct { /* one report per program */
    const char *folder;
    struct figure figures[FIGURES_MAX];
    size_t count;
} report;

int report_open(const char *folder)
{
    report.folder = folder;
    for (const char *slash = folder; (slash = strchr(slash + 1, '/')) != NULL;) {
        char parent[512];
        if (str_copy(parent, sizeof parent, (struct str){ folder, (size_t)(slash - folder) }) != 0) return GW_ESYS;
        mkdir(parent, 0755);
    }
    return mkdir(folder, 0755) == 0 || errno == EEXIST ? 0 : GW_ESYS;
}

static const struct budget *budget_of(const char *name)
{
    for (size_t i = 0; i < sizeof BUDGETS / sizeof *BUDGETS; i++)
        if (strcmp(BUDGETS[i].name, name) == 0) return &BUDGETS[i];
    return NULL;
}

/* How much of its budget a figure uses: at most 1 is within. */
static double share(const struct budget *b, double value)
{
    if (b->at_least) return value > 0 ? b->limit / value : 999;
    if (b->limit > 0) return value / b->limit;
    return value > 0 ? 999 : 0;
}

static void write_json(const struct figure *f)
{
    char path[768];
    struct buf b = { 0 };
    const struct budget *budget = budget_of(f->name);
    buf_char(&b, '{');
    buf_json_pair_str(&b, "name", str_of(f->name));
    if (f->missing)
        buf_text(&b, ",\"value\":null");
    else
        buf_printf(&b, ",\"value\":%.3f", f->value);
    if (budget) {
        buf_json_pair_str(&b, "unit", str_of(budget->unit));
        buf_printf(&b, ",\"budget\":%.3f", budget->limit);
        buf_json_pair_str(&b, "budget_is", budget->at_least ? STR("at least") : STR("at most"));
        if (!f->missing) buf_printf(&b, ",\"share_of_budget\":%.3f", share(budget, f->value));
    }
    buf_json_pair_str(&b, "note", str_of(f->note));
    buf_text(&b, "}\n");
    snprintf(path, sizeof path, "%s/%s.json", report.folder, f->name);
    FILE *file = fopen(path, "w");
    if (!file || fputs(buf_cstr(&b), file) < 0) fprintf(stderr, "bench: cannot write %s\n", path);
    if (file) fclose(file);
    buf_free(&b);
}

static void add(const char *name, double value, const char *note, bool missing)
{
    if (report.count == FIGURES_MAX) return;
    struct figure *f = &report.figures[report.count++];
    snprintf(f->name, sizeof f->name, "%s", name);
    snprintf(f->note, sizeof f->note, "%s", note ? note : "");
    f->value = value;
    f->missing = missing;
    write_json(f);
}

void report_figure(const char *name, double value, const char *note)
{
    add(name, value, note, false);
}

void report_missing(const char *name, const char *why)
{
    add(name, 0, why, true);
}

int report_print(void)
{
    int missed = 0;
    printf("%-34s %12s %-4s %12s %6s  %s\n", "figure", "measured", "", "budget", "share", "note");
    for (size_t i = 0; i < report.count; i++) {
        const struct figure *f = &report.figures[i];
        const struct budget *b = budget_of(f->name);
        char value[32] = "-", limit[32] = "", used[16] = "";
        if (!f->missing) snprintf(value, sizeof value, "%.2f", f->value);
        if (b) snprintf(limit, sizeof limit, "%s %g", b->at_least ? ">=" : "<=", b->limit);
        if (b && !f->missing) snprintf(used, sizeof used, "%.2f", share(b, f->value));
        bool over = b && (f->missing || share(b, f->value) > 1);
        missed += over;
        printf("%-34s %12s %-4s %12s %6s%s %s\n", f->name, value, b ? b->unit : "", limit, used, over ? "!" : " ", f->note);
    }
    return missed;
}
