#!lua flags=allow-oom
-- Keeps how far an attempt has come, and the points of its optimisation.
-- ARGV: prefix, id, fence, worker, progress (see shared.lua), then points as points:<id> has them, oldest first.
-- Reply: 1, or 0 if the lease is lost.

local FIRST = 11
local job = owned(ARGV[2], ARGV[3], ARGV[4])
if not job then return 0 end
change(job, progress_from(5))
if not ARGV[FIRST] then return 1 end

local key = own('points', job.id, 'list')
local fence, step = struct.unpack('<I4i8', ARGV[FIRST])

-- Whether a stored point is of this attempt, and of an earlier step than the first of these.
local function stays(point)
  if #point ~= #ARGV[FIRST] then return false end
  local by, at = struct.unpack('<I4i8', point)
  return by == fence and at < step
end

local last = redis.call('LINDEX', key, -1)
while last and not stays(last) do
  redis.call('RPOP', key)
  last = redis.call('LINDEX', key, -1)
end
redis.call('RPUSH', key, unpack(ARGV, FIRST))
redis.call('LTRIM', key, -POINTS_KEPT, -1)
redis.call('PEXPIRE', key, DAY_MS)
return 1
