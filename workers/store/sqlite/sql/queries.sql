-- Every statement of the local store.  `statements.py` reads this file: a statement follows its "-- name:" line
-- and a description of it.  Words in braces are replaced by columns of the table of job attributes
-- (`workers.job.FIELDS`) or by constants of `reads.py`, never by input of a caller.

-- name: insert_job
-- Stores a new job; triggers append its event and count it.
INSERT INTO jobs ({asked}, number, state, created_ms, changed_ms, due_ms, reason, ended_ms, parents, unended, unmet)
VALUES ({:asked}, :number, :state, :now, :now, :due, :reason, :ended, :parents, :unended, :unmet);

-- name: insert_spec
-- Stores the specification of a new job.
INSERT INTO specs (number, digest, spec) VALUES (:number, :digest, :spec);

-- name: insert_parent
-- Stores that a job waits for another.
INSERT INTO parents (child, parent, condition, meaning) VALUES (:child, :parent, :condition, :meaning);

-- name: holder
-- Finds the job that goes by a unique key.
SELECT jobs.number, jobs.id FROM uniques JOIN jobs USING (number)
WHERE uniques.key = :key AND jobs.state <> 'cancelled';

-- name: hold_key
-- Lets a job go by a unique key.
INSERT OR REPLACE INTO uniques (key, number) VALUES (:key, :number);

-- name: parents_by_id
-- Lists the parents of a job, those first that keep it back, those it waits for next.
SELECT parent.id, link.condition FROM jobs JOIN parents AS link ON link.child = jobs.number
JOIN jobs AS parent ON parent.number = link.parent
WHERE jobs.id = :id ORDER BY instr('-.+', link.meaning), link.parent LIMIT :limit;

-- name: releasing
-- Finds the next job whose children need an update.
SELECT entry, parent, after FROM releasing WHERE entry > 0 ORDER BY entry LIMIT 1;

-- name: is_spreading
-- Finds whether there are children or batches to update.
SELECT EXISTS (SELECT 1 FROM releasing) OR EXISTS (SELECT 1 FROM stopping JOIN limits USING (batch, owner));

-- name: children
-- Lists the next children of a job.
SELECT child, condition, meaning FROM parents WHERE parent = :parent AND child > :after ORDER BY child LIMIT :limit;

-- name: updated_to
-- Notes up to which child the children of a job were updated.
UPDATE releasing SET after = :after WHERE entry = :entry;

-- name: all_updated
-- Notes that all children of a job were updated.
DELETE FROM releasing WHERE entry = :entry;

-- name: limit_batch
-- Keeps how many of an owner's jobs in a batch may fail.
INSERT OR REPLACE INTO limits (batch, owner, max_fails) VALUES (:batch, :owner, :max_fails);

-- name: left_to_fail
-- Finds how many jobs of a batch may still fail, if that is limited.
SELECT max_fails - coalesce((
    SELECT n FROM tallies WHERE tallies.batch = limits.batch AND tallies.owner = limits.owner
        AND tallies.state = 'failed'), 0) AS "left"
FROM limits WHERE batch = :batch AND owner = :owner;

-- name: stopping
-- Finds a batch that may have to be stopped or continued, and whether too many of its jobs have failed.
SELECT stopping.batch, stopping.owner, coalesce((
    SELECT n FROM tallies WHERE tallies.batch = stopping.batch AND tallies.owner = stopping.owner
        AND tallies.state = 'failed'), 0) >= limits.max_fails AS is_over
FROM stopping JOIN limits USING (batch, owner) LIMIT 1;

-- name: stopped
-- Notes that all jobs of a batch were cancelled or brought back.
DELETE FROM stopping WHERE batch = :batch AND owner = :owner;

-- name: waiting_in_batch
-- Lists jobs of a batch that have yet to start.
SELECT number FROM jobs INDEXED BY jobs_batch
WHERE batch = :batch AND batch <> '' AND owner = :owner AND state IN ('held', 'scheduled', 'blocked', 'queued')
    AND reason IS NOT 'moved' AND EXISTS (SELECT 1 FROM tallies WHERE tallies.batch = :batch AND tallies.owner = :owner
        AND tallies.state IN ('held', 'scheduled', 'blocked', 'queued'))
ORDER BY number LIMIT :limit;

-- name: cut_in_batch
-- Lists jobs of a batch that were cancelled because too many of it had failed.
SELECT number FROM jobs INDEXED BY jobs_batch
WHERE batch = :batch AND batch <> '' AND owner = :owner AND state = 'cancelled' AND reason = 'max_fails'
    AND EXISTS (SELECT 1 FROM tallies WHERE tallies.batch = :batch AND tallies.owner = :owner
        AND tallies.state = 'cancelled')
