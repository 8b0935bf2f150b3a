#!lua flags=no-writes
-- Finds outcomes of earlier attempts that are too long to be kept unless they are compressed.
-- ARGV: prefix, ids.  Reply: id and attempt of each.

local reply = {}
for i = 2, #ARGV do
  local key = P .. 'earlier:' .. ARGV[i]
  local newest = redis.call('HGET', P .. 'job:' .. ARGV[i], 'at')
  if newest and redis.call('HSTRLEN', key, 'o' .. newest) > KEPT_BYTES then
    reply[#reply + 1] = ARGV[i]
    reply[#reply + 1] = newest
  end
end
return reply
