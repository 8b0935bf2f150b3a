#!lua
-- Keeps what an attempt has reached.  ARGV: prefix, id, fence, worker, content.  Reply: 1, or 0 if the lease is
-- lost.

local job = owned(ARGV[2], ARGV[3], ARGV[4])
if not job then return 0 end
redis.call('SET', P .. 'checkpoint:' .. job.id, ARGV[5])
change(job, {ck = '1', re = false})
return 1
