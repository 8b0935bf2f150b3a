#!lua flags=allow-oom
-- Mends the shared keys, and the index key that a step of a job or a tick has just failed on.
-- ARGV: prefix, that key (or empty).

local KINDS_BY_NAME = {
  ready = 'zset', shapes = 'set', batch = 'zset', user = 'zset', ids = 'zset', slots = 'hash', worker = 'hash'}

local name = string.match(string.sub(ARGV[2], #P + 1), '^(%a+):')
local kind = string.sub(ARGV[2], 1, #P) == P and KINDS_BY_NAME[name]
if kind and heal.evict(ARGV[2], kind) then heal.reindex() end
return 1
