#!lua flags=allow-oom
-- Notes that the worker of an allocation has ended.  ARGV: prefix, token, worker, how many attempts it ended.
-- Reply: 1; 0: it is not known, or another worker has joined it.

local key = P .. 'allocation:' .. ARGV[2]
local known = record_at(key)
if not known.state or (known.worker or ARGV[3]) ~= ARGV[3] then return 0 end
redis.call('HSETNX', key, 'joined_ms', now) -- the store may not have answered when it began
put(key, {worker = ARGV[3], left_ms = now, jobs = ARGV[4]})
return 1