ORDER BY number LIMIT :limit;

-- name: set_reason
-- Keeps another reason why a job is as it is.
UPDATE jobs SET reason = :reason WHERE number = :number;

-- name: drop_limit
-- Forgets the limit of a batch that has no jobs left.
DELETE FROM limits WHERE batch = :batch AND owner = :owner
    AND NOT EXISTS (SELECT 1 FROM tallies WHERE batch = :batch AND owner = :owner);

-- name: set_meaning
-- Keeps what a parent means to a child.
UPDATE parents SET meaning = :meaning WHERE child = :child AND parent = :parent;

-- name: set_family
-- Keeps how many parents of a job have yet to end, and how many keep it back.
UPDATE jobs SET unended = :unended, unmet = :unmet WHERE number = :number;

-- name: bring_back
-- Lets a job that was cancelled for a parent's sake wait again.
UPDATE jobs SET state = :state, reason = NULL, changed_ms = :now, ended_ms = NULL, round = round + 1
WHERE number = :number;

-- name: stored_under
-- Finds the number and digest stored under an id.
SELECT jobs.number, specs.digest FROM jobs LEFT JOIN specs USING (number) WHERE jobs.id = :id;

-- name: last_number
-- Finds the highest number ever given.
SELECT seq FROM sqlite_sequence WHERE name = 'jobs';

-- name: begin_submit
-- Notes a submit, unless a chunk of it has noted it already.
INSERT OR IGNORE INTO submits (owner, token) VALUES (:owner, :token);

-- name: find_submit
-- Finds a submit by its token.
SELECT submit FROM submits WHERE owner = :owner AND token = :token;

-- name: forget_submits
-- Forgets all but the newest eight submits of an owner.
DELETE FROM submits WHERE owner = :owner AND submit NOT IN (
    SELECT submit FROM submits WHERE owner = :owner ORDER BY submit DESC LIMIT 8);

-- name: forget_submit
-- Forgets one submit.
DELETE FROM submits WHERE owner = :owner AND token = :token;

-- name: last_range
-- Finds the range a submit ends with.
SELECT position, last FROM submit_ranges WHERE submit = :submit ORDER BY position DESC LIMIT 1;

-- name: in_ranges
-- Finds whether a number belongs to a submit already.
SELECT 1 FROM submit_ranges WHERE submit = :submit AND :number BETWEEN first AND last;

-- name: extend_range
-- Lengthens a range of a submit.
UPDATE submit_ranges SET last = :last WHERE submit = :submit AND position = :position;

-- name: add_range
-- Adds a range to a submit.
INSERT INTO submit_ranges (submit, position, first, last) VALUES (:submit, :position, :first, :last);

-- name: last_submit
-- Lists the ids of an owner's newest submit, in order.
SELECT jobs.id FROM submit_ranges AS part JOIN jobs ON jobs.number BETWEEN part.first AND part.last
WHERE part.submit = (SELECT max(submit) FROM submits WHERE owner = :owner)
ORDER BY part.position, jobs.number;

-- name: job_by_id
-- Reads a job.
SELECT {job}, closed_by FROM jobs WHERE id = :id;

-- name: job_by_number
-- Reads a job.
SELECT {job} FROM jobs WHERE number = :number;

-- name: spec_by_id
-- Reads a specification.
SELECT specs.spec FROM jobs JOIN specs USING (number) WHERE jobs.id = :id;

-- name: outcome_by_id
-- Reads the shown outcome of a job.
SELECT coalesce(last.outcome, earlier.outcome) AS outcome FROM jobs
LEFT JOIN outcomes AS last ON last.number = jobs.number AND last.attempt = jobs.attempt
    AND (jobs.state = 'done' OR jobs.good IS NULL AND jobs.state IN ('failed', 'cancelled'))
LEFT JOIN earlier ON earlier.number = jobs.number AND earlier.attempt = jobs.good AND jobs.state <> 'done'
WHERE jobs.id = :id AND (last.outcome IS NOT NULL OR earlier.outcome IS NOT NULL);

-- name: outcome_of_attempt
-- Reads the outcome of one attempt of a job.
SELECT outcomes.outcome FROM jobs JOIN outcomes USING (number)
WHERE jobs.id = :id AND outcomes.attempt = :attempt
UNION ALL
SELECT earlier.outcome FROM jobs JOIN earlier USING (number)
WHERE jobs.id = :id AND earlier.attempt = :attempt
LIMIT 1;

