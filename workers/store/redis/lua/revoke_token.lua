#!lua flags=allow-oom
-- Removes a token.  ARGV: prefix, name.  Reply: 1, or 0 if there is none of that name.

heal.evict(P .. 'tokens', 'hash')
local known = redis.call('HGETALL', P .. 'tokens')
local removed = 0
for i = 1, #known, 2 do
  local is_read, one = pcall(cjson.decode, known[i + 1])
  if is_read and type(one) == 'table' and one.name == ARGV[2] then
    redis.call('HDEL', P .. 'tokens', known[i])
    redis.call('HDEL', P .. 'tokens:used', known[i])
    removed = 1
  end
end
return removed
