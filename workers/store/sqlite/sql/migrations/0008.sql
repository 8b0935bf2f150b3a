-- Batches of which only so many jobs may fail.

-- How many of an owner's jobs in a batch may fail before those that wait are cancelled.
CREATE TABLE limits (
    batch     TEXT    NOT NULL,
    owner     TEXT    NOT NULL,
    max_fails INTEGER NOT NULL,
    PRIMARY KEY (batch, owner)
) WITHOUT ROWID;

-- Whose jobs in which batches are to be cancelled or brought back, or it is to be looked at whether they are.
CREATE TABLE stopping (
    batch TEXT NOT NULL,
    owner TEXT NOT NULL,
    PRIMARY KEY (batch, owner)
) WITHOUT ROWID;

CREATE TRIGGER batch_failing AFTER UPDATE OF state ON jobs
WHEN old.state IS NOT new.state AND 'failed' IN (old.state, new.state)
    AND EXISTS (SELECT 1 FROM limits WHERE batch = new.batch AND owner = new.owner)
BEGIN
    INSERT OR IGNORE INTO stopping (batch, owner) VALUES (new.batch, new.owner);
END;
