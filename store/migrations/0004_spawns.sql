-- Who was spawned by whom, and what became of the result. A row goes with its session when that is removed.
CREATE TABLE spawns (
    child       TEXT PRIMARY KEY,               -- session key
    parent      TEXT NOT NULL,                  -- session key of the requester: it hears of the end
    turn        INTEGER NOT NULL,               -- the child's run
    run_id      TEXT NOT NULL,
    depth       INTEGER NOT NULL,
    label       TEXT NOT NULL,
    task        TEXT NOT NULL,
    cleanup     INTEGER NOT NULL,               -- 1: the session is removed once its result was taken
    state       INTEGER NOT NULL,               -- enum spawn_state
    announce    INTEGER NOT NULL DEFAULT 0,     -- the turn that tells the requester; 0: none yet
    created_ms  INTEGER NOT NULL,
    ended_ms    INTEGER NOT NULL DEFAULT 0,
    archive_ms  INTEGER NOT NULL DEFAULT 0      -- when the session is removed; 0: never
) STRICT, WITHOUT ROWID;
CREATE INDEX spawns_of_parent ON spawns (parent, created_ms);
CREATE UNIQUE INDEX spawns_of_turn ON spawns (turn);
CREATE INDEX spawns_of_announce ON spawns (announce);
CREATE INDEX spawns_untold ON spawns (ended_ms) WHERE state = 1;
CREATE INDEX spawns_to_archive ON spawns (archive_ms) WHERE archive_ms > 0;
