#!lua
-- Stores a pool, or changes its definition.
-- ARGV: prefix, owner, name, definition as JSON, digest, how many pools an owner may have.
-- Reply: 1; 0: there are too many.

local owner, name = ARGV[2], ARGV[3]
local member = member_of(owner, name)
local key = P .. 'pool:' .. member
mend_pools(owner)
heal.evict(key, 'hash')
local is_new = not redis.call('ZSCORE', P .. 'pools', member)
if is_new and #members(owner) >= tonumber(ARGV[6]) then return 0 end
local paused, why = unpack(redis.call('HMGET', key, 'paused', 'why'))
resume(key, owner)
if paused == 'user' then put(key, {paused = paused, why = why}) end
put(key, {definition = ARGV[4], digest = ARGV[5], set_ms = now})
redis.call('ZADD', P .. 'pools', 0, member)
return 1
