/** channels/discord.h -- inside channels/ only: what the files about Discord share.
 *
 *  Files: discord.c (accounts, the table of functions), discord_gateway.c (the connection), discord_inflate.c (its compression),
 *  discord_world.c (servers and channels), discord_access.c (who may speak), discord_inbound.c (from a message to a turn),
 * discord_history.c (repeats, what nobody answered), discord_prompt.c (what the model reads of it), discord_turns.c (typing, reactions),
 * discord_deliver.c (answers), discord_commands.c (slash commands), discord_buttons.c, discord_orders.c (tools and clients), discord_rest.c
 * (calls)
 *
 *  Source: reference discord */
#ifndef CHANNELS_DISCORD_H
#define CHANNELS_DISCORD_H

#include <jansson.h>
#include <uthash.h>

#include "channels/channel.h"
#include "channels/discord_rest.h"
#include "channels/dm_pairing.h"

enum {
    DISCORD_ID_SIZE = 24,           /* a snowflake and its NUL */
    DISCORD_PAYLOAD_MAX = 32 << 20, /* bytes of one payload of the gateway, inflated */
    DISCORD_FRAME_MAX = 4096,       /* bytes of a frame to the gateway */
    DISCORD_TEXT_MAX = 2000,        /* characters of a message */
    DISCORD_CHANNELS_MAX = 20000,   /* remembered channels of an account; then those known by a call alone are forgotten */
    DISCORD_SEEN_MAX = 5000,        /* message ids that are known for repeats */
    DISCORD_SEEN_MS = 20 * 60 * 1000,
    DISCORD_INBOUND_MAX = 1000,        /* messages that wait for something before they go to an agent */
    DISCORD_JOINED_MAX = 20,           /* messages that become one with the first */
    DISCORD_HISTORY_MAX = 100,         /* messages of one channel that nobody answered */
    DISCORD_HISTORY_BYTES = 2000,      /* of one */
    DISCORD_HISTORIES_MAX = 500,       /* channels with such */
    DISCORD_TEXT_FILE_MAX = 64 * 1024, /* bytes of a text attachment that are shown */
    DISCORD_COMMANDS_MAX = 100,
};

enum discord_phase {
    DISCORD_OFF,    /* no token, or not wanted */
    DISCORD_ASKING, /* for the gateway's address */
    DISCORD_CONNECTING,
    DISCORD_GREETING,    /* connected, waiting for hello */
    DISCORD_IDENTIFYING, /* identified or resumed, waiting for ready */
    DISCORD_READY,
    DISCORD_PAUSED, /* until due_ms */
    DISCORD_FATAL,  /* until the configuration changes */
};

struct discord_chan {
    char id[DISCORD_ID_SIZE], guild[DISCORD_ID_SIZE], parent[DISCORD_ID_SIZE], owner[DISCORD_ID_SIZE];
    int type;
    char *name, *topic; /* owned; may be NULL */
    int64_t until_ms;   /* then it is asked for again, monotonic; 0: the gateway keeps it up to date */
    UT_hash_handle hh;
};

struct discord_guild {
    char id[DISCORD_ID_SIZE];
    char role[DISCORD_ID_SIZE]; /* that is the bot's alone; mentioning it is mentioning the bot */
    char *name;                 /* owned */
    UT_hash_handle hh;
};

struct discord_said {    /* by someone, and nobody answered */
    char *sender, *body; /* owned */
    int64_t at_ms;
};

struct discord_history {
    char channel[DISCORD_ID_SIZE];
    struct discord_said said[DISCORD_HISTORY_MAX]; /* oldest first */
    size_t count;
    UT_hash_handle hh;
};

struct discord_turn { /* a message that became one; owned by its account */
    uint64_t tag;
    char channel[DISCORD_ID_SIZE], message[DISCORD_ID_SIZE], types_in[DISCORD_ID_SIZE];
    char ack[64]; /* the reaction that was put on it, percent-encoded; empty: none */
    bool typing;
    int64_t type_ms; /* next notice */
    UT_hash_handle hh;
};

