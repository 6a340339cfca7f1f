/* The methods and what they take, as tables. */
#include "channels/rpc.h"

#include "channels/rpc_schema.h"

static const struct rpc_type NOTHING = { .kind = RPC_NULL };

/* Those that most parameters have stand once. */
static const struct rpc_type SWITCH = { .kind = RPC_FLAG }, ANYTHING = { .kind = RPC_ANY };
static const struct rpc_type STRING = { .kind = RPC_TEXT, .hi = INT64_MAX }, FULL_STRING = { .kind = RPC_TEXT, .lo = 1, .hi = INT64_MAX };

/* The grammar of rpc.def, as constant tables. */
#define MAX INT64_MAX
#define TYPE(...) (&(const struct rpc_type){ __VA_ARGS__ })
#define TYPES(...) ((const struct rpc_type *const[]){ __VA_ARGS__, NULL })
#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define TEXT(lo_, hi_)                                                                                                                     \
    ((hi_) == MAX && (lo_) == 0 ? &STRING : (hi_) == MAX && (lo_) == 1 ? &FULL_STRING : TYPE(.kind = RPC_TEXT, .lo = (lo_), .hi = (hi_)))
#define WHOLE(lo_, hi_) TYPE(.kind = RPC_WHOLE, .lo = (lo_), .hi = (hi_))
#define FLAG (&SWITCH)
#define ANY (&ANYTHING)
#define DAY TYPE(.kind = RPC_DAY)
#define EXACTLY(n) TYPE(.kind = RPC_EXACTLY, .lo = (n))
#define ONE_OF(...) TYPE(.kind = RPC_ONE_OF, .words = WORDS(__VA_ARGS__))
#define AMONG(...) TYPE(.kind = RPC_AMONG, .words = WORDS(__VA_ARGS__))
#define LIST(item, lo_, hi_) TYPE(.kind = RPC_LIST, .lo = (lo_), .hi = (hi_), .of = TYPES(item))
#define MAP(value) TYPE(.kind = RPC_MAP, .of = TYPES(value))
#define OBJECT(id) TYPE(.kind = RPC_OBJECT, .shape = &SHAPES[RPC_SHAPE_##id])
#define EITHER(...) TYPE(.kind = RPC_EITHER, .of = TYPES(__VA_ARGS__))
#define OR_NULL(type) TYPE(.kind = RPC_EITHER, .of = TYPES(type, &NOTHING))

/* clang-format off */
#define OWN(text) { text, RPC_OWN, NULL },
#define PARAM(name, need, type, doc) { #name, RPC_##need, type },
#define END { NULL, RPC_MAY, NULL } };

/* Each file is read twice: for the properties, and for who has them. */
static const struct rpc_shape SHAPES[RPC_SHAPE_COUNT];
#define SHAPE(id, doc) static const struct rpc_property PROPERTIES_##id[] = {
#include "channels/rpc_shapes.def"
#define METHOD(id, name, scope, place, shown, doc) static const struct rpc_property PARAMS_##id[] = {
#include "channels/rpc.def"
/* clang-format on */
#undef SHAPE
#undef METHOD
#undef OWN
#undef PARAM
#undef END

#define OWN(text)
#define PARAM(name, need, type, doc)
#define END
#define SHAPE(id, doc) [RPC_SHAPE_##id] = { #id, PROPERTIES_##id },
static const struct rpc_shape SHAPES[RPC_SHAPE_COUNT] = {
#include "channels/rpc_shapes.def"
};

#define METHOD(id, name, scope, place, shown, doc) [RPC_##id] = { name, PARAMS_##id },
static const struct rpc_shape PARAMS[RPC_COUNT] = {
#include "channels/rpc.def"
};
#undef METHOD

#define METHOD(id, name, scope, place, shown, doc) [RPC_##id] = { name, RPC_SCOPE_##scope, RPC_PLACE_##place, shown },
static const struct rpc_method METHODS[RPC_COUNT] = {
#include "channels/rpc.def"
};
#undef METHOD

#define METHOD(id, name, scope, place, shown, doc) [RPC_##id] = sizeof(name) - 1,
static const unsigned char NAME_LENGTHS[RPC_COUNT] = {
#include "channels/rpc.def"
};

const struct rpc_method *rpc_method(enum rpc_id id)
{
    return &METHODS[id];
}

const struct rpc_shape *rpc_params(enum rpc_id id)
{
    return &PARAMS[id];
}

const struct rpc_shape *rpc_shape(enum rpc_shape_id id)
{
    return &SHAPES[id];
}

/* All lengths are in two cache lines, and few names have the same. */
enum rpc_id rpc_find(struct str name)
{
    for (int id = 1; id < RPC_COUNT; id++)
        if (NAME_LENGTHS[id] == name.n && memcmp(METHODS[id].name, name.p, name.n) == 0) return (enum rpc_id)id;
    return RPC_none;
}

int rpc_check(enum rpc_id id, const json_t *params, struct buf *why)
{
    const struct rpc_shape *shape = &PARAMS[id];
    const char *own = rpc_own_text(shape);
    size_t before = why->n;
    if (own && !own[0]) return 0;
    if (!own) buf_printf(why, "invalid %s params: ", METHODS[id].name);
    if (rpc_shape_fits(shape, json_is_null(params) ? NULL : params, own ? NULL : why)) {
        why->n = before;
        return 0;
    }
    if (own) buf_text(why, own);
    return GW_EINVAL;
}

int rpc_check_connect(const json_t *params, struct buf *why)
{
    size_t before = why->n;
    buf_text(why, "invalid connect params: ");
    if (!rpc_shape_fits(&SHAPES[RPC_SHAPE_connect], params ? params : json_null(), why)) return GW_EINVAL;
    why->n = before;
    return 0;
}
