#!lua flags=no-writes
-- Reads the change stream.  ARGV: prefix, cursor (empty: from now on), limit.
-- Reply: 1 if older events than asked for are gone, the newest event's id, events.

local key, cursor, limit = P .. 'events', ARGV[2], ARGV[3]
if redis.call('EXISTS', key) == 0 then return {0, '0-0', {}} end

local stream, flat = {}, redis.call('XINFO', 'STREAM', key)
for i = 1, #flat, 2 do stream[flat[i]] = flat[i + 1] end
local newest = stream['last-generated-id']
if cursor == '' then return {0, newest, {}} end

local function is_before(a, b)
  local a_ms, a_seq = string.match(a, '^(%d+)-?(%d*)$')
  local b_ms, b_seq = string.match(b, '^(%d+)-?(%d*)$')
  a_ms, b_ms = tonumber(a_ms), tonumber(b_ms)
  if a_ms ~= b_ms then return a_ms < b_ms end
  return (tonumber(a_seq) or 0) < (tonumber(b_seq) or 0)
end

-- "0" asks for what there is; any other cursor for all that came after it.
local is_cut = cursor ~= '0' and stream['entries-added'] > stream.length
if is_cut then
  local oldest = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
  is_cut = is_before(cursor, oldest and oldest[1] or newest)
end
return {is_cut and 1 or 0, newest, redis.call('XRANGE', key, '(' .. cursor, '+', 'COUNT', limit)}
