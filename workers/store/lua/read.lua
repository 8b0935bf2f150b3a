#!lua flags=no-writes
-- Reads jobs.  ARGV: prefix, ids.  Reply: id, fields, id, fields, ... of those that exist.

local reply = {}
for i = 2, #ARGV do
  local job, flat = fetch(ARGV[i])
  if job then
    reply[#reply + 1] = ARGV[i]
    reply[#reply + 1] = flat
  end
end
return reply
