/* The finished tree: finding members, marking duplicates, printing numbers. The reader is base/json5.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/json5.h"

static int compare(struct str a, struct str b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

static bool before(struct json5_place a, struct json5_place b)
{
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

/* By name; members of one name in the order of the text. */
static int compare_members(const void *a, const void *b)
{
    const struct json5_node *x = *(struct json5_node *const *)a, *y = *(struct json5_node *const *)b;
    int order = compare(x->key, y->key);
    if (order) return order;
    return before(y->key_place, x->key_place) - before(x->key_place, y->key_place);
}

static void mark_few(struct json5_node *object)
{
    for (struct json5_node *m = object->first; m; m = m->next) {
        m->duplicate_of = NULL;
        for (struct json5_node *earlier = object->first; earlier != m && !m->duplicate_of; earlier = earlier->next)
            if (str_eq(earlier->key, m->key)) m->duplicate_of = earlier;
    }
}

int json5_object_close(struct arena *arena, struct json5_node *object)
{
    object->index = NULL;
    object->count = 0;
    for (struct json5_node *m = object->first; m; m = m->next) object->count++;
    if (object->count < JSON5_INDEX_MIN) {
        mark_few(object);
        return 0;
    }
    struct json5_node **index = arena_alloc(arena, object->count, sizeof(struct json5_node *));
    if (!index) return GW_ENOMEM;
    size_t n = 0;
    for (struct json5_node *m = object->first; m; m = m->next) index[n++] = m;
    qsort(index, n, sizeof(struct json5_node *), compare_members);
    for (size_t i = 0; i < n; i++) {
        bool again = i > 0 && str_eq(index[i - 1]->key, index[i]->key);
        const struct json5_node *first = again ? index[i - 1]->duplicate_of : NULL;
        index[i]->duplicate_of = !again ? NULL : first ? first : index[i - 1];
    }
    object->index = index;
    return 0;
}

const struct json5_node *json5_member(const struct json5_node *object, struct str key)
{
    const struct json5_node *found = NULL;
    if (!object || object->kind != JSON5_OBJECT) return NULL;
    if (!object->index) {
        const struct json5_node *m = object->first;
        for (size_t i = 0; i < object->count; i++, m = m->next)
            if (str_eq(m->key, key)) found = m;
        return found;
    }
    size_t lo = 0, hi = object->count; /* the last one that is not greater */
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (compare(object->index[mid]->key, key) <= 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo > 0 && str_eq(object->index[lo - 1]->key, key) ? object->index[lo - 1] : NULL;
}

const struct json5_node *json5_element(const struct json5_node *array, size_t i)
{
    if (!array || array->kind != JSON5_ARRAY || i >= array->count) return NULL;
    const struct json5_node *element = array->first;
    while (i-- > 0) element = element->next;
    return element;
}

bool json5_to_int(const struct json5_node *node, int64_t *out)
{
    *out = 0;
    if (!node || node->kind != JSON5_NUMBER || !(fabs(node->number) <= 9007199254740992.0)) return false;
    if (trunc(node->number) != node->number) return false;
    *out = (int64_t)node->number;
    return true;
}

const char *json5_kind_name(enum json5_kind kind)
{
    static const char *const names[] = { "null", "boolean", "number", "string", "array", "object" };
    return names[kind];
}

void json5_print_number(struct buf *out, double number)
{
    char text[32];
    if (!isfinite(number)) {
        buf_text(out, "null");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) { /* the shortest of these that reads back the same */
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number) break;
    }
    buf_text(out, text);
}
