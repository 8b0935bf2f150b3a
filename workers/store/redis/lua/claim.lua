#!lua flags=allow-oom
-- Claims the best ready job for each claimant, also in a full server: what was accepted is to be drained.
-- ARGV: prefix, then claimants, as take.lua reads them.  Reply, of each: specification and job, or nothing.

local reply = {}
for i = 2, #ARGV, 4 do reply[#reply + 1] = take(claimant_from(i)) or {} end
return reply
