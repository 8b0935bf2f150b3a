-- What a store has in addition once a slot has claimed a job ahead: `leases.py` runs this.  A store of version 10
-- stays one, and a nox that knows none of it reads and writes on: its leases are not ahead.

-- Whether the job was claimed ahead and has not begun, so that its loss does not count.
ALTER TABLE leases ADD COLUMN ahead INTEGER NOT NULL DEFAULT 0;
