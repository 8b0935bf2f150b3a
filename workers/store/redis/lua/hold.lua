#!lua flags=allow-oom
-- Keeps waiting jobs from starting.  ARGV: prefix, 1 if of any owner, owner, ids.  Reply: as `each`.

return each(4, function(job)
  if FINAL[job.s] or job.s == 'running' or job.s == 'held' then return false end
  move(job, 'held', job.r)
  return true
end)
