#!lua flags=allow-oom
-- Puts the compressed outcome of an earlier attempt in the place of the one that is too long.
-- ARGV: prefix, id, attempt, length of the long one, compressed outcome.

local job = fetch(ARGV[2])
if not job or is_damaged(job) then return end
local key, field = earlier_key(job.id), 'o' .. ARGV[3]
if redis.call('HSTRLEN', key, field) == tonumber(ARGV[4]) then redis.call('HSET', key, field, ARGV[5]) end
settle_earlier(job)
