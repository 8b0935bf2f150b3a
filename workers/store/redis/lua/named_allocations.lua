#!lua flags=no-writes
-- Reads allocations.  ARGV: prefix, tokens.  Reply: token and record as JSON of each.

local reply = {}
for i = 2, #ARGV do
  reply[#reply + 1] = ARGV[i]
  reply[#reply + 1] = cjson.encode(record_at(P .. 'allocation:' .. ARGV[i]))
end
return reply
