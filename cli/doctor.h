/** cli/doctor.h -- what may be wrong with an installation, and what to do about each.
 *
 *  In:     the configuration, the state directory, the machine; with `probe` model providers and Discord
 *  Out:    findings {id, topic, severity, text, fix, fixed}; with `fix` the ones that can be mended without a decision are
 *  Owns:   struct doctor: the findings
 *  Thread: the main one
 *
 *  Files: doctor.c (findings), doctor_state.c (state, store, machine), doctor_setup.c (configuration, agents, skills), doctor_probe.c (the
 *  network) */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <jansson.h>

#include "cli/configuration.h"

enum doctor_severity { DOCTOR_OK, DOCTOR_INFO, DOCTOR_WARN, DOCTOR_CRITICAL };

struct doctor {
    const struct configuration *c; /* its config may be NULL: it could not be read */
    bool fix, probe;
    json_t *findings;
};

/** Add a finding. @param fix  what to do; NULL: nothing  @return it, borrowed; NULL: no memory */
json_t *doctor_say(struct doctor *d, const char *topic, const char *id, enum doctor_severity severity, const char *fix, const char *format,
                   ...) __attribute__((format(printf, 6, 7)));
/** It was mended: it says so, and is no fault any more. */
void doctor_fixed(json_t *finding, bool done);
/** How many findings have this severity. */
size_t doctor_count(const struct doctor *d, enum doctor_severity severity);
/** {ok, summary{critical, warn, info}, findings[]}; the caller's */
json_t *doctor_report(const struct doctor *d);

void doctor_look_at_state(struct doctor *d);   /* directory, space, store, backups */
void doctor_look_at_machine(struct doctor *d); /* descriptors, kernel, clock, programs */
void doctor_look_at_config(struct doctor *d);  /* file, safety, proxies, hooks */
void doctor_look_at_agents(struct doctor *d);  /* models, keys, workspaces, skills, bindings, jobs */
void doctor_look_at_channels(struct doctor *d);
void doctor_look_outside(struct doctor *d); /* with `probe`: keys accepted, addresses reachable, intents and permissions, clock */

#endif
