#!lua flags=allow-oom
-- Notes that the worker of an allocation has begun.  ARGV: prefix, token, worker.  Reply: 1; 0: it is not known.

local token, worker = ARGV[2], ARGV[3]
local key = P .. 'allocation:' .. token
local known = record_at(key)
if not (known.state and known.owner and known.pool) then return 0 end
mend_pools(known.owner)
if known.worker ~= worker then put(key, {worker = worker, joined_ms = now, left_ms = false, jobs = false}) end
put(key, {joined = fence_of(known.owner)})
redis.call('HSETNX', key, 'started_ms', now)
change_allocation(token, known, {state = 'running', reason = false, ended_ms = false, ended_as = false})
return 1
