#!lua flags=allow-oom
-- Stores a worker's beat; that of the housekeeper also does what is due, within bounds.
-- ARGV: prefix, worker, beat as JSON, the texts for a job lost too often as JSON, 1 if leases count as expired, the
-- token of its allocation (or empty).
-- Reply: milliseconds until something is due (or -1), ids of requeued jobs, ids of scheduled jobs that became due.

local MAX_REAPED, MAX_RELEASED, MAX_OPENED, MAX_LANES, MAX_FORGOTTEN, MAX_TOLD = 500, 500, 500, 20, 20, 32
local MAX_PUT_BACK = 500
local MAX_ADDED_UP = 1000

live()

-- If no worker ticked for a while, the store itself may have been away, and the workers with it: they get one
-- lease to come back before any of them is declared lost.  Half a lease is too long for a tick that is merely
-- late, but where ticks are that late all the time, those that died must be declared lost now and then.
grace = integer(grace)
local silent_ms = now - integer(pulse, now)
local is_put_back = grace > now + LEASE_MS -- this server's clock was; there would be no end to it for as long
if is_put_back or silent_ms > LEASE_MS or (silent_ms > LEASE_MS / 2 and now - grace > LEASE_MS) then
  grace = now + LEASE_MS
  redis.call('HSET', meta, 'grace', grace)
end
if ARGV[5] ~= '1' then grace = now + LEASE_MS end

local old = redis.call('ZRANGE', P .. 'workers', '-inf', now - DAY_MS, 'BYSCORE', 'LIMIT', 0, MAX_FORGOTTEN)
for _, gone in ipairs(old) do
  redis.call('DEL', P .. 'worker:' .. gone)
  redis.call('ZREM', P .. 'workers', gone)
end

-- Nothing was heard of, and no lease ends, later than a right clock allows: this server's was put back.
local function put_back(key, latest)
  local late = redis.call('ZRANGE', P .. key, '(' .. latest, '+inf', 'BYSCORE', 'LIMIT', 0, MAX_PUT_BACK)
  for _, member in ipairs(late) do redis.call('ZADD', P .. key, latest, member) end
end
put_back('leases', now + LEASE_MS)
put_back('workers', now)
put_back('lanes', now)

-- A server that was killed while it wrote may take half a change for undone at its next start, and do it at the
-- one after that (Redis to 8.0 at least): what was counted by then is counted twice.  The indexes are right.
local function add_up()
  local sums = {}
  if redis.call('HLEN', P .. 'count') > MAX_ADDED_UP then return true end
  local flat = redis.call('HGETALL', P .. 'count')
  for i = 1, #flat, 2 do
    local state = string.match(flat[i], '^%S*')
    if not STATES[state] then return false end
    sums[state] = (sums[state] or 0) + integer(flat[i + 1], -math.huge)
  end
  for state in pairs(STATES) do
    if (sums[state] or 0) ~= redis.call('ZCARD', P .. 'state:' .. state) then return false end
  end
  return true
end

if not add_up() then heal.recount() end

-- The outcome of a job that was lost too often, as `workers.store.losses.document` has it.
local function lost_for_good(job, losses)
  local words, places, evidence = cjson.decode(ARGV[4]), {}, {}
  local function tell(number, lost_by, started_ms, ended_ms)
    lost_by = tostring(lost_by)
    places[#places + 1] = string.match(lost_by, '^(.*)%-[^-]*%-[^-]*$') or lost_by
    local seconds = ((tonumber(ended_ms) or 0) - (tonumber(started_ms) or 0)) / 1000
    evidence[#evidence + 1] = string.format(words.try, tonumber(number) or 0, lost_by, seconds)
  end
  for _, raw in ipairs(redis.call('LRANGE', own('attempts', job.id, 'list'), -MAX_TOLD, -1)) do
    local is_read, tried = pcall(cjson.decode, raw)
    if is_read and type(tried) == 'table' and tried.ended_as == 'worker_lost' then
      tell(tried.number, tried.worker, tried.started_ms, tried.ended_ms)
    end
  end
  tell(job.at, job.w, job.st, now)
  if tonumber(job.ps) then
    evidence[#evidence + 1] = string.format(words.reached, job.at, job.pp or 'running', job.ps)
  end
  local record = words.record
  record.attempt, record.worker = tonumber(job.at), job.w
  record.failure.message = string.format(words.message, losses, table.concat(places, ', '))
  record.failure.evidence = evidence
  return cjson.encode(record)
end

local function reap(id)
  local job = fetch(id)
  if not job or is_damaged(job) or job.s ~= 'running' then return bury(id) end
  local losses = (job.lo or 0) + 1
  if job.cr then
    move(job, 'cancelled', 'user', {lw = false})
  elseif job.lw == 'a' then
    requeue(job, 'given_back', cjson.decode(ARGV[4]).not_begun, nil, {lw = false}, false)
  elseif losses < MAX_LOSSES then
    requeue(job, 'worker_lost', '', 'worker_lost', {lo = losses})
  elseif is_retried(job, 'worker_lost') then
    retry(job, 'worker_lost', '', {lo = losses})
  else
    redis.call('SET', P .. 'outcome:' .. id, lost_for_good(job, losses))
    move(job, 'failed', 'worker_lost', {lo = losses})
  end
end

local function release(id)
  local job = fetch(id)
  if not job or is_damaged(job) or job.s ~= 'scheduled' then return bury(id) end
  move(job, job.wt and 'blocked' or 'queued', job.r)
end

-- Opens lanes whose worker was not heard of for a lease, neither by a tick nor by a submit into its lane.
local function open_dead_lanes()
  local budget = MAX_OPENED
  local before = '(' .. (now - LEASE_MS)
  for _, lane in ipairs(redis.call('ZRANGE', P .. 'lanes', '-inf', before, 'BYSCORE', 'LIMIT', 0, MAX_LANES)) do
    local seen = tonumber(redis.call('ZSCORE', P .. 'workers', lane) or 0)
    if now - seen <= LEASE_MS then
      redis.call('ZADD', P .. 'lanes', seen, lane)
    else
      budget = open_lane(lane, budget)
    end
  end
end

local reaped = {}
if now >= grace then
  reaped = redis.call('ZRANGE', P .. 'leases', '-inf', '(' .. now, 'BYSCORE', 'LIMIT', 0, MAX_REAPED)
  for _, id in ipairs(reaped) do reap(id) end
  open_dead_lanes()
end
local released = redis.call('ZRANGE', P .. 'scheduled', '-inf', now, 'BYSCORE', 'LIMIT', 0, MAX_RELEASED)
for _, id in ipairs(released) do release(id) end
spread(SETTLED_LATER)
local has_gap = fill_gap()
ring()

local next_ms = -1
local function is_due(at, not_before)
  if not at then return end
  local wait = math.max(0, math.max(at, not_before) - now)
  if next_ms < 0 or wait < next_ms then next_ms = wait end
end
is_due(first_of('leases'), grace)
is_due(first_of('scheduled'), 0)
local lane_seen = first_of('lanes')
is_due(lane_seen and lane_seen + LEASE_MS, grace)
if is_spreading() == 1 or has_gap then next_ms = 0 end

-- An overdue tick of another worker takes the place of the housekeeper, too: that one may be dead.
if ARGV[5] == '1' then
  local wait = next_ms < 0 and RENEW_EVERY_MS or math.min(next_ms, RENEW_EVERY_MS)
  redis.call('HSET', meta, 'housekeeper', now + wait .. ' ' .. worker)
elseif holder == worker then
  redis.call('HDEL', meta, 'housekeeper')
end
return {next_ms, reaped, released}
