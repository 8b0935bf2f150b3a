-- Ends a tick after the beat if another worker is the housekeeper, and nothing is overdue.  Nearly all ticks are of
-- this kind: this part comes before all that they do not need, which takes more time than the beat.
--
-- One worker, the housekeeper, does for all what is due; it is replaced once it is late for its next tick.  Whatever
-- is overdue all the same is done by any worker.  Where there is no housekeeper, a worker that may not requeue jobs
-- yet does its work, but does not take its place.

local LATE_MS = 1000
local worker, beat = ARGV[2], ARGV[3]
local meta = P .. 'meta'
local least, pulse, grace, housekeeper =
  unpack(redis.call('HMGET', meta, 'min_writer', 'pulse', 'grace', 'housekeeper'))
local next_look, holder = string.match(housekeeper or '', '^(%d+) (.*)$')

local function live()
  redis.call('HSET', P .. 'worker:' .. worker, 'beat', beat, 'allocation', ARGV[6])
  redis.call('HSETNX', P .. 'worker:' .. worker, 'first', now)
  redis.call('ZADD', P .. 'workers', now, worker)
  redis.call('PEXPIRE', P .. 'slots:' .. worker, DAY_MS)
  redis.call('HSET', meta, 'pulse', now)
end

local function first_of(key)
  return tonumber(redis.call('ZRANGE', P .. key, 0, 0, 'WITHSCORES')[2])
end

-- Whether this version may write, and workers have ticked as they should.
local function is_calm()
  local last, spared = tonumber(pulse or ''), tonumber(grace or '0')
  return least == MIN_WRITER and last and spared and now - last <= LEASE_MS / 2 and spared <= now + LEASE_MS
end

local function is_kept_by_another()
  local at = tonumber(next_look or '')
  return at and holder ~= worker and at >= now - LATE_MS and at <= now + RENEW_EVERY_MS
end

local function is_overdue(at)
  return at and at < now
end

if is_calm() and is_kept_by_another() then
  local due, may_reap = first_of('scheduled'), ARGV[5] == '1' and now >= tonumber(grace or '0')
  if not (is_overdue(due) or may_reap and is_overdue(first_of('leases'))) then
    live()
    ring()
    return {due and due < tonumber(next_look) and due - now or -1, {}, {}}
  end
end
