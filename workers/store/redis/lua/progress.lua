#!lua flags=allow-oom
-- Keeps how far an attempt has come.  ARGV: prefix, id, fence, worker, then progress (see shared.lua).  Reply: 1, or 0 if the lease is lost.

local job = owned(ARGV[2], ARGV[3], ARGV[4])
if not job then return 0 end
change(job, progress_from(5))
return 1
