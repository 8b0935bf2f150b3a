-- The local store, version 10.  One file: nox.sqlite3, in WAL mode.
--
-- Invariants:
--   * jobs is the truth; events, tallies and shapes follow it by the triggers below, in the same transaction.
--   * A job has a row in leases exactly while it is running; leases name the attempt, which is the fence.
--   * Every change of jobs.state appends one event.  Events are numbered without gaps; the oldest are
--     dropped in small steps, so that about 100,000 are kept.
--   * A job's row is written once as ended; spec, outcome and artifacts lie apart, so that lists stay small.
--   * Times named *_ms are UTC, except leases.until_ms, which counts from the boot in the column `boot`.
--
-- A new attribute of a job needs no change here: the table `workers.job.FIELDS` adds its column.  For any other
-- change, write migrations/NNNN.sql that leads from version NNNN - 1 to NNNN, change this file to the same
-- result, and raise SCRIPTED in schema.py.

PRAGMA application_id = 0x6e6f7873;
PRAGMA user_version = 10;

-- min_writer: the oldest nox that may write (`admit` in workers.py); min_reader: the lowest version of this file
-- that a reader must know, where that is below user_version.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE jobs (
    number           INTEGER PRIMARY KEY AUTOINCREMENT,
    id               BLOB    NOT NULL,             -- 16 bytes: the 32 hexadecimal digits
    state            TEXT    NOT NULL,
    reason           TEXT,
    owner            TEXT    NOT NULL,
    kind             TEXT    NOT NULL,
    name             TEXT    NOT NULL,
    batch            TEXT    NOT NULL,             -- empty: none
    formula          TEXT    NOT NULL,
    atoms            INTEGER NOT NULL,
    engine           TEXT    NOT NULL,
    priority         INTEGER NOT NULL,
    cores            INTEGER NOT NULL,
    memory_bytes     INTEGER NOT NULL,
    time_limit_s     INTEGER NOT NULL,
    lane             TEXT    NOT NULL,             -- the worker it is reserved for; empty: any
    tags             TEXT    NOT NULL,             -- a JSON object; empty: none
    attempt          INTEGER NOT NULL DEFAULT 0,   -- the newest fence; only grows
    round            INTEGER NOT NULL DEFAULT 1,
    losses           INTEGER NOT NULL DEFAULT 0,
    releases         INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    worker           TEXT    NOT NULL DEFAULT '',  -- of the newest attempt
    created_ms       INTEGER NOT NULL,
    changed_ms       INTEGER NOT NULL,             -- when the state changed last: the event's time
    started_ms       INTEGER,                      -- when the newest attempt was claimed, unless it is in attempts
    ended_ms         INTEGER,
    closed_by        TEXT,                         -- what ended the newest attempt: finish, give_back, tick
    fraction         REAL,                         -- this and the next five: progress of the newest attempt
    phase            TEXT,
    step             INTEGER,
    energy           REAL,                         -- hartree
    energy_change    REAL,                         -- hartree
    gradient_norm    REAL,                         -- hartree/bohr
    retries          INTEGER NOT NULL DEFAULT 0,   -- the number of failures that another attempt may follow
    retry_on         TEXT    NOT NULL DEFAULT '',  -- failures of which kinds, between commas
    retried          INTEGER NOT NULL DEFAULT 0,   -- how many retries were begun
    due_ms           INTEGER,                      -- when it starts at the earliest, while it is scheduled or held
    passed_over_ms   INTEGER,                      -- when it was first passed over, while it is queued
    parents          INTEGER NOT NULL DEFAULT 0,   -- how many jobs it waits for, or did: its rows in parents
    unended          INTEGER NOT NULL DEFAULT 0,   -- how many of these rows say '.'
    unmet            INTEGER NOT NULL DEFAULT 0,   -- how many of these rows say '-'
    good             INTEGER                       -- the attempt that completed before a retry, until a newer one has:
                                                   -- unless the job is done, its outcome is shown, from earlier
);

