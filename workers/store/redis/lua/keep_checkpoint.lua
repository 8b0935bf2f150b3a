#!lua
-- Keeps what an attempt has reached, unless what is kept has more progress.
-- ARGV: prefix, id, fence, worker, content, progress.  Reply: 1, or 0 if the lease is lost.

local job = owned(ARGV[2], ARGV[3], ARGV[4])
if not job then return 0 end
local key = P .. 'checkpoint:' .. job.id
local reached = redis.call('EXISTS', key) == 1 and tonumber(job.ck or nil) or 0
local progress = tonumber(ARGV[6])
if progress < reached then return 1 end
redis.call('SET', key, ARGV[5])
local changes = {ck = ARGV[6]}
if progress > reached then changes.re = false end
change(job, changes)
return 1
