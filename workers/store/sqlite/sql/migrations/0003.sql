-- Since when a job is passed over by workers that have room for it, but not enough of it free.

ALTER TABLE jobs ADD COLUMN passed_over_ms INTEGER;
