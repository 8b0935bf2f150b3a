#!lua flags=no-writes
-- Lists pools.  ARGV: prefix, owner (empty: all).  Reply: owner and name of each, and its record as JSON.

local reply = {}
for _, member in ipairs(members(ARGV[2])) do
  reply[#reply + 1] = member
  reply[#reply + 1] = cjson.encode(record_at(P .. 'pool:' .. member))
end
return reply
