#!lua flags=no-writes
-- Looks at the next chunk of a list.
-- ARGV: prefix, sort ("number", "ended", "priority"), 1 if descending, position (exclusive), how many are
-- wanted, how many may be looked at, owner (empty: any), states between spaces (empty: all), reason,
-- batch, oldest `created`, 1 if only outlines are wanted, the beginning of the name, how many patterns the name must
-- match, these patterns, texts that the tags must contain.
-- Reply: how many were looked at, the position reached (empty: the list ends there), then position and job, or
-- outline, of all that match.

local sort, is_down = ARGV[2], ARGV[3] == '1'
local wanted, limit = tonumber(ARGV[5]), tonumber(ARGV[6])
local owner, reason, batch, since = ARGV[7], ARGV[9], ARGV[10], tonumber(ARGV[11])
local is_outlined = ARGV[12] == '1'
local states, has_states = {}, false
for state in string.gmatch(ARGV[8], '%S+') do
  states[state] = true
  has_states = true
end
local ZERO, ONE = 100 * RANK, 101 * RANK -- between them lie the jobs of priority 0

local function score(number)
  return type(number) == 'string' and number or string.format('%.0f', number)
end

-- Members of a zset after `from` and before `to`, both exclusive, with scores.
local function range(key, from, to, n)
  from, to = '(' .. score(from), '(' .. score(to)
  if is_down then
    return redis.call('ZRANGE', P .. key, from, to, 'BYSCORE', 'REV', 'LIMIT', 0, n, 'WITHSCORES')
  end
  return redis.call('ZRANGE', P .. key, from, to, 'BYSCORE', 'LIMIT', 0, n, 'WITHSCORES')
end

local END = is_down and '-inf' or '+inf'

local function whole(key)
  return function(from, n)
    local found = range(key, from, END, n)
    return found, #found == 2 * n and found[#found] or nil
  end
end

