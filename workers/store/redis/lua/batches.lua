#!lua flags=no-writes
-- Looks for the next batches, by their jobs, the newest first.
-- ARGV: prefix, number of a job (exclusive), how many batches are wanted, how many jobs may be looked at, owner
-- (empty: any).
-- Reply: how many jobs were looked at, the number reached (empty: there are no others), then the names.

local wanted, limit, owner = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]

local function score(number)
  return string.format('%.0f', number)
end

-- The range of an index that has a number, or the next below it.
local function range_at(key, number)
  local found = redis.pcall('ZRANGE', P .. key, score(number), '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1)
  local first, last = string.match(found[1] or '', '^(%d+)%-(%d+)$')
  return tonumber(first), tonumber(last)
end

-- The job with the highest number below `above`, of the owner as far as the index of owners knows.
local function next_job(above)
  if owner ~= '' then
    local first, last = range_at('user:' .. owner, above - 1)
    if not first then return nil end
    above = math.min(above, last + 1)
  end
  local found = redis.call('ZRANGE', P .. 'numbers', '(' .. score(above), '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1,
    'WITHSCORES')
  return found[1], tonumber(found[2])
end

local above, looked, names, seen = tonumber(ARGV[2]), 0, {}, {}
while above and looked < limit and #names < wanted do
  local id, number = next_job(above)
  above = number
  looked = looked + 1
  local batch, whose = unpack(id and redis.pcall('HMGET', P .. 'job:' .. id, 'b', 'o') or {})
  if batch and (owner == '' or whose == owner) then
    if not seen[batch] then names[#names + 1] = batch end
    seen[batch] = true
    -- All jobs of the range are of this batch.
    local first, last = range_at('batch:' .. batch, number)
    if first and last >= number then above = first end
  end
end
return {looked, above and score(above) or '', unpack(names)}
