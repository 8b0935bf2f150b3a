#!lua flags=no-writes
-- Reads one artifact.  ARGV: prefix, id, name.  Reply: what is known of it, content or nil; nil if unknown.

local id, name = ARGV[2], ARGV[3]
local known = redis.call('HGET', P .. 'artifacts:' .. id, name)
if not known then return nil end
return {known, redis.call('GET', P .. 'artifact:' .. id .. ':' .. name)}