-- name: kept_attempts
-- Counts what is kept of earlier attempts.
SELECT jobs, attempts, bytes FROM kept;

-- name: attempts
-- Lists the earlier attempts of a job.
SELECT attempt AS number, round, worker, started_ms, ended_ms, ended_as, message, ran FROM attempts
WHERE number = :number ORDER BY attempt;

-- name: attempts_by_id
-- Lists the earlier attempts of a job.
SELECT a.attempt AS number, a.round, a.worker, a.started_ms, a.ended_ms, a.ended_as, a.message, a.ran
FROM jobs JOIN attempts AS a USING (number) WHERE jobs.id = :id ORDER BY a.attempt;

-- name: artifacts_by_id
-- Lists the artifacts of an attempt, or those of a job's shown outcome, without their content.
SELECT a.name, a.size, a.sha256, a.mime, NULL AS content, a.host, a.path
FROM jobs JOIN artifacts AS a USING (number)
WHERE jobs.id = :id AND a.attempt = CASE
        WHEN :attempt IS NOT NULL THEN :attempt
        WHEN jobs.state = 'done' OR jobs.good IS NULL AND jobs.started_ms IS NOT NULL
            AND jobs.state IN ('failed', 'cancelled') THEN jobs.attempt
        ELSE jobs.good END
ORDER BY a.name;

-- name: artifact_by_id
-- Reads one artifact of an attempt, or of a job's shown outcome.
SELECT a.name, a.size, a.sha256, a.mime, a.content, a.host, a.path
FROM jobs JOIN artifacts AS a USING (number)
WHERE jobs.id = :id AND a.name = :name AND a.attempt = CASE
        WHEN :attempt IS NOT NULL THEN :attempt
        WHEN jobs.state = 'done' OR jobs.good IS NULL AND jobs.started_ms IS NOT NULL
            AND jobs.state IN ('failed', 'cancelled') THEN jobs.attempt
        ELSE jobs.good END;

-- name: files_by_id
-- Lists the artifacts of a job's attempts that are stored outside the store.
SELECT a.name, a.size, a.sha256, a.mime, NULL AS content, a.host, a.path
FROM jobs JOIN artifacts AS a USING (number) WHERE jobs.id = :id AND a.path <> '' ORDER BY a.attempt, a.name;

-- name: ids_by_number
-- Lists the ids of a range of numbers.
SELECT id FROM jobs WHERE number BETWEEN :first AND :last ORDER BY number LIMIT :limit;

-- name: ids_between
-- Lists the ids of a range of ids.
SELECT id FROM jobs WHERE id BETWEEN :low AND :high ORDER BY id LIMIT :limit;

-- name: page
-- Walks an index from a value of its key on.
SELECT {columns} FROM jobs {index}
WHERE {key} {beyond} :value AND {key} IS NOT NULL {scope}
ORDER BY {key} {direction}, number {direction} LIMIT :limit;

-- name: page_within
-- Walks an index through the jobs with one value of its key, from a number on.
SELECT {columns} FROM jobs {index}
WHERE {key} = :value AND number {beyond} :number {scope}
ORDER BY number {direction} LIMIT :limit;

-- name: search
-- Looks at names and tags only, and at the records of those that match.
SELECT {job} FROM jobs INDEXED BY jobs_words
WHERE (name <> '' OR tags <> '') AND number BETWEEN :lowest AND :highest AND name GLOB :glob {scope}
ORDER BY number {direction};

-- name: span
-- Finds the lowest and the highest number.
SELECT (SELECT min(number) FROM jobs) AS lowest, (SELECT max(number) FROM jobs) AS highest;

-- name: first_since
-- Finds the lowest number of the jobs created since a time.  A clock that was set back shuffles times, so it looks
-- at more than the first.
SELECT min(number) AS number FROM (
    SELECT number FROM jobs INDEXED BY jobs_created WHERE created_ms >= :since ORDER BY created_ms LIMIT :limit);

-- name: states_in_use
-- Lists the states that any job is in, including unknown ones.
SELECT DISTINCT state FROM tallies WHERE batch = '';

-- name: numbers_in_state
-- Lists jobs in a state that is not done.
SELECT number FROM jobs INDEXED BY jobs_state WHERE state = :state AND state <> 'done' LIMIT :limit;

