/** actors/query_answers.h -- what the query actor answers about agents, models, skills, channels, health, logs and the rest
 *  that is read from the configuration and from files.
 *
 *  In:     a struct rpc_call           Out: its result, or its refusal
 *  Owns:   nothing but the files that its methods write: workspace files, <state>/exec-approvals.json, <state>/settings/voicewake.json,
 *          and the configuration file by way of query_config_edit()
 *  Thread: the query actor's
 *  Source: reference gateway-protocol 6.5 and 7, captured frames
 *
 *  Tables for rpc_call_run(), by file: */
#ifndef ACTORS_QUERY_ANSWERS_H
#define ACTORS_QUERY_ANSWERS_H

#include "actors/rpc_call.h"

enum {
    QUERY_AGENT_FILE_MAX = 1024 * 1024,     /* bytes of a workspace file that is read or written for a client */
    QUERY_APPROVALS_FILE_MAX = 1024 * 1024, /* bytes of exec-approvals.json */
    QUERY_MODELS_MAX = 4096,                /* models in one answer; further ones are left out */
    QUERY_ACCOUNTS_MAX = 64,                /* accounts of one channel that are listed */
    QUERY_HEALTH_RECENT = 5,                /* sessions listed for each agent in `health` */
    QUERY_STATUS_RECENT = 10,               /* ... and in `status` */
    QUERY_LOG_LINES = 500,                  /* lines of logs.tail when nothing else is asked for */
    QUERY_LOG_LINES_MAX = 5000,
    QUERY_LOG_BYTES = 250000, /* of the file that are read for it */
    QUERY_LOG_BYTES_MAX = 1000000,
    QUERY_TRIGGERS_MAX = 32, /* voicewake triggers, ... */
    QUERY_TRIGGER_MAX = 64,  /* ... and bytes of one; the rest is left out */
};

extern const struct rpc_handler query_agents_handlers[];      /* agents.list, agent.identity.get */
extern const struct rpc_handler query_agent_edit_handlers[];  /* agents.create, update, delete: they write the configuration file */
extern const struct rpc_handler query_agent_files_handlers[]; /* agents.files.* */
extern const struct rpc_handler query_models_handlers[];      /* models.list */
extern const struct rpc_handler query_skills_handlers[];      /* skills.* */
extern const struct rpc_handler query_channels_handlers[];    /* channels.status */
extern const struct rpc_handler query_health_handlers[];      /* health, status: the whole of their payload */
extern const struct rpc_handler query_approvals_handlers[];   /* exec.approvals.get, set */
extern const struct rpc_handler query_logs_handlers[];        /* logs.tail */
extern const struct rpc_handler query_cron_handlers[];        /* cron.* */
extern const struct rpc_handler query_metrics_handlers[];     /* metrics.store */
extern const struct rpc_handler query_voice_handlers[];       /* talk.config, voicewake.*, tts.* */

/** Append `"channels":{...},"channelOrder":[...],"channelLabels":{...}` of a health object. */
void query_channels_health(const struct rpc_call *call, bool probe, struct buf *out);

/** Append the strings of status.channelSummary, as elements of an array. */
void query_channels_summary(const struct rpc_call *call, struct buf *out);

#endif