CREATE UNIQUE INDEX jobs_id ON jobs (id);
CREATE INDEX jobs_created ON jobs (created_ms);
CREATE INDEX jobs_ended ON jobs (ended_ms) WHERE ended_ms IS NOT NULL;
CREATE INDEX jobs_priority ON jobs (priority);
-- These two are in order of the number, as every index ends with it.  Lists of done jobs go by the table itself:
-- nearly all jobs are done.
CREATE INDEX jobs_batch ON jobs (batch) WHERE batch <> '';
CREATE INDEX jobs_state ON jobs (state) WHERE state <> 'done';
-- Names and tags next to each other, the newest last, so that a search reads little of what it does not find.
CREATE INDEX jobs_words ON jobs (number, owner, name, tags) WHERE name <> '' OR tags <> '';
CREATE INDEX jobs_due ON jobs (due_ms) WHERE state = 'scheduled';
-- The best job of each shape is the first entry of its range.
CREATE INDEX jobs_ready ON jobs (owner, lane, cores, memory_bytes, time_limit_s, engine, priority DESC, number)
    WHERE state = 'queued';

-- Specifications, and the digest that distinguishes a repeated submit from another job under the same id.
CREATE TABLE specs (
    number INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    spec   TEXT NOT NULL
);

-- The outcome of the attempt that ended the job.
CREATE TABLE outcomes (
    number  INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    outcome TEXT    NOT NULL
);

CREATE TABLE artifacts (
    number  INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    name    TEXT    NOT NULL,
    size    INTEGER NOT NULL,
    sha256  TEXT    NOT NULL,
    mime    TEXT    NOT NULL,
    host    TEXT    NOT NULL,
    path    TEXT    NOT NULL,
    content BLOB,                                  -- zlib-compressed; NULL: it lies on host at path
    PRIMARY KEY (number, attempt, name)
);

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

-- Attempts that did not become their job's last.
CREATE TABLE attempts (
    number     INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    attempt    INTEGER NOT NULL,
    round      INTEGER NOT NULL,
    worker     TEXT    NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms   INTEGER NOT NULL,
    ended_as   TEXT    NOT NULL,
    message    TEXT    NOT NULL,
    ran        INTEGER NOT NULL DEFAULT 1,         -- whether its engine had started
    PRIMARY KEY (number, attempt)
) WITHOUT ROWID;

-- Who waits for whom.  meaning: '.' the parent has yet to end, '+' it ended as it must, '-' it ended otherwise.
CREATE TABLE parents (
    child     INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    parent    INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    condition TEXT    NOT NULL,
    meaning   TEXT    NOT NULL,
    PRIMARY KEY (child, parent)
) WITHOUT ROWID;
CREATE INDEX parents_parent ON parents (parent, child);

