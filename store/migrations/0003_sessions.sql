-- What a user sets for a session beside model and thinking level, and how its newest ended turn ended.

ALTER TABLE sessions ADD COLUMN settings TEXT NOT NULL DEFAULT '';             -- JSON object of strings; '' : none
ALTER TABLE session_counters ADD COLUMN last_state INTEGER NOT NULL DEFAULT 0; -- enum turn_state; 0: none has ended
