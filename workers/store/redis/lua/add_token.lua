#!lua
-- Stores a token.  ARGV: prefix, name, digest, record as JSON, how many tokens there may be.
-- Reply: "taken" if another has the name, "full" if there are too many, else "ok".

local name, digest, record, limit = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
heal.evict(P .. 'tokens', 'hash')
local known = redis.call('HGETALL', P .. 'tokens')
for i = 1, #known, 2 do
  local is_read, one = pcall(cjson.decode, known[i + 1])
  if is_read and type(one) == 'table' and one.name == name then
    return known[i] == digest and 'ok' or 'taken'
  end
end
if #known / 2 >= limit then return 'full' end
redis.call('HSET', P .. 'tokens', digest, record)
return 'ok'
