#!lua
-- Stores one chunk of jobs, or none of it.
-- ARGV: prefix, submission token, jobs as JSON, then one specification a job.  A job is
--   [id, fingerprint, owner, batch, lane, priority, shape, [field, value, ...] with the name and the tags last,
--    1 if held, when it begins or 0, [parent, condition, ...], unique key or empty, what if it exists, how many of
--    its batch may fail or 0]
-- Reply: the numbers in order, between commas, negative where the job was stored before, followed by "=id" where
-- another is stored under its unique key; or
--   ["conflict", id] where it was stored with another digest, ["orphan", id, parent] where that is not stored,
--   ["exists", id, other] where the other has its unique key.

local jobs = cjson.decode(ARGV[3])

-- No time is noted as later than this (the year 2200), whatever `clock` holds.
local LATEST_MS = 7258118400000

-- First look at all of them: nothing is written if one is refused.
local known, fresh = {}, 0 -- id -> fingerprint and, once it has one, number
local holders, others = {}, {} -- unique key -> job that has it; id -> job that has its key

local function holder(key)
  if key == '' or holders[key] then return holders[key] end
  local other = redis.pcall('GET', P .. 'unique:' .. key)
  local job = type(other) == 'string' and fetch(other)
  return job and job.s ~= 'cancelled' and other or nil
end
for _, job in ipairs(jobs) do
  local id, fingerprint = job[1], job[2]
  if not known[id] then
    local stored = redis.call('HMGET', P .. 'job:' .. id, 'd', 'n')
    if (stored[1] or stored[2]) and is_numbered(id) then
      known[id] = {stored[1], tonumber(stored[2] or 0)}
    elseif job[13] ~= 'new' and holder(job[12]) then
      others[id] = holder(job[12])
      if job[13] == 'error' then return {'exists', id, others[id]} end
      known[id] = {fingerprint}
    else
      if job[12] ~= '' then holders[job[12]] = id end
      for i = 1, #job[11], 2 do
        local parent = job[11][i]
        if (others[parent] or not known[parent]) and redis.call('EXISTS', P .. 'job:' .. parent) == 0 then
          return {'orphan', id, parent}
        end
      end
      fresh = fresh + 1
      known[id] = {fingerprint}
    end
  end
  if known[id][1] ~= fingerprint then return {'conflict', id} end
end

redis.call('HSETNX', P .. 'meta', 'schema', 1)
local number = heal.next('number', fresh) - fresh
local clock, reached, gap = unpack(redis.call('HMGET', P .. 'meta', 'clock', 'words', 'gap'))
clock = integer(clock)
local created = clock < LATEST_MS and math.max(now, clock) or now
redis.call('HSET', P .. 'meta', 'clock', created, 'words', number + fresh)
local first, last = gap_in(number, reached, gap)
if first then redis.call('HSET', P .. 'meta', 'gap', first .. '-' .. last) end

local function list_of(lists, name)
  if not lists[name] then lists[name] = {} end
  return lists[name]
end