-- name: counts
-- Counts jobs by state.
SELECT state, sum(n) AS n FROM tallies
WHERE batch = :batch AND (:owner IS NULL OR owner = :owner) GROUP BY state;

-- name: batches
-- Lists batches, that with the newest job first: those of the newest jobs, and some of the others.  Of a batch of
-- one owner the index alone knows the newest job.
WITH listed AS (
    SELECT DISTINCT batch FROM tallies WHERE batch > '' AND (:owner IS NULL OR owner = :owner) LIMIT :looked),
known AS (
    SELECT batch FROM listed UNION
    SELECT batch FROM jobs WHERE number > (SELECT max(number) FROM jobs) - :looked
        AND batch > '' AND (:owner IS NULL OR owner = :owner))
SELECT batch FROM known
ORDER BY CASE WHEN :owner IS NULL OR (
    SELECT min(owner) = max(owner) FROM tallies WHERE tallies.batch = known.batch) THEN (
    SELECT max(number) FROM jobs INDEXED BY jobs_batch WHERE jobs.batch = known.batch AND jobs.batch <> '')
ELSE (
    SELECT number FROM jobs INDEXED BY jobs_batch
    WHERE jobs.batch = known.batch AND jobs.batch <> '' AND owner = :owner ORDER BY number DESC LIMIT 1) END DESC
LIMIT :limit;

-- name: events_kept
-- Finds the oldest and the newest event kept.
SELECT (SELECT min(event) FROM events) AS oldest, (SELECT max(event) FROM events) AS newest;

-- name: events_after
-- Reads the change stream.
SELECT * FROM events
WHERE event > :after ORDER BY event LIMIT :limit;

-- name: held_by_token
-- Reads the job, and its specification, whose running attempt a claim with this token began.
SELECT {job}, specs.spec FROM leases JOIN jobs USING (number) LEFT JOIN specs ON specs.number = jobs.number
WHERE leases.worker = :worker AND leases.slot = :slot AND leases.sequence = :sequence;

-- name: ready_heads
-- Lists the best job of each shape that a claimant could run, now or with all its other jobs gone; the best first.
-- Each comes with the number of ready jobs of its shape, and with that of the workers that are not silent.
SELECT job.number, job.passed_over_ms, shape.*,
    (SELECT count(*) FROM workers WHERE boot = :boot AND until_ms BETWEEN :now AND :until) AS living,
    shape.cores <= :cores AND shape.memory_bytes <= :memory_bytes AS fits
FROM shapes AS shape
JOIN jobs AS job ON job.number = (
    SELECT head.number FROM jobs AS head INDEXED BY jobs_ready
    WHERE head.state = 'queued' AND head.owner = shape.owner AND head.lane = shape.lane
        AND head.cores = shape.cores AND head.memory_bytes = shape.memory_bytes
        AND head.time_limit_s = shape.time_limit_s AND head.engine = shape.engine
    ORDER BY head.priority DESC, head.number LIMIT 1)
LEFT JOIN owners ON owners.owner = shape.owner
WHERE (shape.cores <= :cores AND shape.memory_bytes <= :memory_bytes
        OR shape.cores <= :all_cores AND shape.memory_bytes <= :all_memory_bytes)
    AND (:time_s IS NULL OR shape.time_limit_s <= :time_s)
    AND (:owner IS NULL OR shape.owner = :owner)
    AND shape.lane IN (SELECT value FROM json_each(:lanes))
    AND shape.engine IN (SELECT value FROM json_each(:engines))
ORDER BY job.priority DESC, coalesce(owners.served, 0), job.number;

-- name: ready_of_shape
-- Reads the next jobs of a shape, with their specifications.
SELECT {job}, specs.spec FROM jobs INDEXED BY jobs_ready LEFT JOIN specs ON specs.number = jobs.number
WHERE jobs.state = 'queued' AND jobs.owner = :owner AND jobs.lane = :lane AND jobs.cores = :cores
    AND jobs.memory_bytes = :memory_bytes AND jobs.time_limit_s = :time_limit_s AND jobs.engine = :engine
ORDER BY jobs.priority DESC, jobs.number LIMIT :limit;

-- name: pass_over
-- Notes that a job was passed over for the first time.
UPDATE jobs SET passed_over_ms = :now WHERE number = :number;

-- name: start
-- Hands a job to a worker under a new fence.
UPDATE jobs SET state = 'running', reason = NULL, attempt = :attempt, worker = :worker, started_ms = :now,
    changed_ms = :now, passed_over_ms = NULL
WHERE number = :number;

