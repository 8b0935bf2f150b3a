-- The time a job asks for is part of its shape: a worker that ends soon passes the long ones over.

DROP TRIGGER ready_stored;
DROP TRIGGER ready_entered;
DROP TRIGGER ready_left;
DROP TRIGGER ready_removed;
DROP INDEX jobs_ready;
DROP TABLE shapes;

CREATE INDEX jobs_ready ON jobs (owner, lane, cores, memory_bytes, time_limit_s, engine, priority DESC, number)
    WHERE state = 'queued';

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
INSERT INTO shapes (owner, lane, cores, memory_bytes, time_limit_s, engine, ready)
SELECT owner, lane, cores, memory_bytes, time_limit_s, engine, count(*) FROM jobs WHERE state = 'queued'
GROUP BY owner, lane, cores, memory_bytes, time_limit_s, engine;

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
