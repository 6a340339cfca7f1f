/** tests/support/frames.h -- recorded frames of OpenClaw 2026.2.17 against those of the gateway under test.
 *
 *  A recording is tests/data/frames/<name>.json: {"request", "response"}, {"requests", "frames"} or one event.
 *  Requests are sent as they were recorded, but for what belongs to a run: ids, hashes, keys and paths that the recorded
 *  gateway made are exchanged for those that ours made in their place (learned while comparing).
 *  Errors have to be the same. Of a payload every recorded name has to be there, in the recorded order, with a value of
 *  the same kind; texts and truth values have to be the same where they do not depend on the machine, the model or the time.
 *  Owns:   what was learned, the frames that came
 *  Thread: one at a time */
#ifndef TESTS_SUPPORT_FRAMES_H
#define TESTS_SUPPORT_FRAMES_H

#include "support/gateway.h"
#include "support/ws_client.h"

struct known {          /* an honest difference */
    const char *frame;  /* its name; a '*' in it stands for anything */
    const char *path;   /* "payload.jobs[].state"; what lies below it counts, too; "": all; a '*' at the end: all that begin so */
    const char *reason; /* for who reads the list */
    bool played, seen;
};

struct frames {
    const struct kit *kit;
    struct known *known;
    size_t known_count;
    json_t *learned;  /* recorded text: ours */
    const char *name; /* of the frame being compared */
    int compared, values, excused;
};

struct frame_client {
    ws_t *ws;
    json_t *came;  /* array: each event, and responses nobody took yet */
    size_t mark;   /* events before it are of the past */
    int64_t seq;   /* of the last event to all; 0: none yet */
    bool all;      /* it hears everything, so no number may be missing */
    json_t *hello; /* its response to connect */
};

void frames_begin(struct frames *f, const struct kit *kit, struct known *known, size_t known_count);
/** Fails the test for known differences that were not seen though their frames were played, and prints the counts. */
void frames_end(struct frames *f);

/** The gateway with the recorded one's configuration, agents and files, and frames_begin(); end with frames_end() and kit_stop(). */
void frames_start(struct frames *f, struct kit *kit, struct known *known, size_t known_count);
/** A file in the test's folder, with the folders that lead to it. */
void frames_put(const struct kit *kit, const char *name, const char *text);

/** The recording; the caller json_decref()s. Fails the test when there is none. */
json_t *frames_load(const char *name);
/** Learn by hand: what the recording has as `recorded` is `ours` here. */
void frames_learn(struct frames *f, const char *recorded, const char *ours);
/** A recorded text as it is here; borrowed from `f` or the argument. */
const char *frames_ours(struct frames *f, const char *recorded);
/** Compare two frames or payloads under a name. */
void frames_compare(struct frames *f, const char *name, const json_t *want, const json_t *got);
/** The same values, with ours in place of the recorded ones; the caller json_decref()s. */
json_t *frames_translate(struct frames *f, const json_t *recorded);

/** Connect, and keep the answer in client->hello. Fails the test when it is refused. */
void frames_join(struct frames *f, struct frame_client *client, const char *headers, const struct ws_connect *c);
/** As the recorded Control UI. */
void frames_join_web(struct frames *f, struct frame_client *client, const struct ws_device *device);
/** Come and go, so that the others know of it. */
void frames_visit(const struct kit *kit, const char *headers, const struct ws_connect *c);
void frames_leave(struct frame_client *client);
/** Wait for the response with this id; events that come before are kept. NULL when none comes. */
json_t *frames_response(struct frame_client *client, const char *id, int timeout_ms);
/** Send the recorded request. @param id  the response will carry it */
void frames_send(struct frames *f, struct frame_client *client, const json_t *request, const char *id);
/** Send the recorded request, compare the answer, return it; the caller json_decref()s. */
json_t *frames_play(struct frames *f, struct frame_client *client, const char *name);
/** The same for several, ends with NULL; answers are dropped. */
void frames_play_all(struct frames *f, struct frame_client *client, const char *const *names);
/** Wait for an event like the recorded one (its name, action, decision and reason), compare it, return it (borrowed). */
const json_t *frames_event(struct frames *f, struct frame_client *client, const char *name);
/** Has an event of this name come since the last frames_play or frames_forget? */
bool frames_heard(const struct frame_client *client, const char *event);
/** Drop what came. */
void frames_forget(struct frame_client *client);
/** The next frame of any kind, kept in client->came, too; borrowed. NULL when none comes. */
const json_t *frames_next(struct frame_client *client, int timeout_ms);

#endif
