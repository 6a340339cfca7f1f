#include "actors/supervise.h"

bool supervise_died(struct supervise *actor, int64_t now_ms, int64_t *delay_ms)
{
    *delay_ms = 0;
    /* A full ring holds its oldest death where the next one goes. */
    bool full = actor->count == SUPERVISE_RESTARTS_MAX;
    if (full && now_ms - actor->deaths_ms[actor->at] < SUPERVISE_WINDOW_MS) actor->given_up = true;
    if (actor->given_up) return false;
    bool was_healthy = now_ms - actor->restarted_ms >= SUPERVISE_HEALTHY_MS;
    int64_t doubled = actor->delay_ms * 2;
    if (actor->delay_ms == 0 || was_healthy)
        actor->delay_ms = SUPERVISE_DELAY_FIRST_MS;
    else
        actor->delay_ms = doubled < SUPERVISE_DELAY_MAX_MS ? doubled : SUPERVISE_DELAY_MAX_MS;
    actor->deaths_ms[actor->at] = now_ms;
    actor->at = (actor->at + 1) % SUPERVISE_RESTARTS_MAX;
    if (!full) actor->count++;
    actor->restarted_ms = now_ms + actor->delay_ms;
    *delay_ms = actor->delay_ms;
    return true;
}
