#!lua flags=allow-oom
-- Notes that a job which was claimed ahead has begun.  ARGV: prefix, id, fence, worker.
-- Reply: 1, or 0 if the lease is lost.

return begin(2) and 1 or 0
