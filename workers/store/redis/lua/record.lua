#!lua flags=allow-oom
-- Changes a pool and its allocations under the lease of an autoscaler, and prolongs that.
-- ARGV: prefix, owner, holder, fence, length of a lease, name of the pool, how long ended allocations are kept, how
-- many of them, changes as JSON: name -> text or false, of the pool; token and likewise, of each allocation.
-- Reply: 1; 0: the lease was lost, or the pool removed.

local owner, holder, fence, length, name = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local kept_ms, most = tonumber(ARGV[7]), tonumber(ARGV[8])
local changes, allocations = unpack(cjson.decode(ARGV[9]))

local lease = record_at(P .. 'autoscaler:' .. owner)
if lease.holder ~= holder or lease.fence ~= fence or integer(lease.until_ms) <= now then return 0 end
local member = member_of(owner, name)
local pool = record_at(P .. 'pool:' .. member)
if not pool.digest then return 0 end
put(P .. 'autoscaler:' .. owner, {until_ms = now + length})
redis.call('PEXPIRE', P .. 'autoscaler:' .. owner, DAY_MS)
mend_pools(owner)

-- What the user did since the look began is newer than what this autoscaler has read.
if pool.resumed == fence then
  for _, field in ipairs({'paused', 'why', 'strikes', 'refusals', 'refusal', 'next_ms'}) do changes[field] = nil end
end
if pool.paused == 'user' then changes.paused, changes.why = nil, nil end
put(P .. 'pool:' .. member, changes)

local function is_whole(record)
  return record.state and record.cores and record.memory_bytes and record.time_s and record.intended_ms
end

local function record_allocation(token, change)
  local key = P .. 'allocation:' .. token
  local known = record_at(key)
  if not known.state then
    if not is_whole(change) then return end
    redis.call('DEL', key)
    known = {owner = owner, pool = name}
    put(key, known)
  elseif known.owner ~= owner or known.pool ~= name then
    return
  end
  -- So is what its worker did.
  if known.joined == fence then
    for _, field in ipairs({'state', 'started_ms', 'ended_ms', 'ended_as'}) do change[field] = nil end
  end
  change_allocation(token, known, change)
  if change.state == 'ended' then redis.call('PEXPIRE', key, kept_ms) end
end

for _, one in ipairs(allocations) do record_allocation(one[1], one[2]) end

local past = P .. 'past:' .. member
redis.call('ZREMRANGEBYSCORE', past, '-inf', now - kept_ms)
for _, token in ipairs(redis.call('ZRANGE', past, 0, -most - 1)) do
  redis.call('DEL', P .. 'allocation:' .. token)
  redis.call('ZREM', past, token)
end
return 1
