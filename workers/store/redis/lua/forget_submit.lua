#!lua flags=allow-oom
-- Forgets a submit whose jobs were removed.  ARGV: prefix, owner, submission token.

local last, before = own('last', ARGV[2], 'list'), own('before', ARGV[2], 'list')
if redis.call('LINDEX', last, 0) == ARGV[3] then
  redis.call('DEL', last)
  if redis.call('EXISTS', before) == 1 then redis.call('RENAME', before, last) end
elseif redis.call('LINDEX', before, 0) == ARGV[3] then
  redis.call('DEL', before)
end
return 1