struct discord_out;     /* a delivery (discord_deliver.c) */
struct discord_press;   /* a button that waits for what came of it (discord_buttons.c) */
struct discord_inbound; /* a message on its way in (discord_inbound.c) */
struct discord_inflater;

struct discord_account {
    struct channel_state *d;
    size_t index;
    char id[64];
    char *token;              /* owned; NULL: none */
    const char *token_source; /* "config", "env", "none" */
    bool enabled, is_default;
    discord_rest_t *rest;

    enum discord_phase phase;
    int64_t due_ms;                           /* when the phase has lasted too long, or the pause is over */
    char *gateway_url, *resume_url, *session; /* owned; NULL: not known */
    int64_t seq;                              /* of the last event; -1: none */
    struct discord_inflater *inflater;
    int64_t beat_every_ms, beat_ms, beat_sent_ms, latency_ms;
    bool beat_waits, resuming;
    int failures, failed_resumes;
    int64_t identified_ms, starts_left, starts_reset_ms;
    int64_t frames_since_ms;
    int frames;

    char user[DISCORD_ID_SIZE], application[DISCORD_ID_SIZE];
    char *username; /* owned */
    struct discord_guild *guilds;
    struct discord_chan *chans;
    struct discord_history *histories;
    struct discord_turn *turns;
    struct discord_inbound *inbound;
    size_t inbound_count;
    struct discord_out *outs;
    struct discord_press *presses;
    size_t press_count;
    char commands_hash[17]; /* of what is registered; empty: not known */

    char error[256];
    int64_t started_ms, stopped_ms, event_ms, inbound_ms, outbound_ms; /* wall clock; 0: never */
    int64_t resumes, identifies, reconnects;
};

struct discord_seen {
    char key[DISCORD_ID_SIZE + 2];
    int64_t at_ms;
    UT_hash_handle hh; /* in order of arrival */
};

struct channel_state { /* of Discord */
    const config_t *config;
    struct env env;
    struct channel_host host;
    char *base; /* of the REST API; owned */
    struct discord_account *accounts[CHANNEL_ACCOUNTS_MAX];
    size_t count;
    dm_pairing_t *pairing;
    struct discord_seen *seen;
    uint64_t last_tag;
    bool started;
};

/* Where a message was written. */
struct discord_where {
    struct str guild, channel, parent; /* ids; guild empty: direct */
    struct str guild_name, channel_name, parent_name, topic;
    bool thread, direct, group; /* group: a group of direct messages */
};

/* What the configuration says of a place. */
struct discord_rules {
    bool allowed;
    bool require_mention;
    bool auto_thread;
    bool thread_starter;
    const struct json5_node *guild, *channel;        /* entries; NULL: none */
    const struct json5_node *users, *roles, *skills; /* NULL: not said */
    struct str system_prompt;
};

/* discord.c */
void discord_pump(struct discord_account *a, const struct channel_now *now); /* send what may be sent */
struct discord_account *discord_account_find(struct channel_state *d, struct str id);
/** A setting of an account, else of the channel. `name` may hold dots. */
const struct json5_node *discord_setting(const struct discord_account *a, const char *name);
struct str discord_text(const struct discord_account *a, const char *name); /* empty: not set */
int64_t discord_number(const struct discord_account *a, const char *name);  /* with the default of config.def */
bool discord_flag(const struct discord_account *a, const char *name, bool otherwise);
bool discord_is(const struct json5_node *object, const char *name, bool otherwise);
/** A call to be added with discord_go(). @return NULL: no memory */
struct discord_call *discord_call(const char *method, enum discord_purpose purpose, const char *path, ...)
    __attribute__((format(printf, 3, 4)));
