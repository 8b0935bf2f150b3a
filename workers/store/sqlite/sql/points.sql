-- What a store has in addition once an optimisation has run for a moment: `points.py` runs this.  A store of
-- version 10 stays one, and a nox that knows none of it reads and writes on: the trigger does the rest.

-- The newest points of the optimisation that runs, as records of `workers.store.points`, oldest first.
CREATE TABLE points (
    number  INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
    records BLOB    NOT NULL
);

CREATE TRIGGER points_spent AFTER UPDATE OF state ON jobs WHEN old.state = 'running'
BEGIN
    DELETE FROM points WHERE number = new.number;
END;
