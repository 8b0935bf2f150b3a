-- What is kept of earlier attempts, in earlier:<id>; shared by finish, retry, pack, remove and remove_attempts.

-- What is to be added to `kept` at the end of a step; whether something counted there is gone.
local more, is_spoiled = {jobs = 0, attempts = 0, bytes = 0}, false

local function earlier_key(id)
  local key = P .. 'earlier:' .. id
  is_spoiled = heal.evict(key, 'hash') or is_spoiled
  return key
end

local function keep_field(key, name, value)
  if value and value ~= '' then redis.call('HSET', key, name, value) end
end

-- Keeps an artifact of an attempt.
local function keep_artifact(key, attempt, name, known, content)
  keep_field(key, 'k' .. attempt .. ' ' .. name, known)
  keep_field(key, 'c' .. attempt .. ' ' .. name, content)
end

local function drop_artifacts(id)
  local key = P .. 'artifacts:' .. id
  for _, name in ipairs(redis.call('HKEYS', key)) do redis.call('DEL', P .. 'artifact:' .. id .. ':' .. name) end
  redis.call('DEL', key)
end

-- Makes the outcome and artifacts of the attempt that ended a job those of an earlier one; whether there were any.
local function set_aside(job)
  local outcome = redis.call('MGET', P .. 'outcome:' .. job.id)[1]
  if outcome and job.at then
    local key = earlier_key(job.id)
    redis.call('HSET', key, 'o' .. job.at, outcome)
    local known = redis.call('HGETALL', own('artifacts', job.id, 'hash'))
    for i = 1, #known, 2 do
      local content = redis.call('MGET', P .. 'artifact:' .. job.id .. ':' .. known[i])[1]
      keep_artifact(key, job.at, known[i], known[i + 1], content)
    end
  end
  drop_artifacts(job.id)
  redis.call('DEL', P .. 'outcome:' .. job.id)
  return outcome and true
end

-- The attempts of which something is kept: number -> its fields.
local function kept_fields(key)
  local found = {}
  for _, field in ipairs(redis.call('HKEYS', key)) do
    local attempt = string.match(field, '^[ockz](%d+)')
    if attempt then
      found[attempt] = found[attempt] or {}
      table.insert(found[attempt], field)
    end
  end
  return found
end

local function is_counted(key, attempt)
  return redis.call('HEXISTS', key, 'z' .. attempt) == 1
end

local function any_counted(key, kept)
  for attempt in pairs(kept) do
    if is_counted(key, attempt) then return 1 end
  end
  return 0
end

-- Notes how much is kept of an attempt (nil: nothing any more) in place of how much was before.
local function count_size(key, attempt, size)
  local before = redis.call('HGET', key, 'z' .. attempt)
  more.attempts = more.attempts + (size and 1 or 0) - (before and 1 or 0)
  more.bytes = more.bytes + (size or 0) - integer(before)
  if size then redis.call('HSET', key, 'z' .. attempt, size) else redis.call('HDEL', key, 'z' .. attempt) end
end

-- Adds up what is kept of all jobs' earlier attempts again.
local function recount_earlier()
  local sums = {jobs = 0, attempts = 0, bytes = 0}
  for _, id in ipairs(redis.call('ZRANGE', P .. 'numbers', 0, -1)) do
    local key, has_any = earlier_key(id), 0
    for attempt in pairs(kept_fields(key)) do
      local size = integer(redis.call('HGET', key, 'z' .. attempt))
      sums.bytes = sums.bytes + size
      if size > 0 then
        sums.attempts = sums.attempts + 1
        has_any = 1
      end
    end
    sums.jobs = sums.jobs + has_any
  end
  redis.call('DEL', P .. 'kept')
  for name, sum in pairs(sums) do redis.call('HSET', P .. 'kept', name, sum) end
end

-- Brings what a step has changed to the sums; where one is no number, or below nothing, all are added up again.
local function add_up()
  for name, number in pairs(more) do
    local sum = number == 0 and 0 or redis.pcall('HINCRBY', P .. 'kept', name, number)
    if is_spoiled or type(sum) ~= 'number' or sum < math.max(0, number) then
      recount_earlier()
      break
    end
  end
  more, is_spoiled = {jobs = 0, attempts = 0, bytes = 0}, false
