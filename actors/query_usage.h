/** actors/query_usage.h -- which days a question about usage is about; shared by query_usage.c and query_cost.c. */
#ifndef ACTORS_QUERY_USAGE_H
#define ACTORS_QUERY_USAGE_H

#include "actors/rpc_call.h"
#include "base/json5.h"

#define QUERY_DAY_MS INT64_C(86400000)

enum {
    QUERY_USAGE_DAYS = 30,     /* without dates: so many days up to today */
    QUERY_USAGE_SESSIONS = 50, /* without a limit: so many sessions */
    QUERY_USAGE_POINTS = 200,  /* of a session's curve; neighbours are added up until it has no more */
};

struct usage_days { /* UTC days since 1970-01-01, both included */
    int64_t first, last;
};

/** startDate and endDate when both are days, else `days` up to today, else QUERY_USAGE_DAYS. */
struct usage_days usage_days_asked(const struct rpc_call *call);

#endif
