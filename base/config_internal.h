/** base/config_internal.h -- what the files of base/config*.c share. Nobody else includes it. */
#ifndef BASE_CONFIG_INTERNAL_H
#define BASE_CONFIG_INTERNAL_H

#include <stdatomic.h>

#include "base/config.h"
#include "base/config_schema.h"

struct config {
    atomic_uint refs;
    struct arena arena;            /* everything below */
    const struct json5_node *root; /* includes merged, variables put in; an empty object without a file */
    const struct config_rule *rules;
    struct str *files; /* by json5_place.file; [0] is the configuration itself */
    size_t file_count;
    struct str state_dir;
    struct str home; /* may be empty */

    struct config_agent *agents;
    size_t agent_count;
    const struct config_agent **agents_by_id; /* sorted */
    struct config_binding *bindings;
    size_t binding_count;
    struct config_provider *providers; /* built-in ones first, then configured ones */
    size_t provider_count;
    const struct config_provider **used;
    size_t used_count;
    struct config_gateway gateway;
    struct config_limits limits;
    struct str *secrets;
    size_t secret_count;
};

/* A config_t while it is made. */
struct builder {
    config_t *cfg;
    const struct env *env;
    struct config_problems *problems;
    struct buf path;    /* where a walk through the tree is */
    size_t substituted; /* bytes put in for variables */
    int err;            /* first GW_ENOMEM or GW_EIO */
};

enum {
    CONFIG_SUBSTITUTED_MAX = 4 * 1024 * 1024, /* bytes that variables may add in all */
    CONFIG_SECRET_MIN = 4,                    /* bytes; hiding shorter ones would mangle other words */
};

/** Add a problem at `node` (NULL: about no place in a file). Values must not be shown when node->from_env. */
void config_report(struct builder *b, enum config_severity severity, const struct json5_node *node, const char *path, const char *format,
                   ...) __attribute__((format(printf, 5, 6)));

/* Paths: append a member or element; cut back with path->n. */
void config_path_name(struct buf *path, struct str name);
void config_path_index(struct buf *path, size_t i);

/** A variable: of the process, else of the file's own `env` section; empty when unset. */
struct str config_env(const struct builder *b, const char *name);

/** The node at a dotted path below `node`. */
const struct json5_node *config_at(const struct json5_node *node, struct str path);
struct str config_text_of(const struct json5_node *node); /* a string's text; empty for everything else and NULL */

void *config_new(struct builder *b, size_t count, size_t size); /* zeroed; NULL sets b->err */
struct str config_copy(struct builder *b, struct str text);
struct str config_format(struct builder *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct str config_expand_home(struct builder *b, struct str path); /* "~" and "~/..." */

/** The texts of a list of strings; elements of other kinds are left out. */
void config_strings(struct builder *b, const struct json5_node *list, const struct str **out, size_t *count);

/* The steps, in this order; each reports what it finds and goes on. */
struct json5_node *config_source_file(struct builder *b, const char *path);                  /* NULL: problems or b->err say why */
struct json5_node *config_source_text(struct builder *b, const char *name, struct str text); /* the same */
void config_source_substitute(struct builder *b, struct json5_node *node);                   /* and everything below it */
void config_check_kinds(struct builder *b);
void config_resolve_providers(struct builder *b);
void config_resolve_agents(struct builder *b);
void config_resolve_bindings(struct builder *b);
enum { CONFIG_CRON_ID_MAX = 64 }; /* bytes */
void config_check_cron(struct builder *b);
void config_check_hooks(struct builder *b);
void config_resolve_gateway(struct builder *b);
void config_resolve_limits(struct builder *b);
void config_check_rest(struct builder *b);
void config_collect_secrets(struct builder *b);

/** Cut the next part off a path: a name or the digits of an index. @return false when the path is malformed */
bool config_path_next(struct str *rest, struct str *part);

/** True when the value under this rule and name must never be shown. */
bool config_is_secret(const struct config_rule *rule, struct str name);

/** True for a text that is "${NAME}" and nothing else: it may be shown even where a secret belongs. */
bool config_is_reference(struct str text);

/** True for a text that must not be shown: a secret's place, or put in from a variable whose name says so. */
bool config_is_hidden(const struct json5_node *node, const struct config_rule *rule, struct str name);

/* Writes a tree as JSON. */
struct config_printer {
    struct buf *out;
    int indent;       /* spaces per level; 0: one line */
    int level;        /* of the first line */
    const char *mask; /* stands for what is hidden; NULL: nothing is */
};
void config_print_node(struct config_printer *p, const struct json5_node *node, const struct config_rule *rule, struct str name);

#endif
