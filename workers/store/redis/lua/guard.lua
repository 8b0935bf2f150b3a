-- Refuses a nox that is older than min_writer of `meta`, and raises min_writer where it is lower than MIN_WRITER.
-- See `workers.store.versions`.

-- A version as one number; nil if it is none.  What follows its first three numbers does not count.
local function rank(version)
  local major, minor, patch = string.match(version or '', '^(%d%d?%d?%d?)%.(%d%d?%d?%d?)%.(%d%d?%d?%d?)')
  return major and (major * 10000 + minor) * 10000 + patch
end

-- The living workers of versions before MIN_WRITER, with their versions.
local function older_workers()
  local found = {}
  for _, id in ipairs(redis.call('ZRANGE', P .. 'workers', now - LEASE_MS, '+inf', 'BYSCORE', 'LIMIT', 0, 1000)) do
    local raw = redis.pcall('HGET', P .. 'worker:' .. id, 'beat')
    local is_read, beat = pcall(cjson.decode, raw)
    local version = is_read and type(beat) == 'table' and type(beat.nox_version) == 'string' and beat.nox_version
    if version and (rank(version) or math.huge) < rank(MIN_WRITER) then
      found[#found + 1] = id .. ' (' .. version .. ')'
    end
  end
  return found
end

-- An error to reply with; nil if this nox may write.
local function refusal()
  local least = redis.call('HGET', P .. 'meta', 'min_writer')
  if least == MIN_WRITER then return nil end
  local found = rank(least or '')
  if found and found > rank(NOX_VERSION) then return {err = 'OUTDATED ' .. least} end
  if found and found >= rank(MIN_WRITER) then return nil end
  local older = older_workers()
  if #older > 0 then return {err = 'INUSE ' .. table.concat(older, ', ')} end
  redis.call('HSET', P .. 'meta', 'min_writer', MIN_WRITER)
end

do
  local refused = refusal()
  if refused then return refused end
end
