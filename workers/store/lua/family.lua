-- Telling children how their parents are; shared by whatever ends jobs or lets them run again.

-- What a parent in some state means to a child: "." it has yet to end, "+" it may start, "-" it may not.
local function meaning(condition, state)
  if not FINAL[state] then return '.' end
  if condition == 'r' then condition = 'd' end
  local is_met = condition == 'e' or condition == string.sub(state, 1, 1)
  return is_met and '+' or '-'
end

-- Lets a child go where its parents let it; one that runs, has ended or may run is left alone, unless what it
-- needs of its parents is gone.
local function follow(job, is_bereft)
  local is_cut = job.s == 'cancelled' and job.r == 'dependency'
  if job.um then
    if not (FINAL[job.s] or job.s == 'running') then move(job, 'cancelled', 'dependency') end
  elseif is_cut then
    move(job, job.wt and 'blocked' or 'queued', nil, {rd = (job.rd or 1) + 1, en = false})
  elseif job.s == 'blocked' and not job.wt then
    move(job, 'queued', job.r)
  elseif job.s == 'queued' and is_bereft then
    move(job, 'blocked', job.r)
  end
end

local function settle(id, parent, state)
  local key = P .. 'parents:' .. id
  local known = redis.call('HGET', key, parent)
  local job = known and fetch(id)
  if not job or is_damaged(job) then return end
  local before = string.sub(known, 2)
  local after = meaning(string.sub(known, 1, 1), state)
  if before == after then return end
  redis.call('HSET', key, parent, string.sub(known, 1, 1) .. after)
  local function counted(field, sign)
    local count = (job[field] or 0) + (after == sign and 1 or 0) - (before == sign and 1 or 0)
    return count > 0 and count or false
  end
  change(job, {wt = counted('wt', '.'), um = counted('um', '-')})
  follow(job, after == '.' and string.sub(known, 1, 1) == 'r')
end

-- Tells children that are to be told, `budget` at most; whether there were any.
local function spread(budget)
  local has_told = false
  while budget > 0 do
    local entry = redis.call('LPOP', P .. 'releasing')
    if not entry then return has_told end
    has_told = true
    local at, id = string.match(entry, '^(%d+) (.*)$')
    local parent = fetch(id)
    local state = parent and not is_damaged(parent) and parent.s or 'failed'
    local part = redis.call('LRANGE', P .. 'children:' .. id, at, at + budget - 1)
    for _, child in ipairs(part) do settle(child, id, state) end
    if #part == budget then redis.call('LPUSH', P .. 'releasing', at + budget .. ' ' .. id) end
    budget = budget - math.max(1, #part)
  end
  return has_told
end

local function is_spreading()
  return redis.call('EXISTS', P .. 'releasing')
end
