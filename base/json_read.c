#include "base/json_read.h"

#include <math.h>

struct str json_text(const json_t *value)
{
    return json_is_string(value) ? (struct str){ json_string_value(value), json_string_length(value) } : (struct str){ NULL, 0 };
}

struct str json_str(const json_t *object, const char *key)
{
    return json_text(json_object_get(object, key));
}

int64_t json_int(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value)) return json_integer_value(value);
    if (!json_is_real(value) || fabs(json_real_value(value)) > 9e18) return otherwise;
    return (int64_t)json_real_value(value);
}

bool json_flag(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

const json_t *json_at(const json_t *object, const char *key, const char *then)
{
    return json_object_get(json_object_get(object, key), then);
}