-- name: forget_progress
-- Removes the progress of the previous attempt, unless there is a checkpoint.
UPDATE jobs SET {no progress}
WHERE number = :number AND NOT EXISTS (SELECT 1 FROM checkpoints WHERE number = :number);

-- name: grant
-- Keeps the lease of a running attempt.
INSERT INTO leases (number, attempt, worker, slot, sequence, until_ms, boot)
VALUES (:number, :attempt, :worker, :slot, :sequence, :until, :boot);

-- name: grant_ahead
-- Keeps the lease of a job that was claimed ahead.
INSERT INTO leases (number, attempt, worker, slot, sequence, until_ms, boot, ahead)
VALUES (:number, :attempt, :worker, :slot, :sequence, :until, :boot, 1);

-- name: has_ahead
-- Finds whether the store has what `ahead.sql` adds.
SELECT 1 FROM sqlite_master WHERE name = 'leases' AND instr(sql, 'ahead');

-- name: is_ahead
-- Finds whether a running job was claimed ahead and has not begun.
SELECT ahead FROM leases WHERE number = :number;

-- name: begin
-- Notes that a job which was claimed ahead has begun.
UPDATE leases SET ahead = 0 WHERE number = :number;

-- name: serve
-- Notes that an owner was handed a job, after all others.
INSERT INTO owners (owner, served) VALUES (:owner, (SELECT coalesce(max(served), 0) + 1 FROM owners))
ON CONFLICT (owner) DO UPDATE SET served = excluded.served;

-- name: prolong
-- Prolongs a lease.
UPDATE leases SET until_ms = :until, boot = :boot WHERE number = :number;

-- name: set_progress
-- Stores the progress of a running attempt.
UPDATE jobs SET {progress}
WHERE id = :id AND state = 'running' AND attempt = :attempt AND worker = :worker;

-- name: has_points
-- Finds whether the store has what `points.sql` adds.
SELECT 1 FROM sqlite_master WHERE name = 'points';

-- name: points_by_id
-- Finds the number of a running job, and its points.
SELECT jobs.number, points.records FROM jobs LEFT JOIN points USING (number)
WHERE jobs.id = :id AND jobs.state = 'running';

-- name: keep_points
-- Stores points in place of the stored ones.
INSERT OR REPLACE INTO points (number, records) VALUES (:number, :records);

-- name: reached
-- Finds the number of a running attempt's job, and how far its checkpoint has come; 0: there is none.
SELECT number, coalesce(checkpoints.progress, 0) AS progress FROM jobs LEFT JOIN checkpoints USING (number)
WHERE id = :id AND state = 'running' AND attempt = :attempt AND worker = :worker;

-- name: came_further
-- Resets the count of releases of a job.
UPDATE jobs SET releases = 0 WHERE number = :number;

-- name: keep_checkpoint
-- Stores a checkpoint in place of the stored one.
INSERT OR REPLACE INTO checkpoints (number, content, progress) VALUES (:number, :content, :progress);

-- name: checkpoint_by_id
-- Reads a checkpoint.
SELECT checkpoints.content FROM jobs JOIN checkpoints USING (number) WHERE jobs.id = :id;

-- name: end
-- Ends a job; one that is cancelled while it waits to be tried again keeps what ended its newest attempt.
UPDATE jobs SET state = :state, reason = :reason, ended_ms = :now, changed_ms = :now,
    closed_by = coalesce(:closed_by, closed_by), losses = :losses, releases = :releases, due_ms = NULL,
    passed_over_ms = NULL, good = CASE :state WHEN 'done' THEN NULL ELSE good END,
    started_ms = CASE state WHEN 'running' THEN :started END
WHERE number = :number;

-- name: linked
-- Lists the jobs next to one in its family: parents, and children that wait.
SELECT {job}, moves.other, moves.id AS moved_as FROM parents AS link
JOIN jobs ON jobs.number = link.parent LEFT JOIN moves ON moves.number = jobs.number
WHERE link.child = :number AND jobs.state NOT IN ('done', 'failed', 'cancelled')
UNION ALL
SELECT {job}, moves.other, moves.id AS moved_as FROM parents AS link
JOIN jobs ON jobs.number = link.child LEFT JOIN moves ON moves.number = jobs.number
WHERE link.parent = :number AND jobs.state IN ('held', 'scheduled', 'blocked', 'queued');

-- name: move_of
-- Reads where a job went, or goes.
SELECT other, place, was_held, id, there FROM moves WHERE number = :number;

