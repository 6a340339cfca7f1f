#include "actors/usage_sums.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json5.h"
#include "store/turns.h"

enum { DAY_MS = 24 * 3600 * 1000 };

/* --- totals ------------------------------------------------------------------------------------------------------- */

static const struct json5_node *price_of(const config_t *config, struct str provider, struct str model)
{
    const struct json5_node *providers = config_get(config, STR("models.providers"));
    const struct json5_node *models = json5_member(json5_member(providers, provider), STR("models"));
    for (const struct json5_node *m = models ? models->first : NULL; m; m = m->next) {
        const struct json5_node *id = json5_member(m, STR("id"));
        if (id && id->kind == JSON5_STRING && str_eq(id->string, model)) return json5_member(m, STR("cost"));
    }
    return NULL;
}

static double cost(const struct json5_node *price, struct str what, int64_t tokens)
{
    const struct json5_node *p = json5_member(price, what);
    return p && p->kind == JSON5_NUMBER ? p->number * (double)tokens / 1e6 : 0;
}

void usage_totals_add(struct usage_totals *to, const config_t *config, struct str provider, struct str model, const struct chat_usage *used)
{
    const struct json5_node *price = price_of(config, provider, model);
    int64_t fresh = used->input - used->cache_read - used->cache_write;
    if (fresh < 0) fresh = 0;
    to->input += fresh;
    to->output += used->output;
    to->cache_read += used->cache_read;
    to->cache_write += used->cache_write;
    to->tokens += fresh + used->output + used->cache_read + used->cache_write;
    to->input_cost += cost(price, STR("input"), fresh);
    to->output_cost += cost(price, STR("output"), used->output);
    to->read_cost += cost(price, STR("cacheRead"), used->cache_read);
    to->write_cost += cost(price, STR("cacheWrite"), used->cache_write);
    if (!price && (used->input || used->output)) to->missing++;
}

void usage_totals_merge(struct usage_totals *to, const struct usage_totals *more)
{
    to->input += more->input;
    to->output += more->output;
    to->cache_read += more->cache_read;
    to->cache_write += more->cache_write;
    to->tokens += more->tokens;
    to->input_cost += more->input_cost;
    to->output_cost += more->output_cost;
    to->read_cost += more->read_cost;
    to->write_cost += more->write_cost;
    to->missing += more->missing;
}

double usage_totals_cost(const struct usage_totals *t)
{
    return t->input_cost + t->output_cost + t->read_cost + t->write_cost;
}

void usage_money(struct buf *out, const char *key, double value)
{
    buf_json_key(out, key);
    json5_print_number(out, value);
}

void usage_tokens_write(const struct usage_totals *t, struct buf *out)
{
    buf_json_pair_int(out, "input", t->input);
    buf_json_pair_int(out, "output", t->output);
    buf_json_pair_int(out, "cacheRead", t->cache_read);
    buf_json_pair_int(out, "cacheWrite", t->cache_write);
    buf_json_pair_int(out, "totalTokens", t->tokens);
}

void usage_totals_write(const struct usage_totals *t, struct buf *out)
{
    usage_tokens_write(t, out);
    usage_money(out, "totalCost", usage_totals_cost(t));
    usage_money(out, "inputCost", t->input_cost);
    usage_money(out, "outputCost", t->output_cost);
    usage_money(out, "cacheReadCost", t->read_cost);
    usage_money(out, "cacheWriteCost", t->write_cost);
    buf_json_pair_int(out, "missingCostEntries", t->missing);
}

