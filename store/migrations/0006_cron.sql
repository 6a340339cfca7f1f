-- Jobs that run by the clock. A run's row is written before its work begins, and its uniqueness is what keeps a time from being run
-- twice, whatever the clock does.
CREATE TABLE cron_jobs (
    id         TEXT PRIMARY KEY,
    configured INTEGER NOT NULL,                -- 1: the configuration file's; json is what it said when state was written
    json       TEXT NOT NULL,                   -- the job without its state
    state      TEXT NOT NULL                    -- JSON: next and last run
) STRICT, WITHOUT ROWID;

CREATE TABLE cron_runs (
    id      INTEGER PRIMARY KEY,                -- in the order in which they were written
    job     TEXT NOT NULL,                      -- also of jobs that are gone
    kind    INTEGER NOT NULL,                   -- enum cron_run_kind
    slot_ms INTEGER NOT NULL,                   -- the time for which it is
    ended   INTEGER NOT NULL,                   -- 0: its work goes on, or did when the process ended
    ts_ms   INTEGER NOT NULL,                   -- when it was written last
    json    TEXT NOT NULL,                      -- ended: the entry of the run log
    UNIQUE (job, kind, slot_ms)
) STRICT;
CREATE INDEX cron_runs_open ON cron_runs (id) WHERE ended = 0;
CREATE INDEX cron_runs_of ON cron_runs (job, id);
