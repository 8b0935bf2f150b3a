#!lua flags=no-writes
-- Lists artifacts.  ARGV: prefix, id, attempt (empty: the one whose outcome is shown; all: every attempt's).
-- Reply: what is known of each, and 1 if it is of an earlier attempt whose store has not kept its content.

local id, attempt = ARGV[2], ARGV[3]
local state, good, newest = unpack(redis.call('HMGET', P .. 'job:' .. id, 's', 'gd', 'at'))
local is_of_all, reply = attempt == 'all', {}
if attempt == '' then attempt = shown_earlier(state, good) end

if is_of_all or not attempt or is_last(id, attempt, newest) then
  for _, known in ipairs(redis.call('HVALS', P .. 'artifacts:' .. id)) do
    reply[#reply + 1] = known
    reply[#reply + 1] = 0
  end
  if not is_of_all then return reply end
end
local key = P .. 'earlier:' .. id
for _, field in ipairs(redis.call('HKEYS', key)) do
  local number, name = string.match(field, '^k(%d+) (.*)$')
  if number and (is_of_all or number == attempt) then
    reply[#reply + 1] = redis.call('HGET', key, field)
    reply[#reply + 1] = 1 - redis.call('HEXISTS', key, 'c' .. number .. ' ' .. name)
  end
end
return reply