-- Several state indexes as one.
local function merged(from, n)
  local all, found = {}, {}
  for state in pairs(states) do
    local part = range('state:' .. state, from, END, n)
    for i = 1, #part, 2 do all[#all + 1] = {part[i], tonumber(part[i + 1])} end
  end
  table.sort(all, function(a, b)
    if is_down then return a[2] > b[2] end
    return a[2] < b[2]
  end)
  for i = 1, math.min(n, #all) do
    found[2 * i - 1] = all[i][1]
    found[2 * i] = score(all[i][2])
  end
  return found, #all >= n and found[#found] or nil
end

-- The jobs whose numbers lie in the ranges an owner or a batch has.
local function ranged(key)
  return function(from, n)
    local around = {}
    if not is_down then
      around = redis.call('ZRANGE', P .. key, score(from), '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1)
    end
    local ranges = range(key, from, END, n)
    for i = 1, #ranges, 2 do around[#around + 1] = ranges[i] end
    local found = {}
    for _, stretch in ipairs(around) do
      local first, last = string.match(stretch, '^(%d+)-(%d+)$')
      first, last = tonumber(first), tonumber(last)
      local at, to = first - 1, last + 1
      if is_down then at, to = last + 1, first - 1 end
      local position = tonumber(from)
      if position and is_down then at = math.min(at, position) end
      if position and not is_down then at = math.max(at, position) end
      local part = range('numbers', at, to, n - #found / 2)
      for i = 1, #part do found[#found + 1] = part[i] end
      if #found == 2 * n then return found, found[#found] end
      from = score(is_down and first or last)
    end
    return found, #ranges == 2 * n and from or nil
  end
end

-- By priority: the index has those that are not 0; between its halves are all others, by number.  Also returns
-- how many more were looked at.
local function by_priority(from, n)
  local position = tonumber(from) -- infinite at the beginning
  local far, near = is_down and ONE or ZERO, is_down and ZERO or ONE
  local function is_past(edge)
    if is_down then return position <= edge end
    return position >= edge
  end
  if not is_past(far) then
    local found = range('priority', from, far, n)
    return found, #found == 2 * n and found[#found] or score(far)
  end
  if is_past(near) then return whole('priority')(from, n) end
  local found, kept = range('numbers', position - ZERO, END, n), {}
  for i = 1, #found, 2 do
    if redis.call('ZSCORE', P .. 'priority', found[i]) == false then
      kept[#kept + 1] = found[i]
      kept[#kept + 1] = score(found[i + 1] + ZERO)
    end
  end
  return kept, score(#found == 2 * n and found[#found] + ZERO or near), (#found - #kept) / 2
end

local function number_in_states()
  local sum = 0
  for state in pairs(states) do sum = sum + redis.call('ZCARD', P .. 'state:' .. state) end
  return sum
end

local function number_of_owner()
  local sum = 0
  for state in pairs(STATES) do
    sum = sum + integer(redis.pcall('HGET', P .. 'count', state .. ' ' .. owner))
  end
  return sum
end

-- The index that has the fewest jobs to look at.
local function source()
  if sort == 'ended' then return whole('ended') end
  if sort == 'priority' then return by_priority end
  if batch ~= '' then return ranged('batch:' .. batch) end
  if owner ~= '' and not (has_states and number_in_states() < number_of_owner()) then
    return ranged('user:' .. owner)
  end
  return has_states and merged or whole('numbers')
end

-- A record that cannot be read counts as failed, and fields it lacks match anything.
local function matches(job)
  if owner ~= '' and job.o and job.o ~= owner then return false end
  if since and (tonumber(job.c) or since) < since then return false end
  if not has_states and reason == '' and batch == '' then return true end
  local damaged = is_damaged(job)
  if has_states and not states[damaged and 'failed' or job.s] then return false end
  if reason ~= '' and (damaged and 'damaged' or job.r) ~= reason then return false end
  return batch == '' or job.b == batch or damaged and not job.b
end

local beginning, patterns, texts = ARGV[13], {}, {}
for i = 15, #ARGV do
  local list = i < 15 + tonumber(ARGV[14]) and patterns or texts
  list[#list + 1] = ARGV[i]
end
local is_sieved = #ARGV > 14 or beginning ~= ''

-- Whether a job may match by its name and tags, which are all that is read of most jobs; the client looks again.
-- Each pattern is looked for after the one before, so that a name costs no more than its length.
local function may_match(name, tags)
  local at = 1
  for _, pattern in ipairs(patterns) do
    local _, last = string.find(name or '', pattern, at)
    if not last then return false end
    at = last + 1
  end
  if #texts > 0 then tags = plain_tags(tags or '') end
  for _, text in ipairs(texts) do
    if not string.find(tags, text, 1, true) then return false end
  end
  return true
end

local looked, found, reply = 0, 0, {0, ''}

-- Adds a match to the reply; returns whether that is the last one wanted.
local function add(job, at)
  found = found + 1
  reply[#reply + 1] = at
  reply[#reply + 1] = is_outlined and outline(job) or cjson.encode(job)
  return found == wanted
end

-- The name, tags and time of a job, as far as `walk` needs them: a field less of each saves a fifth.
local function seen_of(id)
  if #texts > 0 or since then return unpack(redis.pcall('HMGET', P .. 'job:' .. id, 'nm', 't', 'c')) end
  local name = redis.pcall('HGET', P .. 'job:' .. id, 'nm')
  return type(name) == 'string' and name
end

-- Looks at the records of the next jobs, by the index that has the fewest of them.
local function walk(position)
  local next_stretch = source()
  while position and looked < limit do
    local stretch, reached, others = next_stretch(position, math.min(100, limit - looked))
    position = reached
    looked = looked + (others or 0)
    for i = 1, #stretch, 2 do
      looked = looked + 1
      local name, tags, time
      if is_sieved then name, tags, time = seen_of(stretch[i]) end
      local job = (not is_sieved or may_match(name, tags)) and fetch(stretch[i])
      -- `created` rises with the number: nothing older can match
      local created = tonumber(job and job.c or time or nil)
      if since and sort == 'number' and is_down and (created or since) < since then return nil end
      if job and matches(job) and add(job, stretch[i + 1]) then return stretch[i + 1] end
    end
  end
  return position
end

-- What one call of `search` may take, and what its parts take, in microseconds.
local BUDGET, BLOCK_FOUND, BLOCK_READ, RECORD_SEEN, JOB_READ = 5000, 40, 250, 5, 20

-- The numbers of a block that may match, by a text that each must contain: the beginning of the name or a tag.
local function found_in(block, anchor)
  local numbers, at = {}, 1
  while true do
    local from, to = string.find(block, anchor, at, true)
    if not from then return numbers end
    local _, last, number = string.find(block, '^[^\t]*\t(%d+)', to)
    if not last then return numbers end
    if beginning == '' or may_match(string.match(block, '^\n([^\r]*)\r([^\t]*)', from)) then
      numbers[#numbers + 1] = tonumber(number)
    end
    at = last + 1
  end
end

-- The numbers of a block that may match, by all that it has.
local function read_of(block)
  local numbers = {}
  for name, tags, number in string.gmatch(block, '\n([^\r]*)\r([^\t]*)\t(%d+)') do
    if may_match(name, tags) then numbers[#numbers + 1] = tonumber(number) end
  end
  return numbers
end

-- The next numbers to look at, first to last, within one block and within one range of the owner or the batch; nil at
-- the end.
local function next_numbers(position)
  local ids = range('numbers', position, END, 1)
  local at = tonumber(ids[2])
  if not at then return nil end
  if since and is_down and integer(redis.pcall('HGET', P .. 'job:' .. ids[1], 'c'), since) < since then return nil end
  local first, last = 0, math.huge
  local key = batch ~= '' and 'batch:' .. batch or owner ~= '' and 'user:' .. owner
  if key then
    local around = redis.call('ZRANGE', P .. key, at, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1)[1]
    first, last = string.match(around or '', '^(%d+)%-(%d+)$')
    if not is_down and tonumber(last or 0) < at then
      around = redis.call('ZRANGE', P .. key, at, '+inf', 'BYSCORE', 'LIMIT', 0, 1)[1]
      first, last = string.match(around or '', '^(%d+)%-(%d+)$')
    end
    if not first then return nil end
    first, last = tonumber(first), tonumber(last)
    at = is_down and math.min(at, last) or math.max(at, first)
  end
  local block = math.floor(at / BLOCK)
  if is_down then return math.max(first, block * BLOCK), at end
  return at, math.min(last, block * BLOCK + BLOCK - 1)
end

-- Looks at names and tags only, and at the records of those that may match.
local function search(position)
  local spent = 0
  local gap_first, gap_last = gap_in(unpack(redis.call('HMGET', P .. 'meta', 'number', 'words', 'gap')))
  local anchor = beginning ~= '' and '\n' .. beginning or #patterns == 0 and #texts == 1 and texts[1]

  local function candidates(first, last)
    local block, numbers = redis.pcall('GET', P .. 'words:' .. string.format('%.0f', math.floor(first / BLOCK))), {}
    if type(block) == 'table' or gap_first and gap_first <= last and first <= gap_last then
      spent = spent + RECORD_SEEN * each_record(first, last, function(number, name, tags)
        if may_match(name, tags) then numbers[#numbers + 1] = number end
      end)
    else
      spent = spent + (anchor and BLOCK_FOUND or BLOCK_READ)
      numbers = block and (anchor and found_in(block, anchor) or read_of(block)) or numbers
    end
    table.sort(numbers, function(a, b)
      if is_down then return a > b end
      return a < b
    end)
    return numbers
  end

  -- A match, unless the state index, which costs less than the record, rules it out.
  local function job_numbered(number)
    spent = spent + RECORD_SEEN
    local id = redis.call('ZRANGE', P .. 'numbers', number, number, 'BYSCORE')[1]
    local state = id and has_states and redis.pcall('HGET', P .. 'job:' .. id, 's')
    if not id or STATES[state] and not states[state] then return nil end
    spent = spent + JOB_READ
    local job = fetch(id)
    return job and matches(job) and job
  end

  while position and spent < BUDGET do
    local first, last = next_numbers(position)
    if not first then return nil end
    local previous = nil
    for _, number in ipairs(candidates(first, last)) do
      if number >= first and number <= last and number ~= previous then
        local job = job_numbered(number)
        if job and add(job, score(number)) or spent >= BUDGET then
          looked = looked + (is_down and last - number or number - first) + 1
          return score(number)
        end
        previous = number
      end
    end
    looked = looked + last - first + 1
    position = score(is_down and first or last)
  end
  return position
end

local is_searched = is_sieved and sort == 'number' and not (has_states and number_in_states() <= FEW_JOBS)
reply[2] = (is_searched and search or walk)(ARGV[4]) or ''
reply[1] = looked
return reply
