#!lua flags=allow-oom
-- Ends the lease of an owner's autoscaler.  ARGV: prefix, owner, holder, fence.  Reply: 1.

local key = P .. 'autoscaler:' .. ARGV[2]
local lease = record_at(key)
if lease.holder == ARGV[3] and lease.fence == ARGV[4] then put(key, {holder = false, until_ms = false}) end
return 1
