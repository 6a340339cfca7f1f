-- The tables of a turn's way: session, inbox, transcript, outbox; and what the router remembers.
-- Times are wall clock in ms since 1970 UTC. Texts are UTF-8; '' means none.
-- Why the layout is as it is, with measurements: docs/store.md.

CREATE TABLE sessions (
    id             INTEGER PRIMARY KEY,
    key            TEXT NOT NULL UNIQUE,        -- agent:<agentId>:<rest>
    uuid           TEXT NOT NULL,               -- the session id that clients see
    agent          TEXT NOT NULL,
    parent         TEXT NOT NULL,               -- key of the session that spawned it
    depth          INTEGER NOT NULL,
    channel        TEXT NOT NULL,
    label          TEXT NOT NULL,
    provider       TEXT NOT NULL DEFAULT '',    -- overrides by a user
    model          TEXT NOT NULL DEFAULT '',
    thinking       TEXT NOT NULL DEFAULT '',
    created_ms     INTEGER NOT NULL
) STRICT;

-- What every turn changes of a session. Apart from its texts: SQLite rewrites whole rows, and these fit 60 to a page.
CREATE TABLE session_counters (
    session        INTEGER PRIMARY KEY REFERENCES sessions (id),
    updated_ms     INTEGER NOT NULL,
    last_seq       INTEGER NOT NULL DEFAULT 0,  -- newest entry of the transcript
    compaction_seq INTEGER NOT NULL DEFAULT 0,  -- newest compaction entry, 0: none
    kept_seq       INTEGER NOT NULL DEFAULT 1,  -- first entry that the model still sees as it was
    compactions    INTEGER NOT NULL DEFAULT 0,
    input_tokens   INTEGER NOT NULL DEFAULT 0,
    output_tokens  INTEGER NOT NULL DEFAULT 0,
    cache_read     INTEGER NOT NULL DEFAULT 0,
    cache_write    INTEGER NOT NULL DEFAULT 0,
    context_tokens INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Rows lie in order of arrival, not by session: a group of turns from many sessions then dirties few pages.
CREATE TABLE messages (
    id         INTEGER PRIMARY KEY,
    session    INTEGER NOT NULL REFERENCES sessions (id),
    seq        INTEGER NOT NULL,                -- 1, 2, 3 ... in its session
    kind       INTEGER NOT NULL,                -- enum message_kind
    turn       INTEGER NOT NULL,                -- 0: none
    created_ms INTEGER NOT NULL,
    tokens     INTEGER NOT NULL,
    kept_seq   INTEGER NOT NULL,                -- of a compaction
    bytes      INTEGER NOT NULL,                -- of json, so that limits are applied without reading it
    role       TEXT NOT NULL,
    json       TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_of_session ON messages (session, seq);

-- A turn is a row in turns, then one in turn_starts, then one in turn_ends: rows are added, never rewritten.
CREATE TABLE turns (
    id              INTEGER PRIMARY KEY,        -- the router's turn number
    session         INTEGER NOT NULL,           -- sessions.id; no foreign key: it would need an index of its own
    created_ms      INTEGER NOT NULL,
    run_id          TEXT NOT NULL,
    lane            TEXT NOT NULL,
    scope           TEXT NOT NULL,
    idempotency_key TEXT,                       -- NULL: none, or forgotten
    reply_to        TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX turns_once ON turns (scope, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE TABLE turn_starts (
    turn       INTEGER PRIMARY KEY REFERENCES turns (id) ON DELETE CASCADE,
    started_ms INTEGER NOT NULL,
    user_seq   INTEGER NOT NULL                 -- messages.seq of the user's message
) STRICT;

CREATE TABLE turn_ends (
    turn           INTEGER PRIMARY KEY REFERENCES turns (id) ON DELETE CASCADE,
    state          INTEGER NOT NULL,            -- enum turn_state
    ended_ms       INTEGER NOT NULL,
    answer_seq     INTEGER NOT NULL,            -- messages.seq of the final message, 0: none
    input_tokens   INTEGER NOT NULL,
    output_tokens  INTEGER NOT NULL,
    cache_read     INTEGER NOT NULL,
    cache_write    INTEGER NOT NULL,
    model_asked    TEXT NOT NULL,
    model_answered TEXT NOT NULL,
    reason         TEXT NOT NULL,
    error          TEXT NOT NULL
) STRICT;

-- What a turn was given, kept until it ends: a row here is what makes a turn pending.
CREATE TABLE turn_inputs (
    turn    INTEGER PRIMARY KEY REFERENCES turns (id) ON DELETE CASCADE,
    input   BLOB NOT NULL,
    extra   BLOB NOT NULL,
    options TEXT NOT NULL
) STRICT;

CREATE TABLE deliveries (
    id         INTEGER PRIMARY KEY,
    state      INTEGER NOT NULL,                -- enum delivery_state
    turn       INTEGER NOT NULL,                -- 0: none
    session    INTEGER NOT NULL,                -- 0: none
    attempts   INTEGER NOT NULL DEFAULT 0,
    next_ms    INTEGER NOT NULL,                -- not before
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    channel    TEXT NOT NULL,
    target     TEXT NOT NULL,
    nonce      TEXT NOT NULL UNIQUE,
    last_error TEXT NOT NULL DEFAULT '',
    payload    BLOB NOT NULL
) STRICT;
CREATE INDEX deliveries_due ON deliveries (channel, next_ms) WHERE state = 0;
CREATE INDEX deliveries_sending ON deliveries (id) WHERE state = 1;

CREATE TABLE usage (
    day           INTEGER NOT NULL,             -- UTC days since 1970-01-01
    agent         TEXT NOT NULL,
    provider      TEXT NOT NULL,
    model         TEXT NOT NULL,
    turns         INTEGER NOT NULL,
    input_tokens  INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read    INTEGER NOT NULL,
    cache_write   INTEGER NOT NULL,
    PRIMARY KEY (day, agent, provider, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE cooldowns (
    provider TEXT PRIMARY KEY,
    failure  TEXT NOT NULL,                     -- a name of base/failure.def
    until_ms INTEGER NOT NULL,
    errors   INTEGER NOT NULL,
    noted_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE kv (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
