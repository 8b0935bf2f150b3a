#!lua flags=no-writes
-- Reads one artifact.  ARGV: prefix, id, name, attempt (empty: the one whose outcome is shown).
-- Reply: what is known of it, content or nil, 1 if it is of an earlier attempt; nil if unknown.

local id, name, attempt = ARGV[2], ARGV[3], ARGV[4]
local state, good, newest = unpack(redis.call('HMGET', P .. 'job:' .. id, 's', 'gd', 'at'))
if attempt == '' then attempt = shown_earlier(state, good) end
if not attempt or is_last(id, attempt, newest) then
  local known = redis.call('HGET', P .. 'artifacts:' .. id, name)
  return known and {known, redis.call('GET', P .. 'artifact:' .. id .. ':' .. name), 0}
end
local key = P .. 'earlier:' .. id
local known = redis.call('HGET', key, 'k' .. attempt .. ' ' .. name)
return known and {known, redis.call('HGET', key, 'c' .. attempt .. ' ' .. name), 1}
