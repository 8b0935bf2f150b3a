#!lua flags=no-writes
-- Reads jobs.  ARGV: prefix, ids.  Reply: those that exist.

local reply = {}
for i = 2, #ARGV do
  local job = is_numbered(ARGV[i]) and fetch(ARGV[i])
  if job then reply[#reply + 1] = cjson.encode(job) end
end
return reply
