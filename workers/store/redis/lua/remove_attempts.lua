#!lua flags=allow-oom
-- Forgets what is kept of earlier attempts, but for the one whose outcome is shown.
-- ARGV: prefix, 1 if of any owner, owner, ids.
-- Reply, of each job that exists: id, word (removed, refused), what is known of the artifacts that are gone, the
-- number after the last earlier attempt, the attempt whose outcome is shown or nil.

local anybody, owner = ARGV[2] == '1', ARGV[3]
local reply = {}
for i = 4, #ARGV do
  local job = fetch(ARGV[i])
  local words
  if job and not anybody and job.o and job.o ~= owner then
    words = {ARGV[i], 'refused', {}, 0, false}
  elseif job and is_damaged(job) then
    words = {ARGV[i], 'removed', {}, 0, false}
  elseif job then
    local shown = shown_earlier(job.s, job.gd)
    local known = forget_earlier(job, shown)
    local newest = tonumber(job.at or 0) + (job.st and 0 or 1)
    words = {ARGV[i], 'removed', known, newest, shown and tonumber(shown) or false}
  end
  for place = 1, words and 5 or 0 do reply[#reply + 1] = words[place] end
end
return reply
