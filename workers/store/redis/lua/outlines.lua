#!lua flags=no-writes
-- Reads outlines of jobs.  ARGV: prefix, ids.  Reply: the outlines of those that exist.

local reply = {}
for i = 2, #ARGV do
  local job = is_numbered(ARGV[i]) and fetch(ARGV[i])
  if job then reply[#reply + 1] = outline(job) end
end
return reply
