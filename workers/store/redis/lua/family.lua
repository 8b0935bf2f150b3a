-- Telling children how their parents are, and batches that too many of their jobs failed; shared by whatever ends
-- jobs or lets them run again.

-- What a parent in some state means to a child: "." it has yet to end, "+" it may start, "-" it may not.
local function meaning(condition, state)
  if not FINAL[state] then return '.' end
  if condition == 'r' then condition = 'd' end
  local is_met = condition == 'e' or condition == string.sub(state, 1, 1)
  return is_met and '+' or '-'
end

-- Lets a child go where its parents let it; one that runs, has ended or may run is left alone, unless what it
-- needs of its parents is gone.
local function follow(job, is_bereft_now)
  local is_cut = job.s == 'cancelled' and job.r == 'dependency'
  if job.um then
    if not (FINAL[job.s] or job.s == 'running') then move(job, 'cancelled', 'dependency') end
  elseif is_cut then
    move(job, job.wt and 'blocked' or 'queued', nil, {rd = (job.rd or 1) + 1, en = false})
  elseif job.s == 'blocked' and not job.wt then
    move(job, 'queued', job.r)
  elseif job.s == 'queued' and is_bereft_now then
    move(job, 'blocked', job.r)
  end
end

local function settle(id, parent, state)
  local key = own('parents', id, 'hash')
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

-- Cancels a job that waits, of a batch too many of whose jobs have failed, or brings it back.
local function stop_or_go(id, owner, is_over)
  local state = redis.pcall('HGET', P .. 'job:' .. id, 's')
  if not STATES[state] or state == 'running' or FINAL[state] and (is_over or state ~= 'cancelled') then return end
  local job = fetch(id)
  if is_damaged(job) or job.o ~= owner then return end
  local is_cut = job.s == 'cancelled' and job.r == 'max_fails'
  if is_over then
    move(job, 'cancelled', 'max_fails')
  elseif is_cut and not is_over and job.um then
    change(job, {r = 'dependency'})
  elseif is_cut and not is_over then
    move(job, job.wt and 'blocked' or 'queued', nil, {rd = (job.rd or 1) + 1, en = false})
  end
end

-- The number before the oldest waiting job's, or `from` if that is more.
local function before_waiting(from)
  local least
  for _, state in ipairs(WAITING) do
    local number = tonumber(redis.call('ZRANGE', P .. 'state:' .. state, 0, 0, 'WITHSCORES')[2])
    if number and (not least or number < least) then least = number end
  end
  return math.max(from, (least or 0) - 1)
end

-- Looks at the jobs of one batch that is to be stopped or continued, `budget` at most; returns how many.
local function settle_batch(budget)
  local entry = redis.call('LPOP', P .. 'stopping')
  if not entry then return 0 end
  local from, whose = string.match(entry, '^(%d+) (.*)$')
  local owner, batch = string.match(whose or '', '^([^\31]*)\31(.*)$')
  if not batch then return 1 end
  from = tonumber(from)
  local limit = integer(redis.call('HGET', own('limit', batch, 'hash'), owner))
  local is_over = limit > 0 and many_in_batch(batch, owner, {'failed'}) >= limit
  if limit == 0 or is_over and many_in_batch(batch, owner, WAITING) == 0 then return 1 end
  if is_over then from = before_waiting(from) end
  local key, looked = index('batch:' .. batch, 'zset'), 0
  local ranges = redis.call('ZRANGE', key, from, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1)
  local later = redis.call('ZRANGE', key, '(' .. from, '+inf', 'BYSCORE', 'LIMIT', 0, budget)
  for _, range in ipairs(later) do ranges[#ranges + 1] = range end
  for _, range in ipairs(ranges) do
    local first, last = string.match(range, '^(%d+)-(%d+)$')
    local part = redis.call('ZRANGE', P .. 'numbers', math.max(from + 1, tonumber(first)), last, 'BYSCORE',
      'LIMIT', 0, budget - looked, 'WITHSCORES')
    for i = 1, #part, 2 do
      stop_or_go(part[i], owner, is_over)
      from = tonumber(part[i + 1])
    end
    looked = looked + #part / 2
    if looked >= budget then break end
  end
  if looked >= budget or #later == budget then redis.call('LPUSH', P .. 'stopping', from .. ' ' .. whose) end
  return math.max(1, looked)
end

-- Updates the children of one parent, `budget` at most; returns how many.
local function settle_family(budget)
  local entry = redis.call('LPOP', P .. 'releasing')
  if not entry then return 0 end
  local at, id = string.match(entry, '^(%d+) (.*)$')
  if not id then return 1 end
  local parent = fetch(id)
  local state = parent and not is_damaged(parent) and parent.s or 'failed'
  local part = redis.call('LRANGE', own('children', id, 'list'), at, at + budget - 1)
  for _, child in ipairs(part) do settle(child, id, state) end
  if #part == budget then redis.call('LPUSH', P .. 'releasing', at + budget .. ' ' .. id) end
  return math.max(1, #part)
end

-- Updates children and batches that need it, `budget` jobs at most; returns whether there were any.
local function spread(budget)
  local has_told = false
  while budget > 0 do
    local told = settle_family(budget)
    if told == 0 then told = settle_batch(budget) end
    if told == 0 then return has_told end
    has_told = true
    budget = budget - told
  end
  return has_told
end

local function is_spreading()
  return math.min(1, redis.call('EXISTS', P .. 'releasing', P .. 'stopping'))
end
