-- Jobs that wait for others.

ALTER TABLE jobs ADD COLUMN parents INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN unended INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN unmet INTEGER NOT NULL DEFAULT 0;

-- Who waits for whom.  meaning: '.' the parent has yet to end, '+' it ended as it must, '-' it ended otherwise.
CREATE TABLE parents (
    child     INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    parent    INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    condition TEXT    NOT NULL,
    meaning   TEXT    NOT NULL,
    PRIMARY KEY (child, parent)
) WITHOUT ROWID;
CREATE INDEX parents_parent ON parents (parent, child);

-- The jobs whose children, those after one of them, are to be told how they are.
CREATE TABLE releasing (
    entry  INTEGER PRIMARY KEY,
    parent INTEGER NOT NULL,
    after  INTEGER NOT NULL
);

CREATE TRIGGER children_waiting AFTER UPDATE OF state ON jobs
WHEN (old.state IN ('done', 'failed', 'cancelled') OR new.state IN ('done', 'failed', 'cancelled'))
    AND EXISTS (SELECT 1 FROM parents WHERE parent = new.number)
BEGIN
    INSERT INTO releasing (parent, after) VALUES (new.number, 0);
END;