void usage_counts_write(const struct usage_counts *c, struct buf *out)
{
    buf_json_pair_int(out, "total", c->user + c->assistant);
    buf_json_pair_int(out, "user", c->user);
    buf_json_pair_int(out, "assistant", c->assistant);
    buf_json_pair_int(out, "toolCalls", c->tool_results);
    buf_json_pair_int(out, "toolResults", c->tool_results);
    buf_json_pair_int(out, "errors", c->errors);
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

static bool grow(struct usage_sums *sums, struct usage_groups *groups)
{
    size_t capacity = groups->capacity ? 2 * groups->capacity : 8;
    if (groups->count < groups->capacity) return true;
    if (groups->count == USAGE_GROUPS_MAX) return false;
    struct usage_group *at = arena_alloc(&sums->memory, capacity, sizeof *at);
    if (!at) return false;
    if (groups->count) memcpy(at, groups->at, groups->count * sizeof *at);
    groups->at = at;
    groups->capacity = capacity;
    return true;
}

struct usage_group *usage_group(struct usage_sums *sums, struct usage_groups *groups, int64_t day, struct str name, struct str model)
{
    for (size_t i = groups->count; i-- > 0;) {
        struct usage_group *g = &groups->at[i];
        if (g->day == day && str_eq(g->name, name) && str_eq(g->model, model)) return g;
    }
    if (!grow(sums, groups)) return NULL;
    struct usage_group *g = &groups->at[groups->count++];
    *g = (struct usage_group){ .day = day, .name = arena_str(&sums->memory, name), .model = arena_str(&sums->memory, model) };
    return g;
}

static void add_turn(struct usage_group *g, const struct usage_totals *used)
{
    if (!g) return;
    g->count++;
    usage_totals_merge(&g->totals, used);
}

static void add_time(struct usage_sums *sums, int64_t day, int64_t ms)
{
    if (sums->time_count == USAGE_TIMES_MAX) return;
    if (sums->time_count == sums->time_capacity) {
        size_t capacity = sums->time_capacity ? 2 * sums->time_capacity : 64;
        struct usage_time *grown = realloc(sums->times, capacity * sizeof *grown);
        if (!grown) return; /* the figures then stand for fewer turns */
        sums->times = grown;
        sums->time_capacity = capacity;
    }
    sums->times[sums->time_count++] = (struct usage_time){ day, ms < 0 ? 0 : ms };
}

void usage_sums_turn(struct usage_sums *sums, const config_t *config, const struct session_turn_row *turn)
{
    static const struct str none = { "", 0 };
    struct str model = turn->model_answered.n ? turn->model_answered : turn->model_asked;
    struct str provider = str_split(&model, '/');
    int64_t day = turn->ended_ms / DAY_MS;
    struct usage_totals used = { 0 };
    usage_totals_add(&used, config, provider, model, &turn->used);
    struct usage_group *g = usage_group(sums, &sums->days, day, none, none);
    if (g) usage_totals_merge(&g->totals, &used);
    if (turn->state == TURN_FAILED) sums->counts.errors++;
    if (turn->state == TURN_FAILED && g) g->counts.errors++;
    usage_totals_merge(&sums->totals, &used);
    if (turn->model_answered.n == 0) return;
    add_turn(usage_group(sums, &sums->models, 0, provider, model), &used);
    add_turn(usage_group(sums, &sums->providers, 0, provider, none), &used);
    add_turn(usage_group(sums, &sums->model_days, day, provider, model), &used);
    add_time(sums, day, turn->ended_ms - turn->started_ms);
}

void usage_sums_day(struct usage_sums *sums, const struct session_day_row *row)
{
    static const struct str none = { "", 0 };
    struct usage_group *g = usage_group(sums, &sums->days, row->day, none, none);
    struct usage_counts more = { 0 };
    if (str_is(row->role, "user")) more.user = row->entries;
    if (str_is(row->role, "assistant")) more.assistant = row->entries;
    if (str_is(row->role, "toolResult")) more.tool_results = row->entries;
    struct usage_counts *const to[] = { &sums->counts, g ? &g->counts : NULL };
    for (int i = 0; i < 2 && to[i]; i++) {
        to[i]->user += more.user;
        to[i]->assistant += more.assistant;
        to[i]->tool_results += more.tool_results;
    }
    if (sums->first_ms == 0 || row->first_ms < sums->first_ms) sums->first_ms = row->first_ms;
    if (row->last_ms > sums->last_ms) sums->last_ms = row->last_ms;
}

void usage_sums_tool(struct usage_sums *sums, struct str name, int64_t calls)
{
    struct usage_group *g = usage_group(sums, &sums->tools, 0, name, (struct str){ "", 0 });
    if (g) g->count += calls;
}

void usage_sums_free(struct usage_sums *sums)
{
    arena_free(&sums->memory);
    free(sums->times);
    *sums = (struct usage_sums){ 0 };
}

/* --- times -------------------------------------------------------------------------------------------------------- */

static int by_ms(const void *a, const void *b)
{
    const struct usage_time *x = a, *y = b;
    return (x->ms > y->ms) - (x->ms < y->ms);
}

size_t usage_times_write(struct usage_sums *sums, int64_t day, bool p95_first, struct buf *out)
{
    size_t n = 0, seen = 0;
    int64_t sum = 0, least = 0, most = 0, p95 = 0;
    if (sums->time_count) qsort(sums->times, sums->time_count, sizeof *sums->times, by_ms);
    for (size_t i = 0; i < sums->time_count; i++) n += day < 0 || sums->times[i].day == day;
    if (n == 0) return 0;
    size_t p95_at = (n * 95 + 99) / 100;
    for (size_t i = 0; i < sums->time_count; i++) {
        int64_t ms = sums->times[i].ms;
        if (day >= 0 && sums->times[i].day != day) continue;
        if (seen++ == 0) least = ms;
        if (seen == p95_at) p95 = ms;
        most = ms;
        sum += ms;
    }
    buf_json_pair_int(out, "count", (int64_t)n);
    usage_money(out, "avgMs", (double)sum / (double)n);
    if (p95_first) buf_json_pair_int(out, "p95Ms", p95);
    buf_json_pair_int(out, "minMs", least);
    buf_json_pair_int(out, "maxMs", most);
    if (!p95_first) buf_json_pair_int(out, "p95Ms", p95);
    return n;
}

/* --- days --------------------------------------------------------------------------------------------------------- */

void usage_date(int64_t day, char out[USAGE_DATE_SIZE])
{
    time_t seconds = (time_t)(day * (DAY_MS / 1000));
    struct tm t;
    if (!gmtime_r(&seconds, &t) || strftime(out, USAGE_DATE_SIZE, "%Y-%m-%d", &t) == 0) str_copy(out, USAGE_DATE_SIZE, STR("0000-00-00"));
}

int64_t usage_day_of(struct str date)
{
    char again[USAGE_DATE_SIZE];
    int64_t year, month, day;
    if (date.n != 10 || date.p[4] != '-' || date.p[7] != '-') return -1;
    if (str_to_int((struct str){ date.p, 4 }, &year) || str_to_int((struct str){ date.p + 5, 2 }, &month) ||
        str_to_int((struct str){ date.p + 8, 2 }, &day))
        return -1;
    struct tm t = { .tm_year = (int)year - 1900, .tm_mon = (int)month - 1, .tm_mday = (int)day };
    time_t seconds = timegm(&t);
    int64_t days = (int64_t)seconds / (DAY_MS / 1000);
    usage_date(days, again);
    return seconds >= 0 && str_is(date, again) ? days : -1; /* there is no 30th of February */
}
