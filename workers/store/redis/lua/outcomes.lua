#!lua flags=no-writes
-- Reads the shown outcomes of jobs.  ARGV: prefix, ids.  Reply: each as it is kept, or nil.

local reply = {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local found = redis.pcall('HMGET', P .. 'job:' .. id, 's', 'gd')
  local attempt = not found.err and shown_earlier(found[1], found[2])
  local outcome
  if attempt then
    outcome = redis.pcall('HMGET', P .. 'earlier:' .. id, 'o' .. attempt)[1]
  else
    outcome = redis.call('MGET', P .. 'outcome:' .. id)[1]
  end
  reply[i - 1] = outcome or false
end
return reply
