-- Taking the best ready job; shared by claim and finish.  `who` is the claimant as JSON has it.

local function is_better(a, b)
  if a.rank ~= b.rank then return a.rank < b.rank end
  if a.served ~= b.served then return a.served < b.served end
  return a.number < b.number
end

-- The first job of a shape if the claimant serves the shape and has room for it, now or with all jobs gone.
local function head(shape, who, engines)
  local owner, _, cores, memory, time, engine =
    string.match(shape, '^([^\31]*)\31([^\31]*)\31(%d+)\31(%d+)\31(%d+)\31([^\31]*)$')
  if not owner or not engines[engine] then return nil end
  if who.owner and who.owner ~= owner then return nil end
  if who.time and tonumber(time) > who.time then return nil end
  cores, memory = tonumber(cores), tonumber(memory)
  local fits = cores <= who.cores and memory <= who.memory
  if not fits and (cores > who.all_cores or memory > who.all_memory) then return nil end
  local first = redis.call('ZRANGE', P .. 'ready:' .. shape, 0, 0, 'WITHSCORES')
  if not first[1] then return nil end
  local score = tonumber(first[2])
  return {
    id = first[1], shape = shape, owner = owner, fits = fits, rank = math.floor(score / RANK), number = score % RANK,
    served = integer(redis.call('HGET', P .. 'served', owner))}
end

-- Whether a job has been passed over for so long that it comes next; the first time is noted.
local function is_out_of_patience(id)
  local key = P .. 'job:' .. id
  local since = tonumber(redis.call('HGET', key, 'po') or nil)
  if not since and redis.call('EXISTS', key) == 1 then redis.call('HSET', key, 'po', now) end
  return since and math.abs(now - since) >= PATIENCE_MS
end

local function best(who)
  local engines, found, large = {}, nil, nil
  for _, engine in ipairs(who.engines) do engines[engine] = true end
  for _, lane in ipairs(who.lanes) do
    for _, shape in ipairs(redis.call('SMEMBERS', P .. 'shapes:' .. lane)) do
      local candidate = head(shape, who, engines)
      if candidate and candidate.fits then
        if not found or is_better(candidate, found) then found = candidate end
      elseif candidate then
        if not large or is_better(candidate, large) then large = candidate end
      end
    end
  end
  local is_passed_over = found and large and is_better(large, found)
  if is_passed_over and is_out_of_patience(large.id) then return nil end
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

local function start(job, who)
  local fence = (job.at or 0) + 1
  local changes = {at = fence, w = who.worker, st = now, lw = false}
  if not job.ck then -- else it goes on from there
    for _, field in ipairs({'pf', 'pp', 'ps', 'pe', 'pd', 'pg'}) do changes[field] = false end
  end
  -- The token comes first: should a later command fail on a damaged key, the repeated claim finds this attempt.
  local token = who.sequence .. ' ' .. fence .. ' ' .. job.id
  if redis.call('HSET', P .. 'slots:' .. who.worker, who.slot, token) == 1 then
    redis.call('PEXPIRE', P .. 'slots:' .. who.worker, DAY_MS)
  end
  redis.call('HSET', P .. 'served', job.o, heal.next('claims', 1))
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
      redis.call('ZREM', P .. 'ready:' .. found.shape, job.id)
      ready(job)
    else
      start(job, who)
      ring()
      return {spec, cjson.encode(job)}
    end
  end
  ring()
  return nil
end
