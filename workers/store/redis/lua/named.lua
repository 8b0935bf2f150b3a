-- Does one thing to each of the jobs that a client names.
-- ARGV: prefix, 1 if of any owner, owner, the operation's own words; from `first` on ids.
-- Reply, of each job that exists: id, state before, state after, 1 if changed, 1 if refused.

local function each(first, act)
  local anybody, owner = ARGV[2] == '1', ARGV[3]
  local reply = {}
  local function tell(id, before, after, changed, refused)
    for _, word in ipairs({id, before, after, changed and 1 or 0, refused and 1 or 0}) do
      reply[#reply + 1] = word
    end
  end
  for i = first, #ARGV do
    local job = fetch(ARGV[i])
    if job and is_damaged(job) then
      tell(job.id, 'failed', 'failed')
    elseif job and not anybody and job.o ~= owner then
      tell(job.id, job.s, job.s, false, true)
    elseif job then
      local before = job.s
      local changed = act(job)
      tell(job.id, before, job.s, changed)
    end
  end
  return reply
end
