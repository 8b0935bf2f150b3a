-- Taking the best ready job; shared by claim and finish.

-- Reads a claimant from four arguments: as JSON, but for what follows (empty: as the one before it); slot; sequence;
-- held, engine, kind and atoms of a claim ahead as JSON (or empty).  Nil if there is no slot.
local common
local function claimant_from(first)
  if ARGV[first + 1] == '' then return nil end
  if ARGV[first] ~= '' then
    common, heads = cjson.decode(ARGV[first]), {}
    common.serves = {}
    for _, engine in ipairs(common.engines) do common.serves[engine] = true end
  end
  common.slot, common.sequence = ARGV[first + 1], tonumber(ARGV[first + 2])
  common.ahead = ARGV[first + 3] ~= '' and cjson.decode(ARGV[first + 3])
  return common
end

-- When owners were served last: their place among all claims.
local served = {}

local function is_better(a, b)
  if a.rank ~= b.rank then return a.rank < b.rank end
  if served[a.owner] ~= served[b.owner] then return served[a.owner] < served[b.owner] end
  return a.number < b.number
end

-- The first job of a shape if the claimant serves the shape and has room for it, now or with all jobs gone.
local function find_head(shape, who)
  local owner, _, cores, memory, time, engine =
    string.match(shape, '^([^\31]*)\31([^\31]*)\31(%d+)\31(%d+)\31(%d+)\31([^\31]*)$')
  if not owner or not who.serves[engine] then return nil end
  if who.owner and who.owner ~= owner then return nil end
  if who.time_s and tonumber(time) > who.time_s then return nil end
  cores, memory = tonumber(cores), tonumber(memory)
  local fits = cores <= who.cores and memory <= who.memory_bytes
  if not fits and (cores > who.all_cores or memory > who.all_memory_bytes) then return nil end
  local first = redis.call('ZRANGE', P .. 'ready:' .. shape, 0, 0, 'WITHSCORES')
  if not first[1] then return nil end
  local score = tonumber(first[2])
  served[owner] = served[owner] or integer(redis.call('HGET', P .. 'served', owner))
  return {
    id = first[1], shape = shape, owner = owner, fits = fits, rank = math.floor(score / RANK), number = score % RANK}
end

-- As find_head, once for the claims of a step as long as nothing changes the shape.
local function head(shape, who)
  if heads[shape] == nil then heads[shape] = find_head(shape, who) or false end
  return heads[shape]
end

-- Whether a job has been passed over for so long that it comes next; the first time is noted.
local function is_out_of_patience(id)
  local key = P .. 'job:' .. id
  local since = tonumber(redis.call('HGET', key, 'po') or nil)
  if not since and redis.call('EXISTS', key) == 1 then redis.call('HSET', key, 'po', now) end
  return since and math.abs(now - since) >= PATIENCE_MS
end

local function best(who)
  local found, large
  for _, lane in ipairs(who.lanes) do
    for _, shape in ipairs(redis.call('SMEMBERS', P .. 'shapes:' .. lane)) do
      local candidate = head(shape, who)
      if candidate and candidate.fits then
        if not found or is_better(candidate, found) then found = candidate end
      elseif candidate then
        if not large or is_better(candidate, large) then large = candidate end
      end
    end
  end
  local is_passed_over = found and large and is_better(large, found)
  if is_passed_over and (who.ahead or is_out_of_patience(large.id)) then return nil end
  return found
end

-- The attempt this very token got before, if it still runs.
local function taken_before(who)
  local last = redis.call('HGET', P .. 'slots:' .. who.worker, who.slot)
  if not last then return nil end
  local sequence, fence, id = string.match(last, '^(%S+) (%S+) (%S+)$')
  if not id or tonumber(sequence) ~= who.sequence then return nil end
  local job = owned(id, fence, who.worker)
  local spec = job and redis.call('GET', P .. 'spec:' .. id)
  if not spec then return nil end
  redis.call('ZADD', P .. 'leases', now + LEASE_MS, id)
  return {spec, cjson.encode(job)}
end

-- Whether that many jobs of a batch may run and fail without passing its limit.
local limits = {}
local function may_fail(job, many)
  local name = (job.b or '') .. SEPARATOR .. job.o
  limits[name] = limits[name] or job.b and integer(redis.pcall('HGET', P .. 'limit:' .. job.b, job.o)) or 0
  return limits[name] == 0 or many_in_batch(job.b, job.o, {'failed'}) + many < limits[name]
end

-- Whether the best job may wait behind those that the slot holds: more of their kind, and enough for all.
local living
local function may_wait(job, shape, who)
  local held, engine, kind, atoms = unpack(who.ahead)
  if job.e ~= engine or job.k ~= kind or integer(job.a) > atoms then return false end
  if integer(job.co, 1) ~= 1 or integer(job.tl) ~= 0 or job.pn or job.at then return false end
  living = living or math.max(1, redis.call('ZCOUNT', P .. 'workers', now - LEASE_MS, '+inf'))
  local others = held * who.slots * living
  return redis.call('ZCARD', P .. 'ready:' .. shape) >= others and may_fail(job, others)
end

local function start(job, who)
  local fence = (job.at or 0) + 1
  local changes = {at = fence, w = who.worker, st = now, lw = who.ahead and who.ahead[1] > 0 and 'a' or false}
  if not job.ck then -- else it goes on from there
    for _, field in ipairs({'pf', 'pp', 'ps', 'pe', 'pd', 'pg'}) do changes[field] = false end
  end
  -- The token comes first: should a later command fail on a damaged key, the repeated claim finds this attempt.
  local token = who.sequence .. ' ' .. fence .. ' ' .. job.id
  if redis.call('HSET', P .. 'slots:' .. who.worker, who.slot, token) == 1 then
    redis.call('PEXPIRE', P .. 'slots:' .. who.worker, DAY_MS)
  end
  served[job.o] = heal.next('claims', 1)
  redis.call('HSET', P .. 'served', job.o, served[job.o])
  move(job, 'running', nil, changes)
end

-- Whether a job that was found ready can be run.
local function is_sound(job, spec)
  return job and job.s == 'queued' and type(spec) == 'string' and not is_damaged(job)
end

-- Claims for `who`: the job's specification and the job; nil if nothing fits.  Records that cannot be read are
-- put out of the way, 100 at most.
local function take(who)
  local again = taken_before(who)
  if again then return again end
  for _ = 1, 100 do
    local found = best(who)
    if not found then return nil end
    local job = fetch(found.id)
    local spec = redis.pcall('GET', P .. 'spec:' .. found.id)
    if not is_sound(job, spec) then
      bury(found.id, found.shape)
    elseif shape_of(job) ~= found.shape then -- the record is the truth
      heads[found.shape] = nil
      redis.call('ZREM', P .. 'ready:' .. found.shape, job.id)
      ready(job)
    elseif who.ahead and not may_wait(job, found.shape, who) then
      return nil
    else
      start(job, who)
      ring()
      return {spec, cjson.encode(job)}
    end
  end
  ring()
  return nil
end
