#!lua flags=allow-oom
-- Pauses a pool; one that its user paused stays so.  ARGV: prefix, owner, name, cause, why.
-- Reply: 1; 0: there is no such pool.

local key = P .. 'pool:' .. member_of(ARGV[2], ARGV[3])
local pool = record_at(key)
if not pool.digest then return 0 end
if pool.paused ~= 'user' or ARGV[4] == 'user' then put(key, {paused = ARGV[4], why = ARGV[5]}) end
return 1
