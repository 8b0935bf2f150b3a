#!lua flags=no-writes
-- Reads what waits of an owner, what runs, and who works.  ARGV: prefix, owner.
-- Reply: now; as JSON, of each shape: it, how many jobs, kind and atoms of some; likewise of each running job: fields;
-- beat and allocation of each worker; how many jobs run.

local SAMPLES, SAMPLES_OF_ONE, MOST_RUNNING, MOST_WORKERS = 2000, 100, 4000, 1000
local begin = ARGV[2] .. SEPARATOR

local shapes, counts = {}, {}
for _, shape in ipairs(redis.call('SMEMBERS', P .. 'shapes:')) do
  if string.sub(shape, 1, #begin) == begin then
    local many = redis.pcall('ZCARD', P .. 'ready:' .. shape)
    if type(many) == 'number' and many > 0 then
      shapes[#shapes + 1] = shape
      counts[#counts + 1] = many
    end
  end
end

-- Takes samples that are spread evenly over the order in which the jobs of a shape start.
local share = math.min(SAMPLES_OF_ONE, math.floor(SAMPLES / math.max(1, #shapes)))
local function sampled(shape, many, left)
  local found = {shape, many}
  local wanted = math.min(many, math.max(share, math.min(1, left)))
  for i = 1, wanted do
    local rank = math.floor((i - 0.5) * many / wanted)
    local id = redis.call('ZRANGE', P .. 'ready:' .. shape, rank, rank)[1]
    local known = id and redis.pcall('HMGET', P .. 'job:' .. id, 'k', 'a') or {}
    if known[1] then
      found[#found + 1] = known[1]
      found[#found + 1] = known[2] or '0'
    end
  end
  return found, left - wanted
end

local ready, left = {}, SAMPLES
for i, shape in ipairs(shapes) do
  ready[i], left = sampled(shape, counts[i], left)
end

local running = {}
for _, id in ipairs(redis.call('ZRANGE', P .. 'leases', 0, MOST_RUNNING - 1)) do
  local known = redis.pcall('HMGET', P .. 'job:' .. id, 'w', 'co', 'm', 'k', 'a', 'e', 'st', 'lw')
  if known[1] then
    for i = 1, 8 do known[i] = known[i] or '' end
    running[#running + 1] = known
  end
end

local beats = {}
local living = redis.call('ZRANGE', P .. 'workers', now - LEASE_MS, '+inf', 'BYSCORE', 'LIMIT', 0, MOST_WORKERS)
for _, worker in ipairs(living) do
  local kept = redis.pcall('HMGET', P .. 'worker:' .. worker, 'beat', 'allocation')
  if kept[1] then
    beats[#beats + 1] = kept[1]
    beats[#beats + 1] = kept[2] or ''
  end
end
local function packed(list) return #list > 0 and cjson.encode(list) or '[]' end
return {now, packed(ready), packed(running), beats, redis.call('ZCARD', P .. 'leases')}