local function append(list, score, member)
  list[#list + 1] = score
  list[#list + 1] = member
end

-- Lengthens the last range if the number follows it; else begins another.
local function extend(list, n)
  local tail = list[#list]
  if tail and tail[2] + 1 == n then tail[2] = n else list[#list + 1] = {n, n} end
end

local by_number, by_priority, by_shape, by_state, by_due, lanes = {}, {}, {}, {}, {}, {}
local user_ranges, batch_ranges, submitted, counts, reply = {}, {}, {}, {}, {}

local function count_one(key, field)
  local fields = list_of(counts, key)
  fields[field] = (fields[field] or 0) + 1
end

local is_soon = false

local words = {}
local function note_words(of, fields)
  local at, name, tags = #fields, nil, nil
  if fields[at - 1] == 't' then at, tags = at - 2, fields[at] end
  if fields[at - 1] == 'nm' then name = fields[at] end
  if name or tags then
    local block = list_of(words, math.floor(of / BLOCK))
    block[#block + 1] = entry(of, name, tags)
  end
end

-- Notes who a job waits for; how many of them have yet to end, and how many keep it back.
local states = {}
local function note_parents(id, parents)
  local count = {['.'] = 0, ['-'] = 0, ['+'] = 0}
  for i = 1, #parents, 2 do
    local parent, condition = parents[i], parents[i + 1]
    if not states[parent] then
      local job = fetch(parent)
      states[parent] = is_damaged(job) and 'failed' or job.s
    end
    local sign = meaning(condition, states[parent])
    count[sign] = count[sign] + 1
    redis.call('HSET', own('parents', id, 'hash'), parent, condition .. sign)
    redis.call('RPUSH', own('children', parent, 'list'), id)
  end
  return count['.'], count['-']
end

local function first_state(is_held, begin, unended, unmet)
  if unmet > 0 then return 'cancelled', 'dependency' end
  if is_held == 1 then return 'held' end
  if begin > now then return 'scheduled' end
  return unended > 0 and 'blocked' or 'queued'
end

-- Notes that a token submitted a job.
local function note_token(id, number, bytes)
  redis.call('HSET', P .. 'job:' .. id, 'tk', ACTING, 'tb', bytes)
  redis.call('ZADD', own('token', ACTING, 'zset'), number, id)
  heal.evict(P .. 'tokens:bytes', 'hash')
  redis.call('HINCRBY', P .. 'tokens:bytes', ACTING, bytes)
end

for i, job in ipairs(jobs) do
  local id, owner, batch, lane, priority, shape = job[1], job[3], job[4], job[5], job[6], job[7]
  local other = others[id]
  local existing = known[id][2]
  if other then
    existing = known[other] and known[other][2] or tonumber(redis.call('HGET', P .. 'job:' .. other, 'n') or 0)
  end
  if existing then
    reply[i] = other and -existing .. '=' .. other or -existing
    extend(list_of(submitted, owner), existing)
  else
    number = number + 1
    known[id][2] = number
    reply[i] = number
    local begin, unended, unmet = job[10], note_parents(id, job[11])
    local state, why = first_state(job[9], begin, unended, unmet)
    redis.call('HSET', P .. 'job:' .. id, 'n', number, 's', state, 'c', created, unpack(job[8]))
    if #job[11] > 0 then redis.call('HSET', P .. 'job:' .. id, 'pn', #job[11] / 2) end
    if unended > 0 then redis.call('HSET', P .. 'job:' .. id, 'wt', unended) end
    if state == 'cancelled' then
      redis.call('HSET', P .. 'job:' .. id, 'um', unmet, 'r', why, 'en', now)
      redis.call('ZADD', P .. 'ended', heal.next('ended', 1), id)
    elseif begin > now then
      redis.call('HSET', P .. 'job:' .. id, 'du', string.format('%.0f', begin))
    end
    redis.call('SET', P .. 'spec:' .. id, ARGV[3 + i])
    if job[12] ~= '' then redis.call('SET', P .. 'unique:' .. job[12], id) end
    event(id, number, state, 0, why, batch, ACTING)
    if ACTING then note_token(id, number, #ARGV[3 + i]) end
    note_words(number, job[8])
    append(by_number, number, id)
    append(list_of(by_state, state), number, id)
    redis.call('ZADD', index('ids:' .. string.sub(id, 1, 4), 'zset'), 0, id)
    if state == 'queued' then
      append(list_of(by_shape, shape), (100 - priority) * RANK + number, id)
      lanes[shape] = lane
    end
    if state == 'scheduled' then
      append(by_due, begin, id)
      is_soon = is_soon or begin - now <= LEASE_MS
    end
    if priority ~= 0 then append(by_priority, (100 + priority) * RANK + number, id) end
    extend(list_of(user_ranges, owner), number)
    extend(list_of(submitted, owner), number)
    count_one('count', state .. ' ' .. owner)
    if batch ~= '' then
      if job[14] > 0 then redis.call('HSET', own('limit', batch, 'hash'), owner, job[14]) end
      extend(list_of(batch_ranges, batch), number)
      count_one('count:batch:' .. batch, state .. ' ' .. owner)
    end
  end
end

local function add(key, scores)
  if #scores > 0 then redis.call('ZADD', index(key, 'zset'), unpack(scores)) end
end

-- Joins ranges to those an index has; its newest ends where the first of them begins, or before.
local function add_ranges(key, list)
  local newest = redis.call('ZRANGE', index(key, 'zset'), -1, -1)[1]
  local first, last = string.match(newest or '', '^(%d+)-(%d+)$')
  if first and tonumber(last) + 1 == list[1][1] then
    redis.call('ZREM', P .. key, newest)
    list[1][1] = tonumber(first)
  end
  for _, range in ipairs(list) do redis.call('ZADD', P .. key, range[1], range[1] .. '-' .. range[2]) end
end

-- What is appended is given twice the room; a text that is set, only what it takes.
for block, entries in pairs(words) do
  local key, more = words_key(block), table.concat(entries)
  if math.floor((number + 1) / BLOCK) == block then
    redis.call('APPEND', key, more)
  else
    redis.call('SET', key, (redis.call('GET', key) or '') .. more)
  end
end
add('numbers', by_number)
for state, scores in pairs(by_state) do add('state:' .. state, scores) end
add('priority', by_priority)
add('scheduled', by_due)
for shape, scores in pairs(by_shape) do
  add('ready:' .. shape, scores)
  open_shape(shape, lanes[shape])
end
for owner, ranges in pairs(user_ranges) do add_ranges('user:' .. owner, ranges) end
for batch, ranges in pairs(batch_ranges) do add_ranges('batch:' .. batch, ranges) end
local function count_all()
  for key, fields in pairs(counts) do
    for field, many in pairs(fields) do
      local sum = redis.pcall('HINCRBY', P .. key, field, many)
      if type(sum) ~= 'number' or sum < many then return heal.recount(P .. key) end
    end
  end
end
count_all()

for owner, ranges in pairs(submitted) do
  local key = own('last', owner, 'list')
  if redis.call('LINDEX', key, 0) ~= ARGV[2] then
    if redis.call('EXISTS', key) == 1 then redis.call('RENAME', key, P .. 'before:' .. owner) end
    redis.call('RPUSH', key, ARGV[2])
  end
  local first, last = string.match(redis.call('LINDEX', key, -1), '^(%d+)-(%d+)$')
  if first and tonumber(last) + 1 == ranges[1][1] then
    redis.call('RPOP', key)
    ranges[1][1] = tonumber(first)
  end
  for _, range in ipairs(ranges) do redis.call('RPUSH', key, range[1] .. '-' .. range[2]) end
end
ring()
-- A worker that hears of what falls due before it looks again by itself is there in time.
if is_soon and redis.call('EXISTS', P .. 'bell') == 0 then redis.call('RPUSH', P .. 'bell', '1') end
return table.concat(reply, ',')
