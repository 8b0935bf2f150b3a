#!lua flags=no-writes
-- Finds ids by their start.  ARGV: prefix of keys, start of the ids, how many at most.  Reply: ids in order.

local start, limit = ARGV[2], tonumber(ARGV[3])
local found = {}

local function look(bucket)
  local from, to = '[' .. start, '(' .. start .. 'g' -- g follows the last digit
  local part = redis.call('ZRANGE', P .. 'ids:' .. bucket, from, to, 'BYLEX', 'LIMIT', 0, limit - #found)
  for _, id in ipairs(part) do found[#found + 1] = id end
end

-- A start shorter than a bucket's name looks into all buckets that may hold it.
local missing = math.max(0, 4 - #start)
for i = 0, 16 ^ missing - 1 do
  if #found >= limit then break end
  local digits = missing > 0 and string.format('%0' .. missing .. 'x', i) or ''
  look(string.sub(start, 1, 4) .. digits)
end
return found
