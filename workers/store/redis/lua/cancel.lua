#!lua flags=allow-oom
-- Cancels jobs.  ARGV: prefix, 1 if of any owner, owner, ids.  Reply, of each job that exists: id, state before,
-- state after, 1 if refused.

local anybody, owner = ARGV[2] == '1', ARGV[3]

local function cancel(job)
  if is_damaged(job) then return 'failed', 'failed', 0 end
  local before = job.s
  if not anybody and job.o ~= owner then return before, before, 1 end
  if before == 'running' then
    change(job, {cr = 1, cb = ACTING or false})
  elseif not FINAL[before] then
    move(job, 'cancelled', 'user')
  end
  return before, job.s, 0
end

local reply = {}
for i = 4, #ARGV do
  local job = fetch(ARGV[i])
  if job then
    for _, word in ipairs({ARGV[i], cancel(job)}) do reply[#reply + 1] = word end
  end
end
spread(SETTLED_AT_ONCE)
ring()
return reply
