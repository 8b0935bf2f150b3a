-- What attempts have reached, for the next to go on from.

-- What the newest attempt had reached when it last said, compressed; while it may be of use.
CREATE TABLE checkpoints (
    number  INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
    content BLOB    NOT NULL
);

CREATE TRIGGER checkpoint_spent AFTER UPDATE OF state ON jobs
WHEN new.state IN ('done', 'failed', 'cancelled') OR (old.state = 'running' AND new.state = 'scheduled')
BEGIN
    DELETE FROM checkpoints WHERE number = new.number;
END;