/** Set its JSON body; takes the value over. */
void discord_body(struct discord_call *call, json_t *body);
/** Add and send. `call` may be NULL. @return 0, GW_EFULL, GW_ENOMEM */
int discord_go(struct discord_account *a, struct discord_call *call, const struct channel_now *now);
void discord_changed(struct discord_account *a);
bool discord_stopped(const struct discord_account *a); /* it has no connection, and will have none by itself */
uint64_t discord_random(struct channel_state *d);
bool discord_id_copy(char out[DISCORD_ID_SIZE], struct str id); /* false: it is no snowflake; out is "" */
void discord_slug(struct str name, struct buf *out);

/* discord_inflate.c */
int discord_inflate_create(struct discord_inflater **out);
void discord_inflate_destroy(struct discord_inflater **i_p);
/** Take a piece. @param out  receives a whole payload, when it is one @return 1: it is; 0: more is to come; GW_EPARSE, GW_ELIMIT, GW_ENOMEM
 */
int discord_inflate_feed(struct discord_inflater *i, struct str bytes, struct buf *out);

/* discord_gateway.c */
void discord_gateway_start(struct discord_account *a, const struct channel_now *now);
void discord_gateway_stop(struct discord_account *a, const struct channel_now *now, enum discord_phase phase, const char *why);
void discord_gateway_opened(struct discord_account *a, const struct channel_now *now);
void discord_gateway_received(struct discord_account *a, struct str bytes, bool binary, const struct channel_now *now);
void discord_gateway_closed(struct discord_account *a, int code, struct str reason, const struct channel_now *now);
void discord_gateway_told(struct discord_account *a, const struct channel_response *answer, const struct channel_now *now);
void discord_gateway_tick(struct discord_account *a, const struct channel_now *now);
int64_t discord_gateway_next(const struct discord_account *a);
json_t *discord_json(struct str text); /* also with escapes that are no characters; NULL: it is none */

/* discord_world.c */
void discord_world_event(struct discord_account *a, struct str type, const json_t *data);
struct discord_chan *discord_chan_find(struct discord_account *a, struct str id);
/** What an answer to GET /channels/{id} says; data NULL: there is none. */
void discord_chan_told(struct discord_account *a, const char *id, const json_t *data, const struct channel_now *now);
const struct discord_guild *discord_guild_find(struct discord_account *a, struct str id);
struct str discord_guild_name(struct discord_account *a, struct str id);
void discord_world_free(struct discord_account *a);

/* discord_access.c */
void discord_access(const struct discord_account *a, const struct discord_where *where, struct discord_rules *out);
/** May this person speak there? */
bool discord_access_person(const struct json5_node *users, const struct json5_node *roles, const json_t *author, const json_t *member);
/** A person who writes directly: allowFrom, or approved. */
bool discord_let_in(const struct discord_account *a, const json_t *author);
/** May this person give commands there? Only who is named: a place that is open to all lets nobody (reference 3.2). */
bool discord_may_command(const struct discord_account *a, const struct discord_rules *rules, bool direct, const json_t *author,
                         const json_t *member);
bool discord_list_has(const struct json5_node *list, const json_t *author);
bool discord_mentioned(struct discord_account *a, const json_t *message, struct str agent);
/** Without mentions and mention patterns, blanks run together. */
void discord_strip_mentions(struct str text, struct buf *out);

/* discord_inbound.c */
void discord_message_created(struct discord_account *a, const json_t *message, const struct channel_now *now);
void discord_inbound_advance(struct discord_account *a, const struct channel_now *now);
int64_t discord_inbound_next(const struct discord_account *a); /* when one has waited long enough for more */
void discord_inbound_tick(struct discord_account *a, const struct channel_now *now);
void discord_inbound_file(struct discord_account *a, const struct discord_call *call, const struct channel_response *answer,
                          const struct channel_now *now);
void discord_inbound_placed(struct discord_account *a, const char *channel, const struct channel_now *now); /* it was asked for */
void discord_inbound_free(struct discord_account *a);
void discord_reaction(struct discord_account *a, const json_t *data, bool added, const struct channel_now *now);
void discord_reacted(struct discord_account *a, const struct discord_call *call, const struct channel_response *answer,
                     const struct channel_now *now);
