/** base/config_schema.h -- base/config.def as a tree, and a configuration checked against it.
 *
 *  Owns:   nothing: rules live in the caller's arena
 *  Thread: as the arena; a built tree is only read */
#ifndef BASE_CONFIG_SCHEMA_H
#define BASE_CONFIG_SCHEMA_H

#include "base/arena.h"
#include "base/json5.h"

enum config_kind {
    CONFIG_GROUP, /* an object or list whose members have rules of their own */
    CONFIG_ANY,
    CONFIG_OBJECT,  /* these two are told to clients so, and taken as they are */
    CONFIG_OBJECTS, /* a list of them */
    CONFIG_BOOL,
    CONFIG_INT,
    CONFIG_NUMBER,
    CONFIG_STRING,
    CONFIG_SECRET,
    CONFIG_ENUM,
    CONFIG_SWITCH,
    CONFIG_STRINGS,
    CONFIG_IDS,
    CONFIG_DURATION,
    CONFIG_SIZE,
    CONFIG_MODEL,
    CONFIG_ZONE,
};

struct config_setting { /* one line of base/config.def */
    const char *path;
    enum config_kind kind;
    double lo, hi;
    const char *words; /* "a|b|c" */
    const char *def;   /* JSON text, or NULL */
    const char *doc;
    const char *same; /* SAME: the path whose rules also hold here, or NULL */
};

/** All lines, in the order of the file. Static. */
const struct config_setting *config_settings(size_t *count);

struct config_rule {
    struct str name; /* a member's name, "*" for any, "[]" for the elements of a list */
    enum config_kind kind;
    const struct config_setting *setting; /* its line; NULL for a group that has none */
    struct str text;                      /* the default without its quotes, where it is a string */
    struct config_rule *first, *last, *next;
    const struct config_rule *same; /* rules that hold as well */
};

/** Build the tree. @return its root, or NULL when memory is out */
struct config_rule *config_schema_build(struct arena *arena);

/** The rule for a member (or "[]"): its own, that of `same`, else that of "*". NULL when there is none or `rule` is NULL. */
const struct config_rule *config_schema_child(const struct config_rule *rule, struct str name);

/** The rule for a path like `agents.list[2].model`, without quoted names. NULL when there is none. */
const struct config_rule *config_schema_find(const struct config_rule *root, struct str path);

/** The known name of `rule` nearest to `name`; empty when none resembles it. */
struct str config_schema_nearest(const struct config_rule *rule, struct str name);

/** True when `text` is one of "a|b|c". */
bool config_word_known(const char *words, struct str text);

/** "30s", "5m", "1h30m", or a number in `unit` ('l' ms, 's', 'm', 'h', 'd'). @return 0 or GW_EPARSE, GW_ELIMIT */
int config_duration_parse(struct str text, char unit, int64_t *ms);

/** "512kb", "2mb" (powers of 1024) or a number of bytes. @return 0 or GW_EPARSE, GW_ELIMIT */
int config_size_parse(struct str text, int64_t *bytes);

/** True when a name says that its text is a secret: ...token, password, secret, api key. */
bool config_name_is_secret(struct str name);

#endif
