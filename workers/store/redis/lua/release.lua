#!lua flags=allow-oom
-- Lets held jobs wait again.  ARGV: prefix, 1 if of any owner, owner, ids.  Reply: as `each`.

local reply = each(4, function(job)
  if job.s ~= 'held' then return false end
  move(job, next_state(job), job.r)
  return true
end)
ring()
return reply