/** Where it is. @return false: the channel has to be asked for */
bool discord_place(struct discord_account *a, const json_t *message, const struct channel_now *now, struct discord_where *where);

/* discord_history.c */
/** Note a message's id. @return whether it was told before */
bool discord_seen(struct channel_state *d, size_t account, struct str id, int64_t now_ms);
/** Make `next` say what `first` said, too: both texts, a line each, and whom both mention. @return false: they are not the same person's */
bool discord_messages_join(const json_t *first, json_t *next);
void discord_history_note(struct discord_account *a, const json_t *message, const char *channel, const struct channel_now *now);
void discord_history_clear(struct discord_account *a, const char *channel);
int64_t discord_history_limit(const struct discord_account *a);

/* discord_prompt.c */
struct discord_prompt {
    struct discord_account *account;
    const json_t *message;
    const struct discord_where *where;
    const struct discord_rules *rules;
    bool mentioned;
    const struct discord_history *history; /* NULL: none is shown */
    size_t history_from;
    struct str starter; /* of a thread; empty: not shown */
    struct str text, files;
};
void discord_prompt_user(const struct discord_prompt *p, struct buf *out);
void discord_prompt_system(const struct discord_prompt *p, struct buf *out);
void discord_message_text(const json_t *message, struct buf *out); /* what was said, or what stands for it */
void discord_sender_name(const json_t *author, const json_t *member, struct buf *out);

/* discord_turns.c */
/** @param thread  where it types, when it is answered there; empty: in the channel */
uint64_t discord_turn_begin(struct discord_account *a, const char *channel, const char *thread, struct str message, struct str ack,
                            const struct channel_now *now);
void discord_turn_news(struct channel_state *d, uint64_t tag, enum channel_turn_news news, struct str text, const struct channel_now *now);
void discord_turns_tick(struct discord_account *a, const struct channel_now *now);
int64_t discord_turns_next(const struct discord_account *a);
void discord_turns_free(struct discord_account *a);
void discord_emoji_path(struct str emoji, struct buf *out); /* percent-encoded, without variation selectors */

/* discord_deliver.c */
void discord_deliver(struct channel_state *d, const struct channel_delivery *delivery, uint64_t order, const struct channel_now *now);
void discord_part_sent(struct discord_account *a, struct discord_call *call, const struct channel_response *answer,
                       const struct channel_now *now);
void discord_out_dm(struct discord_account *a, struct discord_call *call, const struct channel_response *answer,
                    const struct channel_now *now);
void discord_say(struct discord_account *a, const char *channel, const char *reply_to, struct str text, const struct channel_now *now);
void discord_outs_free(struct discord_account *a);
/** "50013: Missing Permissions (403)": what an answer that is none says. */
void discord_why(const struct channel_response *answer, struct buf *out);

/* discord_commands.c */
void discord_commands_register(struct discord_account *a, const struct channel_now *now);
void discord_commands_told(struct discord_account *a, const struct channel_response *answer);
void discord_interaction(struct discord_account *a, const json_t *data, const struct channel_now *now);
/** Answer an interaction's callback, within 3 s of its arrival. @param body  taken over */
void discord_acknowledge(struct discord_account *a, const json_t *data, json_t *body, const struct channel_now *now);

/* discord_buttons.c */
/** Buttons of a delivery as components of a message. */
void discord_add_buttons(json_t *body, struct str buttons);
/** One was pressed. @return false: it is not one of ours */
bool discord_pressed(struct discord_account *a, const json_t *data, const json_t *user, const struct channel_now *now);
void discord_decided(struct channel_state *d, uint64_t tag, bool ok, const struct channel_now *now);
void discord_presses_free(struct discord_account *a);

/* discord_orders.c */
void discord_order(struct channel_state *d, const struct channel_order *order, const struct channel_now *now);
void discord_ordered(struct discord_account *a, const struct discord_call *call, const struct channel_response *answer,
                     const struct channel_now *now);

#endif
