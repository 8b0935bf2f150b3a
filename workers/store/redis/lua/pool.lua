-- Functions that the operations on pools share.

local MAX_RECORD_BYTES = 100000 -- more is none of nox's records

-- Reads a hash; empty if there is none, or what is there cannot be a record.
local function record_at(key)
  local flat = redis.pcall('HGETALL', key)
  local found, size = {}, 0
  if flat.err then return found end
  for i = 1, #flat, 2 do
    size = size + #flat[i] + #flat[i + 1]
    found[flat[i]] = flat[i + 1]
  end
  return size <= MAX_RECORD_BYTES and found or {}
end

-- Changes fields of a record: `changes` is name -> text; false removes a field.
local function put(key, changes)
  for field, value in pairs(changes) do
    if value then redis.call('HSET', key, field, value) else redis.call('HDEL', key, field) end
  end
end

local function member_of(owner, name)
  return owner .. SEPARATOR .. name
end

-- The pools of an owner; an empty one: of all.
local function members(owner)
  local from, to = '-', '+'
  if owner ~= '' then from, to = '[' .. owner .. SEPARATOR, '(' .. owner .. ' ' end -- a blank follows character 31
  return redis.call('ZRANGE', P .. 'pools', from, to, 'BYLEX')
end

-- Puts an allocation into the index of its state.
local function place(token, member, record)
  if record.state == 'ended' then
    redis.call('ZREM', P .. 'allocations:' .. member, token)
    redis.call('ZADD', P .. 'past:' .. member, now, token)
  else
    redis.call('ZREM', P .. 'past:' .. member, token)
    redis.call('ZADD', P .. 'allocations:' .. member, integer(record.intended_ms), token)
    redis.call('PERSIST', P .. 'allocation:' .. token)
  end
end

-- Moves away what another program stored in place of the indexes of a pool; whether there was any.
local function evict_indexes(member)
  local is_live_gone = heal.evict(P .. 'allocations:' .. member, 'zset')
  return heal.evict(P .. 'past:' .. member, 'zset') or is_live_gone
end

-- Makes the indexes of all pools again from the records: one look at the names of all keys.
local function reindex_pools()
  local function put_back(key)
    local kind, name = string.match(string.sub(key, #P + 1), '^(%l+):(.*)$')
    local record = (kind == 'pool' or kind == 'allocation') and record_at(key) or {}
    if kind == 'pool' and record.digest then redis.call('ZADD', P .. 'pools', 0, name) end
    if kind ~= 'allocation' or not (record.owner and record.pool) then return end
    local member = member_of(record.owner, record.pool)
    evict_indexes(member)
    place(name, member, record)
  end
  local cursor = '0'
  repeat
    local page = redis.call('SCAN', cursor, 'MATCH', P .. '[pa][ol][ol]*', 'COUNT', 10000) -- pool:, allocation:
    cursor = page[1]
    for _, key in ipairs(page[2]) do put_back(key) end
  until cursor == '0'
end

-- Makes the indexes again if another program stored something else under the key of one: of an owner, or of all.
local function mend_pools(owner)
  if heal.evict(P .. 'pools', 'zset') then return reindex_pools() end
  for _, member in ipairs(members(owner)) do
    if evict_indexes(member) then return reindex_pools() end
  end
end

-- The fence of the newest lease of an owner's autoscaler.
local function fence_of(owner)
  return record_at(P .. 'autoscaler:' .. owner).fence or '0'
end

-- Changes fields of an allocation, and reports a new state.
local function change_allocation(token, record, changes)
  local before, owner, pool = record.state, record.owner, record.pool
  put(P .. 'allocation:' .. token, changes)
  for field, value in pairs(changes) do record[field] = value or nil end
  if record.state == before then return end
  place(token, member_of(owner, pool), record)
  local reason = record.state == 'ended' and record.ended_as or record.reason
  append({'l', token, 'p', pool, 'o', owner, 's', record.state, 'm', record.number or '', 'r', reason or ''})
end

-- Lets a pool request again.
local function resume(key, owner)
  put(key, {
    paused = false, why = false, strikes = false, refusals = false, refusal = false, next_ms = false,
    resumed = fence_of(owner)})
end
