-- What a store has in addition from the first token on, or from the first change that a server makes for a client:
-- `tokens.py` runs this.  A store of version 10 stays one, and a nox that knows none of it reads and writes on: the
-- triggers do the rest.

-- The token that caused an event; NULL: none did.
ALTER TABLE events ADD COLUMN token TEXT;

-- Tokens of the HTTP API: the SHA-256 of each, and its record as JSON (`workers.store.tokens`).
CREATE TABLE tokens (
    digest  TEXT    PRIMARY KEY,
    name    TEXT    NOT NULL UNIQUE,
    record  TEXT    NOT NULL,
    used_ms INTEGER                                -- when it was used last
) WITHOUT ROWID;

-- One row while a token changes jobs: inserted and deleted in the same transaction, so no other one sees it.
CREATE TABLE acting (
    token TEXT NOT NULL
);

-- The token that submitted a job, and the bytes that count for it.
CREATE TABLE token_jobs (
    number INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
    token  TEXT    NOT NULL,
    bytes  INTEGER NOT NULL DEFAULT 0
);

-- The bytes that the store has of each job of a token.
CREATE VIEW job_bytes AS SELECT number,
    (SELECT length(CAST(spec AS BLOB)) FROM specs WHERE specs.number = token_jobs.number)
    + coalesce((SELECT length(CAST(outcome AS BLOB)) FROM outcomes WHERE outcomes.number = token_jobs.number), 0)
    + (SELECT coalesce(sum(length(CAST(outcome AS BLOB))), 0) FROM earlier WHERE earlier.number = token_jobs.number)
    + (SELECT coalesce(sum(length(content)), 0) FROM artifacts WHERE artifacts.number = token_jobs.number) AS bytes
FROM token_jobs;

-- Sums over token_jobs: the jobs that have not ended, and the bytes of all.
CREATE TABLE token_sums (
    token TEXT    PRIMARY KEY,
    jobs  INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- The token that asked for the end of a running job.
CREATE TABLE cancellers (
    number INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
    token  TEXT    NOT NULL
);

DROP TRIGGER jobs_stored;
DROP TRIGGER jobs_changed;

CREATE TRIGGER jobs_stored AFTER INSERT ON jobs
BEGIN
    INSERT INTO events (at_ms, number, id, state, attempt, reason, batch, token)
    SELECT new.changed_ms, new.number, new.id, new.state, new.attempt, new.reason, new.batch,
        (SELECT token FROM acting);
    INSERT INTO tallies (batch, owner, state, n)
    SELECT '', new.owner, new.state, 1 UNION ALL SELECT new.batch, new.owner, new.state, 1 WHERE new.batch <> ''
    ON CONFLICT (batch, owner, state) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER jobs_changed AFTER UPDATE OF state ON jobs WHEN old.state IS NOT new.state
BEGIN
    INSERT INTO events (at_ms, number, id, state, attempt, reason, batch, token)
    SELECT new.changed_ms, new.number, new.id, new.state, new.attempt, new.reason, new.batch, coalesce(
        (SELECT token FROM acting),
        (SELECT token FROM cancellers WHERE number = new.number AND new.state = 'cancelled' AND new.cancel_requested));
END;

CREATE TRIGGER token_submitted AFTER INSERT ON jobs WHEN EXISTS (SELECT 1 FROM acting)
BEGIN
    INSERT INTO token_jobs (number, token) SELECT new.number, token FROM acting;
    INSERT INTO token_sums (token, jobs)
    SELECT token, new.state NOT IN ('done', 'failed', 'cancelled') FROM acting WHERE true
    ON CONFLICT (token) DO UPDATE SET jobs = jobs + excluded.jobs;
END;

CREATE TRIGGER token_job_ended AFTER UPDATE OF state ON jobs
WHEN (old.state IN ('done', 'failed', 'cancelled')) <> (new.state IN ('done', 'failed', 'cancelled'))
BEGIN
    UPDATE token_sums SET jobs = jobs + CASE WHEN old.state IN ('done', 'failed', 'cancelled') THEN 1 ELSE -1 END
    WHERE token = (SELECT token FROM token_jobs WHERE number = new.number);
END;

CREATE TRIGGER token_spec_stored AFTER INSERT ON specs
BEGIN
    UPDATE token_jobs SET bytes = bytes + length(CAST(new.spec AS BLOB)) WHERE number = new.number;
END;

CREATE TRIGGER token_outcomes_stored AFTER INSERT ON outcomes
WHEN EXISTS (SELECT 1 FROM token_jobs WHERE number = new.number)
BEGIN
    UPDATE token_jobs SET bytes = (SELECT bytes FROM job_bytes WHERE number = new.number) WHERE number = new.number;
END;

CREATE TRIGGER token_artifacts_stored AFTER INSERT ON artifacts
WHEN EXISTS (SELECT 1 FROM token_jobs WHERE number = new.number)
BEGIN
    UPDATE token_jobs SET bytes = (SELECT bytes FROM job_bytes WHERE number = new.number) WHERE number = new.number;
END;

CREATE TRIGGER token_artifacts_removed AFTER DELETE ON artifacts
WHEN EXISTS (SELECT 1 FROM token_jobs WHERE number = old.number)
BEGIN
    UPDATE token_jobs SET bytes = (SELECT bytes FROM job_bytes WHERE number = old.number) WHERE number = old.number;
END;

CREATE TRIGGER token_earlier_stored AFTER INSERT ON earlier
WHEN EXISTS (SELECT 1 FROM token_jobs WHERE number = new.number)
BEGIN
    UPDATE token_jobs SET bytes = (SELECT bytes FROM job_bytes WHERE number = new.number) WHERE number = new.number;
END;

CREATE TRIGGER token_earlier_removed AFTER DELETE ON earlier
WHEN EXISTS (SELECT 1 FROM token_jobs WHERE number = old.number)
BEGIN
    UPDATE token_jobs SET bytes = (SELECT bytes FROM job_bytes WHERE number = old.number) WHERE number = old.number;
END;

CREATE TRIGGER token_bytes_changed AFTER UPDATE OF bytes ON token_jobs
BEGIN
    UPDATE token_sums SET bytes = bytes + new.bytes - old.bytes WHERE token = new.token;
END;

CREATE TRIGGER token_job_removed AFTER DELETE ON token_jobs
BEGIN
    UPDATE token_sums SET bytes = bytes - old.bytes WHERE token = old.token;
END;

CREATE TRIGGER cancel_requested AFTER UPDATE OF cancel_requested ON jobs
WHEN EXISTS (SELECT 1 FROM acting) OR EXISTS (SELECT 1 FROM cancellers WHERE number = new.number)
BEGIN
    DELETE FROM cancellers WHERE number = new.number;
    INSERT INTO cancellers (number, token) SELECT new.number, token FROM acting WHERE new.cancel_requested;
END;
