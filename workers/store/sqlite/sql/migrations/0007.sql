-- Jobs that were handed, or are being handed, to another store.
CREATE TABLE moves (
    number   INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
    other    TEXT    NOT NULL,                     -- the name that store gave itself
    place    TEXT    NOT NULL,                     -- where it lies
    was_held INTEGER NOT NULL,                     -- whether the job is to be held there
    id       BLOB,                                 -- the job there: this one, or the one under its unique key
    there    INTEGER                               -- its number there
);
CREATE INDEX moves_begun ON moves (other, number) WHERE id IS NULL;
