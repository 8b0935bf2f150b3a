#!lua flags=allow-oom
-- Keeps how far an attempt has come.  ARGV: prefix, id, fence, worker, then the fields pf, pp, ps, pe, pd and
-- pg, empty where unknown.  Reply: 1, or 0 if the lease is lost.

local job = owned(ARGV[2], ARGV[3], ARGV[4])
if not job then return 0 end
local changes = {}
for i, field in ipairs({'pf', 'pp', 'ps', 'pe', 'pd', 'pg'}) do
  changes[field] = ARGV[4 + i] ~= '' and ARGV[4 + i]
end
change(job, changes)
return 1
