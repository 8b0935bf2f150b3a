#!lua flags=allow-oom
-- Counts all jobs again.  ARGV: prefix, batch whose count cannot be read (or empty).

heal.recount(ARGV[2] ~= '' and P .. 'count:batch:' .. ARGV[2] or nil)
return 1
