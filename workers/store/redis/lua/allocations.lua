#!lua flags=no-writes
-- Lists the allocations of pools, until there are enough of them for one step.
-- ARGV: prefix, owner (empty: all), name of the pool (empty: all), 1 for ended ones too, how many pools to skip,
-- since when their ends were recorded.
-- Reply: how many pools to skip next (0: there are no more), then token and record as JSON of each.

local ENOUGH = 2000
local reply = {0}
for number, member in ipairs(members(ARGV[2])) do
  local name = string.match(member, SEPARATOR .. '(.*)$')
  if number > tonumber(ARGV[5]) and (ARGV[3] == '' or name == ARGV[3]) then
    if #reply > 2 * ENOUGH then
      reply[1] = number - 1
      break
    end
    local tokens = redis.call('ZRANGE', P .. 'allocations:' .. member, 0, -1)
    local past = ARGV[4] == '1' and redis.call('ZRANGE', P .. 'past:' .. member, ARGV[6], '+inf', 'BYSCORE') or {}
    for _, list in ipairs({tokens, past}) do
      for _, token in ipairs(list) do
        reply[#reply + 1] = token
        reply[#reply + 1] = cjson.encode(record_at(P .. 'allocation:' .. token))
      end
    end
  end
end
return reply
