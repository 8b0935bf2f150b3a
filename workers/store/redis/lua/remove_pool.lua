#!lua flags=allow-oom
-- Forgets a pool and its allocations.  ARGV: prefix, owner, name.  Reply: 1; 0: there is no such pool.

local member = member_of(ARGV[2], ARGV[3])
mend_pools(ARGV[2])
for _, index in ipairs({P .. 'allocations:' .. member, P .. 'past:' .. member}) do
  for _, token in ipairs(redis.call('ZRANGE', index, 0, -1)) do redis.call('DEL', P .. 'allocation:' .. token) end
  redis.call('DEL', index)
end
redis.call('DEL', P .. 'pool:' .. member)
return redis.call('ZREM', P .. 'pools', member)
