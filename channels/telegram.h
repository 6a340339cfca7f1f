/** channels/telegram.h -- inside the Telegram translator: what its files share.
 *
 *  telegram.c: the bot, long polling, orders, status     telegram_inbound.c: what is said, who may, what the agent is told
 *  telegram_deliver.c: answers out, typing
 *
 *  Source: https://core.telegram.org/bots/api (Bot API 9.2, read 2026-11): getMe, getUpdates, sendMessage, sendChatAction, setMyCommands;
 *          OpenClaw's settings under channels.telegram */
#ifndef CHANNELS_TELEGRAM_H
#define CHANNELS_TELEGRAM_H

#include <jansson.h>
#include <uthash.h>

#include "channels/channel.h"
#include "channels/dm_pairing.h"
#include "channels/split.h"

enum {
    TELEGRAM_POLL_S = 30,                /* a long poll */
    TELEGRAM_CALL_MS = 20000,            /* any other call */
    TELEGRAM_TAKEN_MS = 60000,           /* nobody said that a message is on record: it is asked for again */
    TELEGRAM_PAUSE_MS = 1000,            /* between polls that bring nothing at once, or could not be made */
    TELEGRAM_TYPING_MS = 4500,           /* it is shown for 5 s */
    TELEGRAM_TEXT_MAX = 4096,            /* characters of a message, as UTF-16 */
    TELEGRAM_TRIES_MS = 6 * 3600 * 1000, /* how long an answer is tried */
    TELEGRAM_BACKOFF_MS = 1000,
    TELEGRAM_BACKOFF_MAX_MS = 60000,
    TELEGRAM_PLACE_SIZE = 64, /* bytes of "-1001234567890:topic:42" */
};

enum telegram_phase { TELEGRAM_OFF, TELEGRAM_ASKING, TELEGRAM_POLLING, TELEGRAM_FATAL };

enum telegram_purpose {
    TELEGRAM_FOR_ME,
    TELEGRAM_FOR_UPDATES,
    TELEGRAM_FOR_COMMANDS,
    TELEGRAM_FOR_TEXT,
    TELEGRAM_FOR_NOTHING,
    TELEGRAM_FOR_PROBE
};

struct telegram_call {
    UT_hash_handle hh;
    uint64_t tag;
    enum telegram_purpose purpose;
    void *subject;  /* FOR_TEXT: its struct telegram_out; NULL: it is gone */
    uint64_t order; /* FOR_PROBE */
};

struct telegram_turn { /* somebody waits for an answer */
    UT_hash_handle hh;
    uint64_t tag;
    char place[TELEGRAM_PLACE_SIZE];
    int64_t message, update;
    bool taken, typing; /* taken: on record */
    int64_t type_ms;
};

struct telegram_out { /* a text on its way */
    struct telegram_out *prev, *next;
    int64_t id;
    uint64_t order, tag; /* tag: of the call in progress; 0: it waits */
    char place[TELEGRAM_PLACE_SIZE];
    int64_t reply_to;
    struct split_parts parts;
    size_t sent;
    struct buf ids;
    int64_t due_ms, until_ms; /* monotonic */
    int tries;
};

struct channel_state {
    const config_t *config;
    struct env env;
    struct channel_host host;
    char *base, *token; /* owned; token NULL: none */
    enum telegram_phase phase;
    dm_pairing_t *pairing;
    struct telegram_call *calls;
    struct telegram_turn *turns;
    struct telegram_out *outs; /* in order */
    uint64_t last_tag;
    char id[24], username[64]; /* the bot's */
    int64_t offset;            /* of the next update; 0: whatever Telegram has */
    bool polling, commands_told;
    int64_t next_poll_ms, polled_ms, batch_ms; /* batch_ms: when the newest updates came */
    int failures;                              /* of polls, in a row */
    int64_t started_ms, stopped_ms, inbound_ms, outbound_ms, event_ms;
    char error[256];
};

/* telegram.c */
const struct json5_node *telegram_setting(const struct channel_state *s, const char *name);
bool telegram_list_has(const struct json5_node *list, struct str id, struct str username);
/** POST a method. @param body  taken over  @return NULL: nothing was sent */
struct telegram_call *telegram_call(struct channel_state *s, const char *method, json_t *body, enum telegram_purpose purpose,
                                    int64_t timeout_ms);
void telegram_changed(struct channel_state *s);

/* telegram_inbound.c */
void telegram_on_update(struct channel_state *s, const json_t *update, const struct channel_now *now);

/* telegram_deliver.c */
void telegram_deliver(channel_state_t *s, const struct channel_delivery *d, uint64_t order, const struct channel_now *now);
void telegram_say(struct channel_state *s, const char *place, int64_t reply_to, struct str text, const struct channel_now *now);
void telegram_sent(struct channel_state *s, struct telegram_out *o, const struct channel_response *answer, const struct channel_now *now);
void telegram_outs_tick(struct channel_state *s, const struct channel_now *now);
int64_t telegram_outs_next(const struct channel_state *s);
void telegram_outs_free(struct channel_state *s);
void telegram_turn_news(channel_state_t *s, uint64_t tag, enum channel_turn_news news, struct str text, const struct channel_now *now);
/** chat_id, and message_thread_id of a topic, into a call's body. */
void telegram_place(json_t *body, const char *place);

#endif
