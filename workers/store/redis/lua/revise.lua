#!lua
-- Changes what waiting jobs ask for.
-- ARGV: prefix, 1 if of any owner, owner, fields as JSON (false: removed), tags as JSON, ids.  Reply: as `each`.

local fields, tags = cjson.decode(ARGV[4]), cjson.decode(ARGV[5])

local function changes_of(job)
  local changes = {}
  for name, value in pairs(fields) do changes[name] = value end
  if next(tags) then
    local all = cjson.decode(job.t or '{}')
    for name, value in pairs(tags) do all[name] = value end
    changes.t = cjson.encode(all)
  end
  return changes
end

local function rank(job)
  local priority = tonumber(job.p or 0)
  if priority == 0 then
    redis.call('ZREM', P .. 'priority', job.id)
  else
    redis.call('ZADD', P .. 'priority', (100 + priority) * RANK + job.n, job.id)
  end
end

local entries = {}
local function revise(job)
  if FINAL[job.s] or job.s == 'running' then return false end
  if job.s == 'queued' then unready(job) end
  change(job, changes_of(job))
  if job.s == 'queued' then ready(job) end
  if fields.p ~= nil then rank(job) end
  if fields.nm ~= nil or next(tags) then entries[tonumber(job.n)] = entry(job.n, job.nm, job.t) end
  return true
end

local reply = each(6, revise)
reword(entries)
ring()
return reply