-- name: begin_move
-- Notes that a job is on its way to another store.
INSERT INTO moves (number, other, place, was_held) VALUES (:number, :other, :place, :was_held);

-- name: set_off
-- Keeps a job from running here while it is moving.
UPDATE jobs SET state = 'held', reason = 'moved', changed_ms = :now, passed_over_ms = NULL WHERE number = :number;

-- name: arrive
-- Notes which job a job is in the other store.
UPDATE moves SET id = :id, there = :there WHERE number = :number;

-- name: moving
-- Lists jobs on their way to a store, with what was asked of them.
SELECT {job}, specs.spec, specs.digest, moves.was_held, uniques.key, limits.max_fails FROM moves
JOIN jobs ON jobs.number = moves.number JOIN specs ON specs.number = jobs.number
LEFT JOIN uniques ON uniques.number = jobs.number
LEFT JOIN limits ON limits.batch = jobs.batch AND limits.owner = jobs.owner
WHERE moves.other = :other AND moves.id IS NULL AND moves.number > :after
    AND jobs.state = 'held' AND jobs.reason = 'moved' ORDER BY moves.number LIMIT :limit;

-- name: moving_elsewhere
-- Lists the places of other stores than one to which jobs are moving, one row a job.
SELECT place FROM moves WHERE id IS NULL AND other > '' AND other <> :other ORDER BY other;

-- name: hold_recalled
-- Lets jobs on their way be held as they were, those that were held before.
UPDATE jobs SET reason = NULL WHERE number IN (
    SELECT number FROM moves WHERE id IS NULL AND other > '' AND was_held);

-- name: recall
-- Forgets that jobs are on their way.
DELETE FROM moves WHERE id IS NULL AND other > '';

-- name: moved_parents
-- Lists the parents of a job that go, or went, to the same store.
SELECT jobs.id, coalesce(moves.id, jobs.id) AS there, link.condition FROM parents AS link
JOIN moves ON moves.number = link.parent JOIN jobs ON jobs.number = link.parent
WHERE link.child = :number AND moves.other = :other ORDER BY link.parent;

-- name: bereft
-- Finds whether a job needs the result of a parent that runs again.
SELECT 1 FROM parents WHERE child = :number AND condition = 'result' AND meaning = '.';

-- name: requeue
-- Returns a running job to the queue, out of any lane.
UPDATE jobs SET state = :state, reason = :reason, changed_ms = :now, lane = '', losses = :losses,
    releases = :releases, closed_by = :closed_by, started_ms = NULL
WHERE number = :number;

-- name: retry
-- Lets a running job wait for its next attempt.
UPDATE jobs SET state = 'scheduled', reason = :reason, changed_ms = :now, due_ms = :due, retried = :retried,
    losses = :losses, closed_by = :closed_by, started_ms = NULL
WHERE number = :number;

-- name: leave_attempt
-- Notes that the newest attempt of a job is an earlier one by now.
UPDATE jobs SET started_ms = NULL WHERE number = :number;

-- name: fallen_due
-- Lists scheduled jobs whose time has come, the longest due first.
SELECT number FROM jobs INDEXED BY jobs_due
WHERE state = 'scheduled' AND due_ms <= :now ORDER BY due_ms LIMIT :limit;

-- name: next_due
-- Finds when the next scheduled job falls due.
SELECT due_ms FROM jobs INDEXED BY jobs_due
WHERE state = 'scheduled' AND due_ms IS NOT NULL ORDER BY due_ms LIMIT 1;

-- name: go_on
-- Lets a held or blocked job wait for the next thing.
UPDATE jobs SET state = :state, changed_ms = :now, passed_over_ms = NULL, reason = nullif(reason, 'moved'),
    due_ms = CASE :state WHEN 'scheduled' THEN due_ms END
WHERE number = :number;

-- name: hold
-- Keeps a waiting job from starting.
UPDATE jobs SET state = 'held', changed_ms = :now, passed_over_ms = NULL WHERE number = :number;

-- name: reopen
-- Lets an ended job run again, whose outcome is stored with the earlier attempts.
UPDATE jobs SET state = :state, reason = NULL, changed_ms = :now, ended_ms = NULL, lane = '', round = round + 1,
    retried = 0, losses = 0, releases = 0, cancel_requested = 0, {no progress},
    started_ms = NULL, good = :good
WHERE number = :number;

-- name: set_aside
-- Keeps the outcome of the attempt that ended a job as that of an earlier one.
INSERT OR IGNORE INTO earlier (number, attempt, outcome)
SELECT number, attempt, outcome FROM outcomes WHERE number = :number AND attempt = :attempt;

