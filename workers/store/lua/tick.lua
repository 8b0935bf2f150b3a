#!lua flags=allow-oom
-- Says that a worker lives, and does what is due, within bounds.
-- ARGV: prefix, worker, beat as JSON.  Reply: milliseconds until something falls due (or -1), ids taken back.

local MAX_REAPED, MAX_OPENED, MAX_LANES, MAX_FORGOTTEN = 500, 500, 20, 20
local worker, beat = ARGV[2], ARGV[3]
local meta = P .. 'meta'

redis.call('HSET', P .. 'worker:' .. worker, 'beat', beat)
redis.call('HSETNX', P .. 'worker:' .. worker, 'first', now)
redis.call('ZADD', P .. 'workers', now, worker)
redis.call('PEXPIRE', P .. 'slots:' .. worker, DAY_MS)
local old = redis.call('ZRANGE', P .. 'workers', '-inf', now - DAY_MS, 'BYSCORE', 'LIMIT', 0, MAX_FORGOTTEN)
for _, gone in ipairs(old) do
  redis.call('DEL', P .. 'worker:' .. gone)
  redis.call('ZREM', P .. 'workers', gone)
end

-- If no worker ticked for a whole lease, the store itself may have been away, and the workers with it: they
-- get one lease to come back before any of them is declared lost.
local pulse, grace = unpack(redis.call('HMGET', meta, 'pulse', 'grace'))
grace = tonumber(grace or 0)
if pulse and now - pulse > LEASE_MS then
  grace = now + LEASE_MS
  redis.call('HSET', meta, 'grace', grace)
end
redis.call('HSET', meta, 'pulse', now)

local function reap(id)
  local job = fetch(id)
  if not job or is_damaged(job) or job.s ~= 'running' then return bury(id) end
  local losses = (job.lo or 0) + 1
  if job.cr then
    move(job, 'cancelled', 'user')
  elseif losses >= MAX_LOSSES then
    move(job, 'failed', 'worker_lost', {lo = losses})
  else
    requeue(job, 'worker_lost', '', 'worker_lost', {lo = losses})
  end
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
ring()

local next_ms = -1
local function is_due(at)
  if not at then return end
  local wait = math.max(0, math.max(tonumber(at), grace) - now)
  if next_ms < 0 or wait < next_ms then next_ms = wait end
end
is_due(redis.call('ZRANGE', P .. 'leases', 0, 0, 'WITHSCORES')[2])
local lane_seen = redis.call('ZRANGE', P .. 'lanes', 0, 0, 'WITHSCORES')[2]
is_due(lane_seen and lane_seen + LEASE_MS)
return {next_ms, reaped}
