#!lua flags=no-writes
-- Reads the outcomes of earlier attempts that are too long to be kept unless they are compressed.
-- ARGV: prefix, ids.  Reply: id, attempt and outcome of each.

local reply = {}
for i = 2, #ARGV do
  local key = P .. 'earlier:' .. ARGV[i]
  local newest = redis.call('HGET', P .. 'job:' .. ARGV[i], 'at')
  if newest and redis.call('HSTRLEN', key, 'o' .. newest) > KEPT_BYTES then
    local outcome = redis.call('HGET', key, 'o' .. newest)
    local is_compressed = string.byte(outcome) == 0x78
    for _, word in ipairs(is_compressed and {} or {ARGV[i], newest, outcome}) do reply[#reply + 1] = word end
  end
end
return reply