-- name: keep_earlier
-- Keeps how an attempt ended that is followed by a retry.
INSERT INTO earlier (number, attempt, outcome) VALUES (:number, :attempt, :outcome);

-- name: count_earlier
-- Counts the attempts that have become earlier ones, but for the one whose outcome is shown.
UPDATE earlier SET size = length(CAST(outcome AS BLOB)) + (
    SELECT coalesce(sum(length(content)), 0) FROM artifacts AS a
    WHERE a.number = earlier.number AND a.attempt = earlier.attempt)
WHERE number = :number AND size IS NULL AND attempt IS NOT :good;

-- name: forget_oldest
-- Forgets how all but the newest of a job's earlier attempts ended.
DELETE FROM earlier WHERE number = :number AND size IS NOT NULL AND attempt NOT IN (
    SELECT attempt FROM earlier WHERE number = :number AND size IS NOT NULL ORDER BY attempt DESC LIMIT :kept);

-- name: shrink_earlier
-- Counts earlier attempts anew whose artifacts are gone.
UPDATE earlier SET size = length(CAST(outcome AS BLOB)) WHERE number = :number AND size IS NOT NULL;

-- name: earlier_files_outside
-- Lists the artifacts outside the store of a job's earlier attempts that are not shown.
SELECT a.name, a.size, a.sha256, a.mime, NULL AS content, a.host, a.path FROM artifacts AS a
JOIN earlier ON earlier.number = a.number AND earlier.attempt = a.attempt
WHERE a.number = :number AND a.path <> '' AND earlier.size IS NOT NULL;

-- name: forget_earlier
-- Forgets how a job's earlier attempts ended, but for the one whose outcome is shown.
DELETE FROM earlier WHERE number = :number AND size IS NOT NULL;

-- name: drop_outcome
-- Forgets how a job ended.
DELETE FROM outcomes WHERE number = :number;

-- name: drop_artifacts
-- Forgets the files of a job's attempts.
DELETE FROM artifacts WHERE number = :number;

-- name: needed
-- Finds whether an unfinished job has this one for a parent, or children of it need an update.
SELECT EXISTS (SELECT 1 FROM releasing WHERE parent = :number) OR EXISTS (
    SELECT 1 FROM parents JOIN jobs ON jobs.number = parents.child
    WHERE parents.parent = :number AND jobs.state IN ('held', 'scheduled', 'blocked', 'queued', 'running'));

-- name: files_outside
-- Lists the artifacts of a job that lie outside the store.
SELECT name, size, sha256, mime, NULL AS content, host, path FROM artifacts WHERE number = :number AND path <> '';

-- name: remove_job
-- Forgets a job.
DELETE FROM jobs WHERE number = :number;

-- name: mark_damaged
-- Ends a job whose record cannot be read.
UPDATE jobs SET state = 'failed', reason = 'damaged', changed_ms = :now, ended_ms = :now, due_ms = NULL,
    closed_by = NULL
WHERE number = :number;

-- name: drop_lease
-- Ends the right to write.
DELETE FROM leases WHERE number = :number;

-- name: insert_outcome
-- Keeps how a job ended.
INSERT OR REPLACE INTO outcomes (number, attempt, outcome) VALUES (:number, :attempt, :outcome);

-- name: insert_artifact
-- Keeps a file an attempt made.
INSERT INTO artifacts (number, attempt, name, size, sha256, mime, host, path, content)
VALUES (:number, :attempt, :name, :size, :sha256, :mime, :host, :path, :content);

-- name: insert_attempt
-- Remembers an attempt that did not become its job's last.
INSERT OR IGNORE INTO attempts (number, attempt, round, worker, started_ms, ended_ms, ended_as, message, ran)
VALUES (:number, :attempt, :round, :worker, :started_ms, :ended_ms, :ended_as, :message, :ran);

-- name: forget_attempts
-- Forgets the oldest of very many attempts of a job.
DELETE FROM attempts WHERE number = :number AND attempt <= :last;

-- name: request_cancel
-- Notes that the worker of a running job is to end it.
UPDATE jobs SET cancel_requested = 1 WHERE number = :number;

-- name: revise
-- Changes what a waiting job asks for.
UPDATE jobs SET priority = coalesce(:priority, priority), cores = coalesce(:cores, cores),
    memory_bytes = coalesce(:memory_bytes, memory_bytes), time_limit_s = coalesce(:time_limit_s, time_limit_s),
    name = coalesce(:name, name), tags = :tags
