-- Outcomes and artifacts of earlier attempts; how far checkpoints have come.

ALTER TABLE jobs ADD COLUMN good INTEGER;
ALTER TABLE attempts ADD COLUMN ran INTEGER NOT NULL DEFAULT 1;

-- An attempt that is among the earlier ones is its job's newest no more.
UPDATE jobs SET started_ms = NULL WHERE number IN (SELECT number FROM attempts)
    AND attempt = (SELECT max(attempt) FROM attempts WHERE attempts.number = jobs.number);

-- How earlier attempts ended, the newest KEPT_ATTEMPTS of each job, and how that one did whose outcome is shown.
CREATE TABLE earlier (
    number  INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    outcome TEXT    NOT NULL,
    size    INTEGER,                               -- bytes of that and of its artifacts here; NULL: it is shown
    PRIMARY KEY (number, attempt)
);

-- One row: the sums over the rows of earlier that have a size.
CREATE TABLE kept (
    jobs     INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    bytes    INTEGER NOT NULL
);
INSERT INTO kept (jobs, attempts, bytes) VALUES (0, 0, 0);

CREATE TRIGGER earlier_counted AFTER UPDATE OF size ON earlier
BEGIN
    UPDATE kept SET attempts = attempts + (new.size IS NOT NULL) - (old.size IS NOT NULL),
        bytes = bytes + coalesce(new.size, 0) - coalesce(old.size, 0),
        jobs = jobs + (old.size IS NULL AND new.size IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM earlier
            WHERE number = new.number AND attempt <> new.attempt AND size IS NOT NULL));
END;

CREATE TRIGGER earlier_forgotten AFTER DELETE ON earlier
BEGIN
    DELETE FROM artifacts WHERE number = old.number AND attempt = old.attempt;
    UPDATE kept SET attempts = attempts - 1, bytes = bytes - old.size, jobs = jobs - NOT EXISTS (
        SELECT 1 FROM earlier WHERE number = old.number AND size IS NOT NULL)
    WHERE old.size IS NOT NULL;
END;

-- Gradients computed on the way there, in all attempts; 1: an older nox kept it and did not say.
ALTER TABLE checkpoints ADD COLUMN progress INTEGER NOT NULL DEFAULT 1;

-- min_writer: the oldest nox that may write (`admit` in workers.py); min_reader: the lowest version of this file
-- that a reader must know, where that is below user_version.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Names and tags next to each other, the newest last, so that a search reads little of what it does not find.
CREATE INDEX jobs_words ON jobs (number, owner, name, tags) WHERE name <> '' OR tags <> '';
