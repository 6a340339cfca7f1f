#!/bin/sh
# Takes one check at a time out of a copy of what a simulator tries, and expects it to find the fault.
# usage: mutations.sh policy|cron <compiler> <source folder> <libgw_base.a>
set -eu
what=$1 cc=$2 src=$3 base=$4

# file ~ what sed does to it ~ what is wrong then. A line that changes nothing is an error: the code has moved.
# shellcheck disable=SC2317 # called by its name, $mutations
policy_mutations() {
    cat <<'LIST'
policy_lanes.c~s/lane->used < p->limits.lane_cap\[i\]/lane->used <= p->limits.lane_cap[i]/~a lane goes above its cap
policy_lanes.c~s/if (g->in_ring.list) {/if (0) {/~one requester's children starve another's
policy_lanes.c~s/if (lane != LANE_SUBAGENT) return/if (1) return/~requesters do not take turns
policy_lanes.c~s/if (lane->resume.count)/if (0)/~a turn that waited for another session never goes on
policy_spawn.c~s/s->depth >= p->limits/s->depth > p->limits/~one level too deep
policy_spawn.c~s/s->spawns.count >= p->limits/s->spawns.count > p->limits/~one child too many
policy_spawn.c~s/if (!is_allowed(e, s)) return REASON_SPAWN_DENIED;//~an agent that is not in the list is started
policy_spawn.c~s/if (!e->target_known) return REASON_SPAWN_UNKNOWN;//~an agent that nobody configured is started
policy_spawn.c~s/POLICY_TURN_RUNNING || t->aborted) return/POLICY_TURN_RUNNING) return/~what is being stopped starts a child
policy_spawn.c~s/if (p->stopping) return REASON_STOPPING;//~a child is started while the gateway stops
policy_spawn.c~s/policy_session_find(p, e->session) ? REASON_SPAWN_EXISTS/0 ? REASON_SPAWN_EXISTS/~a session is spawned twice
policy_spawn.c~s/policy_list_push(&parent->spawns, &spawn->in_parent);//~children are not counted
policy_turns.c~0,/if (t->spawn) policy_spawn_free/s/if (t->spawn) policy_spawn_free(p, t->spawn);//~a child that has ended keeps its slot
policy_turns.c~s/policy_spawn_unreserve(p, s, t->id);//~a reservation outlives the turn that made it
policy_turns.c~s/if (e->spawn && t->session->parent) {/if (0) {/~a child that is taken up after a crash has no slot
policy_turns.c~s/if (t && old->spawn) {/if (0) {/~a steered child loses its slot
policy_turns.c~s/if (old) take_over(p, t, old);//~a steered child runs on
policy_turns.c~s/!old->aborted && !old->lead/true/~what is being stopped is replaced
policy_turns.c~s/if (e->ok) place(p, t->session, e);//~a leaf that somebody writes to is none
policy_turns.c~s/state == POLICY_TURN_STARTING || state == POLICY_TURN_RUNNING;/state >= POLICY_TURN_STARTING \&\& state <= POLICY_TURN_WAITING;/~a turn that waits for another session keeps its permit
policy_turns.c~s/if (p->stopping) return refuse(p, e->turn, REASON_STOPPING, 0, 0) == 0;//~a turn is taken while the gateway stops
policy_turns.c~s/if (e->spawn && !spawn) return refuse/if (0) return refuse/~a child whose slot is gone runs
policy_turns.c~s/if (lane->waiting >= p->limits.lane_waiting_max)/if (0)/~a lane's queue has no bound
policy_turns.c~s/if (!e->bounded ||/if (1 ||/~a session's queue has no bound
policy_turns.c~s/if (t->aborted) return 0; .*//~what was stopped while it waited goes on
policy_abort.c~s/if (e->cascade) {/if (0) {/~a stop does not reach the children
policy_abort.c~s/for (const struct session \*at = s->doomed; at; at = at->doomed) doom_children(&list, at, 0);//~a stop does not reach the grandchildren
policy_abort.c~s/policy_spawn_unreserve(p, s, t ? t->id : 0);//~a stop leaves reservations
policy_abort.c~s/e->reason == REASON_KILLED ? REASON_USER : e->reason/e->reason/~what a killed child had started is told of
policy_abort.c~s/ || child->spawner == spawner) doom/) doom/~a stopped turn's children go on
policy_abort.c~s/if (t->request) policy_request_cancel(p, t->request, reason);//~a stopped turn's request goes on
policy_collect.c~s/t->lane == lead->lane/true/~messages of two lanes run as one
policy_collect.c~s/ lead->message_bytes + t->message_bytes <= POLICY_COLLECT_BYTES_MAX/ true/~messages that are too long together run as one
policy_collect.c~s/(t->steer || !steers) \&\& //~what is to wait joins a turn that runs
policy_collect.c~s/policy_collect(p, lead, true);//~what is to steer waits
policy_collect.c~s/lead->message_bytes += t->message_bytes;//~a turn takes in more than it may
policy_turns.c~s/if (t->steer) policy_steer_hint(p, t->session);//~a turn is not told what waits for it
policy_sessions.c~s/head->collect \&\& s->quiet_ms > p->now_ms/0/~what came during a run does not wait for more
policy_sessions.c~s/s->quiet_ms > p->now_ms \&\& !p->stopping) return/!p->stopping) return/~what waits for more is forgotten
policy_sessions.c~s/->quiet_ms > s->quiet_ms) before/->quiet_ms < 0) before/~who is quiet first comes later
policy_turns.c~s/if (e->alone) t->collect = 0;//~what is to run alone is joined
policy_abort.c~s/if (s->active \&\& s->active->bounded) stop/if (0) stop/~a turn runs on that is to be interrupted
policy_abort.c~s/s->active \&\& s->active->bounded/s->active/~what is no person's turn is interrupted
policy_budgets.c~s/if (refuse(p, e, SCOPE_TURN, &t->spent)) return true;//~a turn has no budget
policy_budgets.c~s/if (refuse(p, e, SCOPE_SESSION, &s->spent)) return true;/;/~a session has no budget
policy_budgets.c~s/for (struct session \*s = t->session; s; s = s->parent) add/for (struct session *s = t->session; s; s = 0) add/~what a child spends is not its parent's
policy_budgets.c~s/(a \&\& refuse(p, e, SCOPE_AGENT, &a->spent)) || //~an agent has no budget
policy_budgets.c~s/refuse(p, e, SCOPE_DAY, &p->of_day);/0;/~a day has no budget
policy_budgets.c~s/if (day <= p->day) return;/return;/~yesterday's spending counts today
policy_budgets.c~s/spent->tokens >= budget->tokens/spent->tokens > budget->tokens/~a budget is one too large
policy_models.c~s/if (policy_budget_refuses(p, t, e)) return 0;//~budgets do not refuse
policy_keys.c~s/HASH_FIND(hh, p->keeps, key.p, key.n, k);/k = NULL;/~a repeat runs again
policy_workers.c~s/if (p->live < p->limits.workers_max) return/if (1) return/~more threads than allowed
policy_models.c~s/if (c->fate == POLICY_TRIED || /if (/~a candidate is tried twice
policy_providers.c~s/if (v->until_ms == 0) return true;/return true;/~a model that cools down is asked
policy_retries.c~s/if (last != r) settle(p, at, last);//~a request that waits is forgotten
LIST
}

# shellcheck disable=SC2317 # called by its name, $mutations
cron_mutations() {
    cat <<'LIST'
cron_core.c~s/if (s.count > 1) {/if (0) {/~times of a downtime are passed over in silence
cron_core.c~s/int rc = skip_overlap(c, job, ok, now);/int rc = 0; job->state.next_ms = cron_schedule_next(\&job->schedule, now->wall_ms);/~times during a long run are passed over in silence
cron_core.c~s/job->run->again_ms = now->mono_ms + CRON_RETRY_MS;/free(job->run); job->run = NULL;/~an end that was not written is forgotten
cron_core.c~s/if (rc != GW_EEXIST) job->state.next_ms = before_ms;//~a beginning that was not written is passed over
cron_core.c~0,/job->state.next_ms = before_ms;/s/job->state.next_ms = before_ms;/;/~a report that was not written is lost
cron_jobs.c~s/if (job->run) c->ports.begin(c->ports.ctx, job);//~a run without an end is not asked for at the start
cron_jobs.c~s/job \&\& !job->run ? calloc(1, sizeof \*run) : NULL/NULL/~a run without an end is forgotten at the start
cron_jobs.c~s/cron_state_read(&job->state, row->state);//~what was dealt with is forgotten at the start
LIST
}

if [ "$what" = policy ]; then
    mutations=policy_mutations sources="$src/actors/policy*.c" arguments="--seeds 1000" libraries=-lcrypto
    sims="sim_policy sim_budgets sim_collect sim_ready sim_settled sim_turns sim_models"
else
    mutations=cron_mutations sources="$src/actors/cron_core.c $src/actors/cron_job.c $src/actors/cron_jobs.c $src/actors/cron_schedule.c $src/channels/channel_words.c"
    sims=sim_cron arguments="--years 1 --seeds 3" libraries="-ljansson -lcrypto -lm"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags="-std=gnu17 -O1 -w -I$work/tree -I$src"
mkdir -p "$work/tree/actors"

compile() { # source object
    # shellcheck disable=SC2086
    "$cc" $flags -c "$1" -o "$2"
}

for file in $sources; do compile "$file" "$work/$(basename "$file" .c).o"; done
for sim in $sims; do compile "$src/tests/sim/$sim.c" "$work/$sim.o"; done
link_and_run() {
    # shellcheck disable=SC2086
    "$cc" "$work"/*.o "$base" $libraries -o "$work/sim" && timeout 120 "$work/sim" $arguments >"$work/said" 2>&1
}

link_and_run || { cat "$work/said"; echo "mutations: as it is there is a fault"; exit 1; }

failed=0 count=0
$mutations >"$work/list"
while IFS='~' read -r file change wrong; do
    count=$((count + 1))
    name=$(basename "$file" .c)
    sed "$change" "$src/actors/$file" >"$work/tree/$file"
    if cmp -s "$work/tree/$file" "$src/actors/$file"; then
        echo "mutations: '$wrong': sed finds nothing in $file"
        failed=1
        continue
    fi
    cp "$work/$name.o" "$work/kept"
    compile "$work/tree/$file" "$work/$name.o"
    if link_and_run; then
        echo "mutations: '$wrong' is not found ($file: $change)"
        failed=1
    else
        rule=$(grep '^seed\|^sim_cron: [a-z ]*: job' "$work/said" | head -n 1)
        echo "found: $wrong: ${rule:-the process ended}"
    fi
    mv "$work/kept" "$work/$name.o"
done <"$work/list"
echo "mutations: $count tried"
exit "$failed"
