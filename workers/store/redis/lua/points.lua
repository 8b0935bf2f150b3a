#!lua flags=no-writes
-- Reads points of running optimisations.  ARGV: prefix, ids.  Reply, of each: the attempt that runs and its list; or nil.

local reply = {}
for i = 2, #ARGV do
  local state, fence = unpack(redis.pcall('HMGET', P .. 'job:' .. ARGV[i], 's', 'at'))
  local points = state == 'running' and redis.pcall('LRANGE', P .. 'points:' .. ARGV[i], 0, -1)
  reply[i - 1] = points and not points.err and {integer(fence), points}
end
return reply
