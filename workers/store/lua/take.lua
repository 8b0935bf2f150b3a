-- Taking the best ready job; shared by claim and finish.  `who` is the claimant as JSON has it.

local function is_better(a, b)
  if a.rank ~= b.rank then return a.rank < b.rank end
  if a.served ~= b.served then return a.served < b.served end
  return a.number < b.number
end

-- The first job of a shape if the claimant serves the shape and has room for it.
local function head(shape, who, engines)
  local owner, _, cores, memory, engine =
    string.match(shape, '^([^\31]*)\31([^\31]*)\31(%d+)\31(%d+)\31([^\31]*)$')
  if not owner or not engines[engine] then return nil end
  if who.owner and who.owner ~= owner then return nil end
  if tonumber(cores) > who.cores or tonumber(memory) > who.memory then return nil end
  local first = redis.call('ZRANGE', P .. 'ready:' .. shape, 0, 0, 'WITHSCORES')
  if not first[1] then return nil end
  local score = tonumber(first[2])
  return {
    id = first[1], shape = shape, owner = owner, rank = math.floor(score / RANK), number = score % RANK,
    served = tonumber(redis.call('HGET', P .. 'served', owner) or 0)}
end

local function best(who)
  local engines, found = {}, nil
  for _, engine in ipairs(who.engines) do engines[engine] = true end
  for _, lane in ipairs(who.lanes) do
    for _, shape in ipairs(redis.call('SMEMBERS', P .. 'shapes:' .. lane)) do
      local candidate = head(shape, who, engines)
      if candidate and (not found or is_better(candidate, found)) then found = candidate end
    end
  end
  return found
end

-- The attempt this very token got before, if it still runs.
local function taken_before(who)
  local last = redis.call('HGET', P .. 'slots:' .. who.worker, who.slot)
  if not last then return nil end
  local sequence, fence, id = string.match(last, '^(%S+) (%S+) (%S+)$')
  if tonumber(sequence) ~= who.sequence then return nil end
  local job = owned(id, fence, who.worker)
  local spec = job and redis.call('GET', P .. 'spec:' .. id)
  if not spec then return nil end
  redis.call('ZADD', P .. 'leases', now + LEASE_MS, id)
  return {spec, cjson.encode(job)}
end

local function start(job, who)
  local fence = (job.at or 0) + 1
  move(job, 'running', nil, {
    at = fence, w = who.worker, st = now, lw = false,
    pf = false, pp = false, ps = false, pe = false, pd = false, pg = false})
  redis.call('HSET', P .. 'served', job.o, redis.call('HINCRBY', P .. 'meta', 'claims', 1))
  local token = who.sequence .. ' ' .. fence .. ' ' .. job.id
  if redis.call('HSET', P .. 'slots:' .. who.worker, who.slot, token) == 1 then
    redis.call('PEXPIRE', P .. 'slots:' .. who.worker, DAY_MS)
  end
end

-- Whether a job that was found ready can be handed out as it stands.
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
