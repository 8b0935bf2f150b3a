#!lua flags=allow-oom
-- Forgets a worker and opens its lane, within bounds.  ARGV: prefix, worker.  Reply: 1 if more is to be opened.

local worker = ARGV[2]
redis.call('DEL', P .. 'worker:' .. worker, P .. 'slots:' .. worker)
redis.call('ZREM', P .. 'workers', worker)
open_lane(worker, 500)
ring()
return redis.call('EXISTS', P .. 'shapes:' .. worker)