-- The newest job under each unique key.
CREATE TABLE uniques (
    key    TEXT    PRIMARY KEY,
    number INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX uniques_number ON uniques (number);

-- The jobs whose children, those after one of them, need an update.
CREATE TABLE releasing (
    entry  INTEGER PRIMARY KEY,
    parent INTEGER NOT NULL,
    after  INTEGER NOT NULL
);

-- Jobs that were handed, or are being handed, to another store.  One that is on its way is held with reason moved,
-- and has no id here; it is the other store's to run, so nothing but the end of the way changes it.
CREATE TABLE moves (
    number   INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
    other    TEXT    NOT NULL,                     -- the name that store gave itself
    place    TEXT    NOT NULL,                     -- where it lies
    was_held INTEGER NOT NULL,                     -- whether the job is to be held there
    id       BLOB,                                 -- the job there: this one, or the one under its unique key
    there    INTEGER                               -- its number there
);
CREATE INDEX moves_begun ON moves (other, number) WHERE id IS NULL;

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

-- The newest checkpoint of a job, compressed; while it may be of use.
CREATE TABLE checkpoints (
    number   INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
    content  BLOB    NOT NULL,
    progress INTEGER NOT NULL DEFAULT 1            -- gradients computed on the way there, in all attempts
);

-- The running attempts.  worker, slot and sequence are the token of the claim that began it.
CREATE TABLE leases (
    number   INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
    attempt  INTEGER NOT NULL,
    worker   TEXT    NOT NULL,
    slot     INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,                     -- on the clock of that boot
    boot     TEXT    NOT NULL
);
CREATE INDEX leases_token ON leases (worker, slot, sequence);

CREATE TABLE workers (
    worker        TEXT    PRIMARY KEY,
    beat          TEXT    NOT NULL,                -- JSON: what it says of itself
    first_seen_ms INTEGER NOT NULL,
    last_seen_ms  INTEGER NOT NULL,
    until_ms      INTEGER NOT NULL,                -- it is silent from then on, on the clock of that boot
    boot          TEXT    NOT NULL
) WITHOUT ROWID;

-- When each owner was last handed a job, as a counter.
CREATE TABLE owners (
    owner  TEXT    PRIMARY KEY,
    served INTEGER NOT NULL
) WITHOUT ROWID;

-- The newest submits of each owner, as ranges of job numbers.
CREATE TABLE submits (
    submit INTEGER PRIMARY KEY AUTOINCREMENT,
    owner  TEXT NOT NULL,
    token  TEXT NOT NULL,
    UNIQUE (owner, token)
);
CREATE TABLE submit_ranges (
    submit   INTEGER NOT NULL REFERENCES submits (submit) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    PRIMARY KEY (submit, position)
) WITHOUT ROWID;

CREATE TABLE events (
    event   INTEGER PRIMARY KEY,
    at_ms   INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    id      BLOB    NOT NULL,
    state   TEXT    NOT NULL,
    attempt INTEGER NOT NULL,
    reason  TEXT,
    batch   TEXT    NOT NULL
);

-- How many jobs an owner has in a state: in all (batch empty) and in each batch.
CREATE TABLE tallies (
    batch TEXT    NOT NULL,
    owner TEXT    NOT NULL,
    state TEXT    NOT NULL,
    n     INTEGER NOT NULL,
    PRIMARY KEY (batch, owner, state)
) WITHOUT ROWID;

-- The distinct demands of queued jobs, and how many jobs have each.
CREATE TABLE shapes (
    owner        TEXT    NOT NULL,
    lane         TEXT    NOT NULL,
    cores        INTEGER NOT NULL,
    memory_bytes INTEGER NOT NULL,
    time_limit_s INTEGER NOT NULL,
    engine       TEXT    NOT NULL,
    ready        INTEGER NOT NULL,
    PRIMARY KEY (owner, lane, cores, memory_bytes, time_limit_s, engine)
) WITHOUT ROWID;

CREATE TRIGGER jobs_stored AFTER INSERT ON jobs
BEGIN
    INSERT INTO events (at_ms, number, id, state, attempt, reason, batch)
    VALUES (new.changed_ms, new.number, new.id, new.state, new.attempt, new.reason, new.batch);
    INSERT INTO tallies (batch, owner, state, n)
    SELECT '', new.owner, new.state, 1 UNION ALL SELECT new.batch, new.owner, new.state, 1 WHERE new.batch <> ''
    ON CONFLICT (batch, owner, state) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER jobs_changed AFTER UPDATE OF state ON jobs WHEN old.state IS NOT new.state
BEGIN
    INSERT INTO events (at_ms, number, id, state, attempt, reason, batch)
    VALUES (new.changed_ms, new.number, new.id, new.state, new.attempt, new.reason, new.batch);
END;

CREATE TRIGGER children_waiting AFTER UPDATE OF state ON jobs
WHEN (old.state IN ('done', 'failed', 'cancelled') OR new.state IN ('done', 'failed', 'cancelled'))
    AND EXISTS (SELECT 1 FROM parents WHERE parent = new.number)
BEGIN
    INSERT INTO releasing (parent, after) VALUES (new.number, 0);
END;

CREATE TRIGGER batch_failing AFTER UPDATE OF state ON jobs
WHEN old.state IS NOT new.state AND 'failed' IN (old.state, new.state)
    AND EXISTS (SELECT 1 FROM limits WHERE batch = new.batch AND owner = new.owner)
BEGIN
    INSERT OR IGNORE INTO stopping (batch, owner) VALUES (new.batch, new.owner);
END;

CREATE TRIGGER checkpoint_spent AFTER UPDATE OF state ON jobs
WHEN new.state IN ('done', 'failed', 'cancelled') OR (old.state = 'running' AND new.state = 'scheduled')
BEGIN
    DELETE FROM checkpoints WHERE number = new.number;
END;

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

CREATE TRIGGER jobs_moved AFTER UPDATE OF state, owner, batch ON jobs
WHEN old.state IS NOT new.state OR old.owner IS NOT new.owner OR old.batch IS NOT new.batch
BEGIN
    UPDATE tallies SET n = n - 1
    WHERE batch IN ('', old.batch) AND owner = old.owner AND state = old.state;
    DELETE FROM tallies WHERE batch IN ('', old.batch) AND owner = old.owner AND state = old.state AND n < 1;
    INSERT INTO tallies (batch, owner, state, n)
    SELECT '', new.owner, new.state, 1 UNION ALL SELECT new.batch, new.owner, new.state, 1 WHERE new.batch <> ''
    ON CONFLICT (batch, owner, state) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER jobs_removed AFTER DELETE ON jobs
BEGIN
    UPDATE tallies SET n = n - 1
    WHERE batch IN ('', old.batch) AND owner = old.owner AND state = old.state;
    DELETE FROM tallies WHERE batch IN ('', old.batch) AND owner = old.owner AND state = old.state AND n < 1;
END;

CREATE TRIGGER ready_stored AFTER INSERT ON jobs WHEN new.state = 'queued'
BEGIN
    INSERT INTO shapes (owner, lane, cores, memory_bytes, time_limit_s, engine, ready)
    VALUES (new.owner, new.lane, new.cores, new.memory_bytes, new.time_limit_s, new.engine, 1)
    ON CONFLICT (owner, lane, cores, memory_bytes, time_limit_s, engine) DO UPDATE SET ready = ready + 1;
END;

CREATE TRIGGER ready_entered AFTER UPDATE OF state, owner, lane, cores, memory_bytes, time_limit_s, engine ON jobs
WHEN new.state = 'queued'
BEGIN
    INSERT INTO shapes (owner, lane, cores, memory_bytes, time_limit_s, engine, ready)
    VALUES (new.owner, new.lane, new.cores, new.memory_bytes, new.time_limit_s, new.engine, 1)
    ON CONFLICT (owner, lane, cores, memory_bytes, time_limit_s, engine) DO UPDATE SET ready = ready + 1;
END;

CREATE TRIGGER ready_left AFTER UPDATE OF state, owner, lane, cores, memory_bytes, time_limit_s, engine ON jobs
WHEN old.state = 'queued'
BEGIN
    UPDATE shapes SET ready = ready - 1
    WHERE owner = old.owner AND lane = old.lane AND cores = old.cores AND memory_bytes = old.memory_bytes
        AND time_limit_s = old.time_limit_s AND engine = old.engine;
    DELETE FROM shapes
    WHERE owner = old.owner AND lane = old.lane AND cores = old.cores AND memory_bytes = old.memory_bytes
        AND time_limit_s = old.time_limit_s AND engine = old.engine AND ready < 1;
END;

CREATE TRIGGER ready_removed AFTER DELETE ON jobs WHEN old.state = 'queued'
BEGIN
    UPDATE shapes SET ready = ready - 1
    WHERE owner = old.owner AND lane = old.lane AND cores = old.cores AND memory_bytes = old.memory_bytes
        AND time_limit_s = old.time_limit_s AND engine = old.engine;
    DELETE FROM shapes
    WHERE owner = old.owner AND lane = old.lane AND cores = old.cores AND memory_bytes = old.memory_bytes
        AND time_limit_s = old.time_limit_s AND engine = old.engine AND ready < 1;
END;

CREATE TRIGGER events_bounded AFTER INSERT ON events WHEN new.event % 256 = 0
BEGIN
    DELETE FROM events WHERE event <= new.event - 100000;
END;
