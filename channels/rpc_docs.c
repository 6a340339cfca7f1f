/* docs/rpc.md, made from the tables. */
#include "channels/rpc_schema.h"

static const char *const SCOPES[] = { "operator.read",    "operator.write", "operator.approvals",
                                      "operator.pairing", "operator.admin", "role node" };

/* What things mean, in the order of the files: apart from the tables that a gateway needs, so that its binary does without. */
/* clang-format off */
#define OWN(text)
#define END
#define METHOD(id, name, scope, place, shown, doc) [RPC_##id] = doc,
#define SHAPE(id, doc) [RPC_SHAPE_##id] = doc,
#define PARAM(name, need, type, doc)
static const char *const METHOD_DOCS[RPC_COUNT] = {
#include "channels/rpc.def"
};
static const char *const SHAPE_DOCS[RPC_SHAPE_COUNT] = {
#include "channels/rpc_shapes.def"
};
#undef METHOD
#undef SHAPE
#undef PARAM
#define METHOD(id, name, scope, place, shown, doc)
#define SHAPE(id, doc)
#define PARAM(name, need, type, doc) doc,
static const char *const PARAM_DOCS[] = {
#include "channels/rpc.def"
#include "channels/rpc_shapes.def"
};
/* clang-format on */

static void add_range(struct buf *out, const struct rpc_type *type, int64_t least)
{
    if (type->hi != INT64_MAX)
        buf_printf(out, ", %lld–%lld", (long long)type->lo, (long long)type->hi);
    else if (type->lo > least)
        buf_printf(out, ", %lld or more", (long long)type->lo);
}

static void add_type(struct buf *out, const struct rpc_type *type)
{
    switch (type->kind) {
    case RPC_TEXT:
        buf_text(out, "string");
        add_range(out, type, 0);
        break;
    case RPC_WHOLE:
        buf_text(out, "integer");
        add_range(out, type, INT64_MIN);
        break;
    case RPC_FLAG: buf_text(out, "boolean"); break;
    case RPC_NULL: buf_text(out, "null"); break;
    case RPC_ANY: buf_text(out, "any"); break;
    case RPC_DAY: buf_text(out, "string YYYY-MM-DD"); break;
    case RPC_EXACTLY: buf_int(out, type->lo); break;
    case RPC_ONE_OF:
    case RPC_AMONG:
        for (const char *const *word = type->words; *word; word++) buf_printf(out, "%s`%s`", word == type->words ? "" : ", ", *word);
        break;
    case RPC_LIST:
        buf_text(out, "array");
        add_range(out, type, 0);
        buf_text(out, ", of: ");
        add_type(out, type->of[0]);
        break;
    case RPC_MAP:
        buf_text(out, "object, values: ");
        add_type(out, type->of[0]);
        break;
    case RPC_OBJECT: buf_printf(out, "[%s](#%s)", type->shape->name, type->shape->name); break;
    case RPC_EITHER:
        for (const struct rpc_type *const *of = type->of; *of; of++) {
            if (of != type->of) buf_text(out, " or ");
            add_type(out, *of);
        }
        break;
    }
}

/* @param docs  of its properties; moved on behind them */
static void add_properties(struct buf *out, const struct rpc_shape *shape, const char *const **docs)
{
    static const char *const needs[] = { "yes", "no", "this or the next", "this or the one before", "no, another kind is ignored" };
    const struct rpc_property *p = shape->properties;
    if (rpc_own_text(shape)) p++;
    if (p->name) buf_text(out, "\n| name | kind and range | required | meaning |\n| --- | --- | --- | --- |\n");
    for (; p->name; p++, (*docs)++) {
        buf_printf(out, "| %s | ", p->name);
        add_type(out, p->type);
        buf_printf(out, " | %s |%s%s |\n", needs[p->need], (*docs)[0][0] ? " " : "", (*docs)[0]);
    }
}

static void add_method(struct buf *out, enum rpc_id id, const char *const **docs)
{
    const struct rpc_method *method = rpc_method(id);
    const struct rpc_shape *params = rpc_params(id);
    const char *own = rpc_own_text(params);
    buf_printf(out, "\n## %s\n\n%s\nNeeds %s.%s", method->name, METHOD_DOCS[id], SCOPES[method->scope],
               method->shown ? "" : " Not listed in `hello-ok`.");
    if (own && own[0]) buf_printf(out, " Other names may be sent; the refusal is `%s`.", own);
    if (own && !own[0]) buf_text(out, " Nothing about the parameters is refused.");
    if (!own && !params->properties[0].name) buf_text(out, " No parameters.");
    buf_char(out, '\n');
    add_properties(out, params, docs);
}

const char *rpc_doc(enum rpc_id id)
{
    return METHOD_DOCS[id];
}

void rpc_write_docs(struct buf *out)
{
    const char *const *docs = PARAM_DOCS;
    buf_text(
        out,
        "# Methods of the WebSocket protocol\n\nMade from `channels/rpc.def` and `channels/rpc_shapes.def` by the test `test_rpc`; do "
        "not edit.\n"
        "\nA request is `{\"type\":\"req\",\"id\":\"1\",\"method\":\"health\",\"params\":{}}`. Lengths of strings are code points; "
        "integers have no\n"
        "fraction and are at most 2^53 - 1. Without `params`, they are `{}`. Names that are not listed here are refused unless the method\n"
        "says otherwise. `operator.write` includes `operator.read`, `operator.admin` everything.\n"
        "\nA refusal is `INVALID_REQUEST` with all that is wrong, joined by `; `:\n"
        "`invalid chat.history params: must have required property 'sessionKey'; at /limit: must be <= 1000`.\n"
        "\n| method | scope | what it does |\n| --- | --- | --- |\n");
    for (int id = 1; id < RPC_COUNT; id++) {
        const struct rpc_method *method = rpc_method((enum rpc_id)id);
        buf_printf(out, "| %s | %s | %s |\n", method->name, SCOPES[method->scope], METHOD_DOCS[id]);
    }
    for (int id = 1; id < RPC_COUNT; id++) add_method(out, (enum rpc_id)id, &docs);
    buf_text(out, "\n# Objects in frames and parameters\n");
    for (int id = 0; id < RPC_SHAPE_COUNT; id++) {
        const struct rpc_shape *shape = rpc_shape((enum rpc_shape_id)id);
        buf_printf(out, "\n## %s\n", shape->name);
        if (SHAPE_DOCS[id][0]) buf_printf(out, "\n%s\n", SHAPE_DOCS[id]);
        add_properties(out, shape, &docs);
    }
}
