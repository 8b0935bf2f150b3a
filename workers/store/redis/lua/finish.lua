#!lua flags=allow-oom
-- Records how attempts ended, and claims the next job in the place of each, one after the other.
-- ARGV: prefix; id, fence and worker of the attempt that runs now (or empty); then of each ending: how many words
-- follow; id, fence, worker, state, reason, outcome, message, outcome compressed if it is long (or empty), how long it
-- ran in ms (empty: since its claim), progress (see shared.lua; all empty: as last reported), a claimant as take.lua
-- reads it, then name, what is known, and content (or empty) of each artifact.
-- Reply, of each ending: 0 if the lease is lost; else 1, or 2 if more children need an update, and the reply of a
-- claim if there was one.

local FIRST, RAN, PROGRESS, CLAIMANT, ARTIFACTS = 5, 9, 10, 16, 20

-- Reads the ending whose words follow argument `at`.
local function ending_from(at)
  local last = at + ARGV[at]
  local id, fence, worker, state, reason, outcome, message, compressed = unpack(ARGV, at + 1, at + 8)
  return {
    at = at, last = last, id = id, fence = fence, worker = worker, state = state, reason = reason, outcome = outcome,
    message = message, compressed = compressed ~= '' and compressed or outcome}
end

-- The bytes that an attempt adds to the store.
local function size(ending, text)
  local sum = #text
  for i = ending.at + ARTIFACTS + 2, ending.last, 3 do sum = sum + #ARGV[i] end
  return sum
end

local function keep_artifacts(ending)
  if ending.last < ending.at + ARTIFACTS then return end
  local key = own('artifacts', ending.id, 'hash')
  for i = ending.at + ARTIFACTS, ending.last, 3 do
    redis.call('HSET', key, ARGV[i], ARGV[i + 1])
    if ARGV[i + 2] ~= '' then redis.call('SET', P .. 'artifact:' .. ending.id .. ':' .. ARGV[i], ARGV[i + 2]) end
  end
end

local function keep_earlier(job, ending)
  local key = earlier_key(job.id)
  redis.call('HSET', key, 'o' .. ending.fence, ending.compressed)
  for i = ending.at + ARTIFACTS, ending.last, 3 do
    keep_artifact(key, ending.fence, ARGV[i], ARGV[i + 1], ARGV[i + 2])
  end
  settle_earlier(job)
end

local function finish(job, ending)
  local state, reason, outcome = ending.state, ending.reason, ending.outcome
  local ran_ms = tonumber(ARGV[ending.at + RAN])
  if ran_ms then job.st = math.max(integer(job.st), now - ran_ms) end
  if job.cr and state ~= 'done' then state, reason = 'cancelled', 'user' end
  if state == 'failed' and is_retried(job, reason) then
    keep_earlier(job, ending)
    if job.tk then charge(job, size(ending, ending.compressed)) end
    return retry(job, reason, ending.message, {lw = 'f'})
  end
  redis.call('SET', P .. 'outcome:' .. job.id, outcome)
  keep_artifacts(ending)
  local first = ending.at + PROGRESS
  local changes = table.concat(ARGV, '', first, first + 5) ~= '' and progress_from(first) or {}
  changes.lw, changes.st = 'f', job.st
  local was_good = job.gd
  if state == 'done' then changes.gd = false end
  if job.tk then charge(job, size(ending, outcome)) end
  move(job, state, reason ~= '' and reason or nil, changes)
  if was_good then settle_earlier(job) end
end

local function record(ending)
  local who = claimant_from(ending.at + CLAIMANT)
  local job, other = owned(ending.id, ending.fence, ending.worker)
  if job then
    finish(job, ending)
  elseif not is_repeated(other, 'f', ending.fence, ending.worker) then
    return {0}
  end
  local has_told = is_spreading() == 1 and spread(SETTLED_AT_ONCE)
  local word = has_told and 1 + is_spreading() or 1
  local claimed = who and take(who)
  if has_told and not claimed then ring() end
  if not claimed then return {word} end
  return {word, unpack(claimed)}
end

if ARGV[2] ~= '' then begin(2) end
local reply, at = {}, FIRST
while at <= #ARGV do
  local ending = ending_from(at)
  reply[#reply + 1] = record(ending)
  at = ending.last + 1
end
return reply
