-- Opening lanes; shared by tick and leave.

-- Opens a lane: any worker may run its ready jobs, `budget` at most; returns the rest of the budget.
local function open_lane(lane, budget)
  for _, shape in ipairs(redis.call('SMEMBERS', P .. 'shapes:' .. lane)) do
    if budget <= 0 then break end
    local found = redis.call('ZRANGE', P .. 'ready:' .. shape, 0, budget - 1, 'WITHSCORES')
    local owner, rest = string.match(shape, '^([^\31]*)\31[^\31]*(\31.*)$')
    local open = owner .. SEPARATOR .. rest
    for i = 1, #found, 2 do
      redis.call('HDEL', P .. 'job:' .. found[i], 'l')
      redis.call('ZADD', P .. 'ready:' .. open, found[i + 1], found[i])
      redis.call('ZREM', P .. 'ready:' .. shape, found[i])
    end
    if #found > 0 then open_shape(open, '') end
    close_shape(shape, lane)
    budget = budget - #found / 2
  end
  return budget
end
