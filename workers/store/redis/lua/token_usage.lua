#!lua flags=allow-oom
-- Counts what the jobs of a token use, and forgets some of those that have ended if there may be too many.
-- ARGV: prefix, name, after which number to look, how many unfinished jobs are not too many.
-- Reply: how many jobs may be unfinished, bytes that are stored, up to which number it looked; 0: no further ones.

local LOOKED_AT = 1000
local key, enough = P .. 'token:' .. ARGV[2], tonumber(ARGV[4])
heal.evict(key, 'zset')
heal.evict(P .. 'tokens:bytes', 'hash')
local last = 0
if redis.call('ZCARD', key) > enough then
  local part = redis.call('ZRANGE', key, '(' .. ARGV[3], '+inf', 'BYSCORE', 'LIMIT', 0, LOOKED_AT, 'WITHSCORES')
  for i = 1, #part, 2 do
    local state = redis.pcall('HGET', P .. 'job:' .. part[i], 's')
    if not STATES[state] or FINAL[state] then redis.call('ZREM', key, part[i]) end
  end
  if #part == 2 * LOOKED_AT then last = tonumber(part[#part]) end
end
local bytes = integer(redis.call('HGET', P .. 'tokens:bytes', ARGV[2]), 0, '^-?%d+$')
return {redis.call('ZCARD', key), math.max(0, bytes), last}
