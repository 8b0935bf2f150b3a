#!lua flags=allow-oom
-- Forgets ended jobs, or only their artifacts.
-- ARGV: prefix, 1 if of any owner, owner, 1 if artifacts only, ids.
-- Reply, of each job that exists: id, word, what is known of its artifacts.  Words: removed; active (it has not
-- ended), needed (a job that has not ended has it for a parent), refused (it belongs to another user), later (looked at
-- too many jobs: to be asked again).

local anybody, owner, is_of_files = ARGV[2] == '1', ARGV[3], ARGV[4] == '1'
local LOOKED_AT = 10000
local looked = 0

-- Whether a job that has not ended has it for a parent, or has yet to be updated after its end.
local function is_needed(id)
  local key = P .. 'children:' .. id
  local many = redis.call('LLEN', key)
  if many > 0 and is_spreading() == 1 then return true end
  looked = looked + many
  for at = 0, many - 1, 1000 do
    for _, child in ipairs(redis.call('LRANGE', key, at, at + 999)) do
      local state = redis.pcall('HGET', P .. 'job:' .. child, 's')
      if STATES[state] and not FINAL[state] then return true end
    end
  end
  return false
end

-- Removes a number from an index of ranges, and a range without jobs.
local function forget_number(key, number)
  local range = redis.call('ZRANGE', key, number, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1)[1]
  local first, last = string.match(range or '', '^(%d+)-(%d+)$')
  if not first or tonumber(last) < tonumber(number) then return end
  if redis.call('ZCOUNT', P .. 'numbers', first, last) == 0 then redis.call('ZREM', key, range) end
end

local entries = {}
local function forget(job)
  local id, number = job.id, redis.call('ZSCORE', P .. 'numbers', job.id)
  leave_state(job)
  for _, name in ipairs({'numbers', 'priority', 'ids:' .. string.sub(id, 1, 4)}) do
    redis.call('ZREM', P .. name, id)
  end
  if number then
    if job.nm or job.t then entries[tonumber(number)] = '' end
    if job.o then forget_number(P .. 'user:' .. job.o, number) end
    if job.b then
      forget_number(P .. 'batch:' .. job.b, number)
      if redis.call('EXISTS', P .. 'batch:' .. job.b) == 0 then
        redis.call('DEL', P .. 'count:batch:' .. job.b, P .. 'limit:' .. job.b)
      end
    end
  end
  if job.tk then
    charge(job, -integer(job.tb))
    redis.call('ZREM', own('token', job.tk, 'zset'), id)
  end
  if job.u and redis.call('GET', P .. 'unique:' .. job.u) == id then redis.call('DEL', P .. 'unique:' .. job.u) end
  drop_artifacts(id)
  for _, name in ipairs({'job', 'spec', 'outcome', 'attempts', 'earlier', 'checkpoint', 'points', 'parents', 'children'}) do
    redis.call('DEL', P .. name .. ':' .. id)
  end
end

local function remove(id, job)
  if is_damaged(job) then
    bury(id)
    job = fetch(id)
    if not job then return 'removed', {} end
  end
  if not anybody and job.o and job.o ~= owner then return 'refused', {} end
  if not FINAL[job.s] then return 'active', {} end
  if looked >= LOOKED_AT then return 'later', {} end
  if not is_of_files and is_needed(id) then return 'needed', {} end
  local known = redis.call('HVALS', P .. 'artifacts:' .. id)
  local earlier = is_of_files and forget_earlier_artifacts(job) or forget_earlier(job)
  for _, one in ipairs(earlier) do known[#known + 1] = one end
  if is_of_files then
    drop_artifacts(id)
    local left = redis.call('STRLEN', P .. 'spec:' .. id) + redis.call('STRLEN', P .. 'outcome:' .. id)
    charge(job, math.min(0, left - integer(job.tb)))
  else
    forget(job)
  end
  return 'removed', known
end

spread(SETTLED_AT_ONCE)
local reply = {}
for i = 5, #ARGV do
  local job = fetch(ARGV[i])
  if job then
    local word, known = remove(ARGV[i], job)
    for _, part in ipairs({ARGV[i], word, known}) do reply[#reply + 1] = part end
  end
end
reword(entries)
ring()
return reply