WHERE number = :number;

-- name: leases
-- Lists what is running.
SELECT number, worker, until_ms, boot FROM leases;

-- name: lanes
-- Lists the lanes that jobs wait in, each with its worker's last word.
SELECT DISTINCT shapes.lane, workers.until_ms, workers.boot
FROM shapes LEFT JOIN workers ON workers.worker = shapes.lane WHERE shapes.lane <> '';

-- name: lane_since
-- Finds since when a lane has been waiting, by one of its jobs.
SELECT jobs.created_ms FROM shapes CROSS JOIN jobs INDEXED BY jobs_ready
    ON jobs.state = 'queued' AND jobs.owner = shapes.owner AND jobs.lane = shapes.lane
WHERE shapes.lane = :lane LIMIT 1;

-- name: open_lane
-- Opens a lane: any worker may run its jobs; a limited number in one step.
UPDATE jobs SET lane = '' WHERE number IN (
    SELECT jobs.number FROM shapes CROSS JOIN jobs INDEXED BY jobs_ready
        ON jobs.state = 'queued' AND jobs.owner = shapes.owner AND jobs.lane = shapes.lane
        AND jobs.cores = shapes.cores AND jobs.memory_bytes = shapes.memory_bytes
        AND jobs.time_limit_s = shapes.time_limit_s AND jobs.engine = shapes.engine
    WHERE shapes.lane = :lane LIMIT :limit);

-- name: make_meta
-- Adds the table that a store of a nox from before 0.1.0 lacks.
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- name: min_writer
-- Reads the oldest nox that may write.
SELECT value FROM meta WHERE name = 'min_writer';

-- name: raise_min_writer
-- Sets the oldest nox that may write.
INSERT OR REPLACE INTO meta (name, value) VALUES ('min_writer', :version);

-- name: beat
-- Notes that a worker lives.
INSERT INTO workers (worker, beat, first_seen_ms, last_seen_ms, until_ms, boot)
VALUES (:worker, :beat, :now, :now, :until, :boot)
ON CONFLICT (worker) DO UPDATE
SET beat = excluded.beat, last_seen_ms = max(last_seen_ms, excluded.last_seen_ms),
    until_ms = excluded.until_ms, boot = excluded.boot;

-- name: pulse
-- Finds when the last worker fell silent, or will.
SELECT max(until_ms) AS until_ms FROM workers WHERE boot = :boot;

-- name: spare_leases
-- Prolongs the leases that are over.
UPDATE leases SET until_ms = :until WHERE boot = :boot AND until_ms < :now;

-- name: spare_workers
-- Takes no worker for silent that is not known to be dead.
UPDATE workers SET until_ms = :until WHERE boot = :boot AND until_ms BETWEEN 1 AND :now;

-- name: silence
-- Notes that a worker is dead.
UPDATE workers SET until_ms = 0 WHERE worker = :worker;

-- name: forget_worker
-- Forgets a worker.
DELETE FROM workers WHERE worker = :worker;

-- name: forget_old_workers
-- Forgets workers not heard of for long.
DELETE FROM workers WHERE last_seen_ms < :before;

-- name: workers
-- Lists workers, newest word first.
SELECT worker, beat, first_seen_ms, last_seen_ms FROM workers
WHERE last_seen_ms >= :since ORDER BY last_seen_ms DESC, worker LIMIT :limit;

-- name: has_tokens
-- Finds whether the store has what `tokens.sql` adds.
SELECT 1 FROM sqlite_master WHERE name = 'tokens';

-- name: act
-- Notes the token that changes jobs in this transaction.
INSERT INTO acting (token) VALUES (:token);

-- name: stop_acting
-- Forgets the token that changed jobs in this transaction.
DELETE FROM acting;

-- name: add_token
-- Stores a token.
INSERT INTO tokens (digest, name, record) VALUES (:digest, :name, :record);

-- name: token_named
-- Finds whether a name is in use.
SELECT digest FROM tokens WHERE name = :name;

-- name: count_tokens
-- Counts tokens.
SELECT count(*) AS n FROM tokens;

-- name: tokens
-- Lists tokens.
SELECT record, used_ms FROM tokens;

-- name: revoke_token
-- Removes a token.
DELETE FROM tokens WHERE name = :name;

-- name: note_token
-- Notes when a token was used.
UPDATE tokens SET used_ms = :now WHERE digest = :digest;

-- name: token_usage
-- Reads what the jobs of a token use.
SELECT jobs, bytes FROM token_sums WHERE token = :token;
