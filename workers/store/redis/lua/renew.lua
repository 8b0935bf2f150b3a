#!lua flags=allow-oom
-- Prolongs leases.  ARGV: prefix, then id, fence and worker of each.  Reply, two numbers each: 1 if it is
-- alive, 1 if its job is to be cancelled.

local reply = {}
for i = 2, #ARGV, 3 do
  local job = owned(ARGV[i], ARGV[i + 1], ARGV[i + 2])
  if job then redis.call('ZADD', P .. 'leases', now + LEASE_MS, job.id) end
  reply[#reply + 1] = job and 1 or 0
  reply[#reply + 1] = job and job.cr and 1 or 0
end
return reply