end

local function size_of(key, fields)
  local size = 0
  for _, field in ipairs(fields) do
    if string.sub(field, 1, 1) ~= 'z' then size = size + redis.call('HSTRLEN', key, field) end
  end
  return size
end

-- Drops of an attempt what is over KEPT_BYTES: contents, the largest first, then the outcome.  What is known of an
-- artifact stays, and a record in place of the outcome describes what was dropped.
local function cap(key, attempt, fields)
  local size = size_of(key, fields)
  while size > KEPT_BYTES do
    local largest, most = nil, 0
    for _, field in ipairs(fields) do
      local length = string.sub(field, 1, 1) == 'c' and redis.call('HSTRLEN', key, field) or 0
      if length > most then largest, most = field, length end
    end
    if not largest then break end
    redis.call('HDEL', key, largest)
    size = size - most
  end
  if size > KEPT_BYTES then
    local outcome = 'o' .. attempt
    local length = redis.call('HSTRLEN', key, outcome)
    local note = cjson.encode({
      schema = 1, attempt = tonumber(attempt), worker = '', nox_version = '', warnings = {string.format(
        'this outcome had %d bytes: redis keeps at most %d of an earlier attempt, and dropped it', length, KEPT_BYTES)}})
    redis.call('HSET', key, outcome, note)
    size = size - length + #note
  end
  count_size(key, attempt, size)
end

local function forget_attempt(key, attempt, fields)
  count_size(key, attempt, nil)
  for _, field in ipairs(fields) do redis.call('HDEL', key, field) end
end

-- Counts the attempts that have become earlier ones since the last time, within their bounds.  The one whose outcome
-- is shown is not counted.  Neither is attempt `ended` if its outcome is to be compressed first (see pack.lua).
local function settle_earlier(job, ended)
  local key = earlier_key(job.id)
  local kept, counted = kept_fields(key), {}
  local before = any_counted(key, kept)
  for attempt, fields in pairs(kept) do
    if is_counted(key, attempt) then
      counted[#counted + 1] = attempt
    elseif attempt ~= job.gd and not (attempt == ended and redis.call('HSTRLEN', key, 'o' .. ended) > KEPT_BYTES) then
      cap(key, attempt, fields)
      counted[#counted + 1] = attempt
    end
  end
  table.sort(counted, function(a, b) return tonumber(a) > tonumber(b) end)
  for i = KEPT_ATTEMPTS + 1, #counted do forget_attempt(key, counted[i], kept[counted[i]]) end
  more.jobs = more.jobs + math.min(1, #counted) - before
  add_up()
end

-- What is known of the artifacts of some attempts.
local function known_of(key, kept)
  local found = {}
  for _, fields in pairs(kept) do
    for _, field in ipairs(fields) do
      if string.sub(field, 1, 1) == 'k' then found[#found + 1] = redis.call('HGET', key, field) end
    end
  end
  return found
end

-- Forgets all earlier attempts, or those but one; what is known of their artifacts.
local function forget_earlier(job, spared)
  local key = earlier_key(job.id)
  local kept = kept_fields(key)
  if next(kept) == nil then return {} end
  local before = any_counted(key, kept)
  if spared then kept[spared] = nil end
  local known = known_of(key, kept)
  for attempt, fields in pairs(kept) do forget_attempt(key, attempt, fields) end
  more.jobs = more.jobs - before
  add_up()
  return known
end

-- Forgets the artifacts of all earlier attempts; what was known of them.
local function forget_earlier_artifacts(job)
  local key = earlier_key(job.id)
  local kept = kept_fields(key)
  local known = known_of(key, kept)
  for attempt, fields in pairs(kept) do
    for _, field in ipairs(fields) do
      if string.find(field, '^[kc]') then redis.call('HDEL', key, field) end
    end
    if is_counted(key, attempt) then
      count_size(key, attempt, redis.call('HSTRLEN', key, 'o' .. attempt))
    end
  end
  add_up()
  return known
end
