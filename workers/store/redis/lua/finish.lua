#!lua flags=allow-oom
-- Records how an attempt ended, and claims the next job in the same step.
-- ARGV: prefix, id, fence, worker, state, reason, outcome, message, claimant as JSON (or empty), progress (see
-- shared.lua; all empty: as last reported), outcome compressed if it is long (or empty), then name, what is known, and
-- content (or empty) of each artifact.
-- Reply: 0 if the lease is lost; else 1, or 2 if more children need an update, and the reply of a claim if there
-- was one.

local id, fence, worker, state, reason = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local outcome, message, claimant, compressed = ARGV[7], ARGV[8], ARGV[9], ARGV[16]

-- The bytes that this attempt adds to the store.
local function size(text)
  local sum = #text
  for i = 19, #ARGV, 3 do sum = sum + #ARGV[i] end
  return sum
end

local function keep_artifacts()
  local key = own('artifacts', id, 'hash')
  for i = 17, #ARGV, 3 do
    redis.call('HSET', key, ARGV[i], ARGV[i + 1])
    if ARGV[i + 2] ~= '' then redis.call('SET', P .. 'artifact:' .. id .. ':' .. ARGV[i], ARGV[i + 2]) end
  end
end

local function keep_earlier(job)
  local key = earlier_key(id)
  redis.call('HSET', key, 'o' .. fence, compressed ~= '' and compressed or outcome)
  for i = 17, #ARGV, 3 do keep_artifact(key, fence, ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
  settle_earlier(job)
end

local function finish(job)
  if job.cr and state ~= 'done' then state, reason = 'cancelled', 'user' end
  if state == 'failed' and is_retried(job, reason) then
    keep_earlier(job)
    if job.tk then charge(job, size(compressed ~= '' and compressed or outcome)) end
    return retry(job, reason, message, {lw = 'f'})
  end
  redis.call('SET', P .. 'outcome:' .. id, outcome)
  keep_artifacts()
  local changes = table.concat(ARGV, '', 10, 15) ~= '' and progress_from(10) or {}
  changes.lw = 'f'
  local was_good = job.gd
  if state == 'done' then changes.gd = false end
  if job.tk then charge(job, size(outcome)) end
  move(job, state, reason ~= '' and reason or nil, changes)
  if was_good then settle_earlier(job) end
end

local job, other = owned(id, fence, worker)
if job then
  finish(job)
elseif not is_repeated(other, 'f', fence, worker) then
  return {0}
end

local has_told = spread(SETTLED_AT_ONCE)
local word = 1 + is_spreading()
local claimed = claimant ~= '' and take(cjson.decode(claimant))
if has_told and not claimed then ring() end
if not claimed then return {word} end
return {word, unpack(claimed)}
