-- Retries: what was asked for, how many were begun, and when the next falls due.

ALTER TABLE jobs ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN retry_on TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN retried INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN due_ms INTEGER;
CREATE INDEX jobs_due ON jobs (due_ms) WHERE state = 'scheduled';
