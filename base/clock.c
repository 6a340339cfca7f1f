#include "base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <time.h>

static int64_t micros(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_ms(void)
{
    return micros(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void)
{
    return micros(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
    return micros(CLOCK_REALTIME) / 1000;
}

void clock_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm t;
    gmtime_r(&seconds, &t);
    size_t n = strftime(out, CLOCK_ISO_SIZE, "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(out + n, CLOCK_ISO_SIZE - n, ".%03dZ", (int)(wall_ms % 1000));
}

int clock_left_ms(int64_t deadline_mono_ms)
{
    if (deadline_mono_ms < 0) return -1;
    int64_t left = deadline_mono_ms - clock_mono_ms();
    return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}
