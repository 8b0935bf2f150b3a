#!lua flags=no-writes
-- Lists the workers heard of within a day, newest word first, 1,000 at most.  ARGV: prefix.
-- Reply: now, then id, when last seen, when first seen, beat and allocation of each.

local reply = {now}
local seen = redis.call('ZRANGE', P .. 'workers', '+inf', now - DAY_MS, 'BYSCORE', 'REV', 'LIMIT', 0, 1000,
  'WITHSCORES')
for i = 1, #seen, 2 do
  local kept = redis.call('HMGET', P .. 'worker:' .. seen[i], 'first', 'beat', 'allocation')
  if kept[1] and kept[2] then
    for _, word in ipairs({seen[i], seen[i + 1], kept[1], kept[2], kept[3] or ''}) do reply[#reply + 1] = word end
  end
end
return reply
