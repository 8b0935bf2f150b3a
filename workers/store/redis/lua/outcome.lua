#!lua flags=no-writes
-- Reads the outcome of one attempt.  ARGV: prefix, id, attempt.  Reply: it as it is kept, or nil.

local id, attempt = ARGV[2], ARGV[3]
if is_last(id, attempt, redis.call('HGET', P .. 'job:' .. id, 'at')) then
  return redis.call('GET', P .. 'outcome:' .. id)
end
return redis.call('HGET', P .. 'earlier:' .. id, 'o' .. attempt)
