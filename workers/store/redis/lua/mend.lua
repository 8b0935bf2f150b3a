-- Repairs what another program changed: counters that are no numbers, and keys of another kind.  Shared by all.
--
-- The records are the truth.  What another program stored under a key of nox is renamed to displaced:<key>; what was
-- there before is made again from the records and from the indexes that are left.

-- Counts all jobs again, by the indexes of states.  `key`: a count that may be of no job any more.
function heal.recount(key)
  local counts = {[P .. 'count'] = {}, [key or P .. 'count'] = {}}
  local function count_one(counted, field)
    counts[counted] = counts[counted] or {}
    counts[counted][field] = (counts[counted][field] or 0) + 1
  end
  for state in pairs(STATES) do
    for _, id in ipairs(redis.call('ZRANGE', P .. 'state:' .. state, 0, -1)) do
      local found = redis.pcall('HMGET', P .. 'job:' .. id, 'o', 'b')
      local field = state .. ' ' .. (found[1] or '')
      count_one(P .. 'count', field)
      if found[2] then count_one(P .. 'count:batch:' .. found[2], field) end
    end
  end
  for counted, fields in pairs(counts) do
    redis.call('DEL', counted)
    for field, number in pairs(fields) do redis.call('HSET', counted, field, number) end
  end
end

-- The highest number that a counter of `meta` has given, as far as that is known.
local function most(field)
  if field == 'claims' then
    local newest = 0
    for _, place in ipairs(redis.call('HVALS', P .. 'served')) do newest = math.max(newest, integer(place)) end
    return newest
  end
  local key = field == 'number' and 'numbers' or 'ended'
  return integer(redis.call('ZRANGE', P .. key, '(' .. RANK, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1, 'WITHSCORES')[2])
end

-- Counts a counter of `meta` up.  One that is no number is set right first; so is the numbers' own if it is too low.
function heal.next(field, by)
  local reached = redis.pcall('HINCRBY', P .. 'meta', field, by)
  local is_sound = type(reached) == 'number' and reached >= by and reached < RANK
  if is_sound and (field ~= 'number' or reached - by >= most(field)) then return reached end
  reached = most(field) + by
  redis.call('HSET', P .. 'meta', field, reached)
  return reached
end

-- Puts a job into an index of ranges, unless one of them has its number.
local function put_in_range(key, number)
  heal.evict(key, 'zset')
  local range = redis.call('ZRANGE', key, number, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1)[1]
  if integer(string.match(range or '', '%-(%d+)$')) < number then
    redis.call('ZADD', key, number, number .. '-' .. number)
  end
end

-- Puts a job into the indexes of its record; the order of ended jobs is that of their times.
local function put_back(id, number)
  local job = fetch(id)
  if not job then return end
  local bucket = P .. 'ids:' .. string.sub(id, 1, 4)
  heal.evict(bucket, 'zset')
  redis.call('ZADD', P .. 'numbers', number, id)
  redis.call('ZADD', bucket, 0, id)
  if job.o then put_in_range(P .. 'user:' .. job.o, number) end
  if job.b then put_in_range(P .. 'batch:' .. job.b, number) end
  if is_damaged(job) and job.s ~= 'failed' then return bury(id) end
  redis.call('ZADD', P .. 'state:' .. job.s, number, id)
  if job.s == 'queued' then ready(job) end
  if job.s == 'running' then redis.call('ZADD', P .. 'leases', 'NX', now + LEASE_MS, id) end
  if job.s == 'scheduled' then redis.call('ZADD', P .. 'scheduled', 'NX', integer(job.du), id) end
  local priority = integer(job.p, 0, '^-?%d+$')
  if priority ~= 0 then redis.call('ZADD', P .. 'priority', (100 + priority) * RANK + number, id) end
  return FINAL[job.s] and integer(job.en)
end

-- Makes every index whole again.
function heal.reindex()
  local numbers = {}
  for _, name in ipairs({'numbers', 'held', 'scheduled', 'blocked', 'queued', 'running', 'done', 'failed', 'cancelled'}) do
    local key = P .. (name == 'numbers' and name or 'state:' .. name)
    local flat = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    for i = 1, #flat, 2 do numbers[flat[i]] = numbers[flat[i]] or tonumber(flat[i + 1]) end
  end
  local ended = {}
  for id, number in pairs(numbers) do
    local when = put_back(id, number)
    if when and not redis.call('ZSCORE', P .. 'ended', id) then ended[#ended + 1] = {when, number, id} end
  end
  table.sort(ended, function(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    return a[2] < b[2]
  end)
  for _, job in ipairs(ended) do redis.call('ZADD', P .. 'ended', heal.next('ended', 1), job[3]) end
  redis.call('HSET', P .. 'meta', 'words', 0)
  heal.recount()
end

-- Moves a key of another kind than it should be out of the way, for its owner to find; returns whether it was one.
function heal.evict(key, kind)
  local found = redis.call('TYPE', key).ok
  if found == kind or found == 'none' then return false end
  redis.call('RENAME', key, P .. 'displaced:' .. string.sub(key, #P + 1))
  return true
end

-- Looks at the keys that all jobs share, before anything is changed.
function heal.mend()
  local kinds = {
    meta = 'hash', count = 'hash', served = 'hash', numbers = 'zset', ended = 'zset', priority = 'zset',
    leases = 'zset', scheduled = 'zset', lanes = 'zset', workers = 'zset', releasing = 'list', stopping = 'list',
    events = 'stream', ['shapes:'] = 'set'}
  for state in pairs(STATES) do kinds['state:' .. state] = 'zset' end
  local is_whole = true
  for name, kind in pairs(kinds) do
    if heal.evict(P .. name, kind) then is_whole = false end
  end
  if not is_whole then heal.reindex() end
end
