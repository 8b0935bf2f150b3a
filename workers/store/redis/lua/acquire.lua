#!lua flags=allow-oom
-- Takes the lease of an owner's autoscaler.
-- ARGV: prefix, owner, holder, its length in milliseconds, a holder that is dead (or empty).
-- Reply: fence and time; or 0 and the holder.

local owner, holder, length = ARGV[2], ARGV[3], tonumber(ARGV[4])
local key = P .. 'autoscaler:' .. owner
heal.evict(key, 'hash')
mend_pools(owner)
local lease = record_at(key)
local left = integer(lease.until_ms) - now
-- One that ends later than any can was given before this server's clock was put back.
local is_held = lease.holder and left > 0 and left <= length
if is_held and lease.holder ~= holder and lease.holder ~= ARGV[5] then return {0, lease.holder} end
local fence = math.max(integer(lease.fence) + 1, now)
put(key, {holder = holder, fence = fence, until_ms = now + length})
redis.call('PEXPIRE', key, DAY_MS)
return {fence, now}
