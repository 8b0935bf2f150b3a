#!lua flags=allow-oom
-- Returns a running job to the queue.  ARGV: prefix, id, fence, worker, message, 1 if it had time to get further,
-- 1 if its engine had started.
-- Reply: 1, or 0 if the lease is lost.

local id, fence, worker, message = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local job, other = owned(id, fence, worker)
if not job then return is_repeated(other, 'g', fence, worker) and 1 or 0 end

local releases = (job.re or 0) + tonumber(ARGV[6])
local changes = {lw = 'g', re = releases}
if job.cr then
  move(job, 'cancelled', 'user', {lw = changes.lw})
elseif releases >= MAX_RELEASES then
  move(job, 'failed', 'timeout', changes)
else
  requeue(job, 'given_back', message, nil, changes, ARGV[7] == '1')
  ring()
end
if spread(SETTLED_AT_ONCE) then ring() end
return 1
