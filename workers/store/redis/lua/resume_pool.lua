#!lua flags=allow-oom
-- Lets a pool request again.  ARGV: prefix, owner, name, digest.  Reply: 1; 0: there is no such pool.

local key = P .. 'pool:' .. member_of(ARGV[2], ARGV[3])
if not record_at(key).digest then return 0 end
resume(key, ARGV[2])
put(key, {digest = ARGV[4]})
return 1
