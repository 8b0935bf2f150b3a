#!lua flags=no-writes
-- Lists tokens.  ARGV: prefix.  Reply: of each token its record, JSON, and when it was used last or an empty text.

local reply = {}
local known = redis.call('HGETALL', P .. 'tokens')
for i = 1, #known, 2 do
  reply[#reply + 1] = known[i + 1]
  reply[#reply + 1] = redis.call('HGET', P .. 'tokens:used', known[i]) or ''
end
return reply
