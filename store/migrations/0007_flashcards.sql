-- What is known about flashcards: when each is to be seen again, and every look at one. The cards themselves are in Markdown files.
CREATE TABLE flashcards (
    agent          TEXT NOT NULL,
    card           TEXT NOT NULL,               -- of deck and front
    deck           TEXT NOT NULL,
    state          INTEGER NOT NULL,            -- enum fsrs_state
    stability      REAL NOT NULL,
    difficulty     REAL NOT NULL,
    due_ms         INTEGER NOT NULL,
    last_ms        INTEGER NOT NULL,
    scheduled_days INTEGER NOT NULL,
    reps           INTEGER NOT NULL,
    lapses         INTEGER NOT NULL,
    PRIMARY KEY (agent, card)
) STRICT, WITHOUT ROWID;

CREATE TABLE flashcard_reviews (
    id     INTEGER PRIMARY KEY,
    agent  TEXT NOT NULL,
    card   TEXT NOT NULL,
    at_ms  INTEGER NOT NULL,
    rating INTEGER NOT NULL,                    -- enum fsrs_rating
    state  INTEGER NOT NULL                     -- before it
) STRICT;
CREATE INDEX flashcard_reviews_at ON flashcard_reviews (agent, at_ms);
