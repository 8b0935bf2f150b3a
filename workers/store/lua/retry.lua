#!lua
-- Runs ended jobs again, in a new round.  ARGV: prefix, 1 if anybody's, owner, ids.  Reply: as `each`.

-- Notes the newest attempt among the earlier ones, unless it is there: its job was cancelled between two tries.
local function note_last(job)
  local key = P .. 'attempts:' .. job.id
  local newest = redis.call('LINDEX', key, -1)
  local is_noted = newest and cjson.decode(newest).number == tonumber(job.at)
  if not job.at or is_noted then return end
  redis.call('RPUSH', key, cjson.encode({
    number = tonumber(job.at), round = tonumber(job.rd or 1), worker = job.w, started_ms = tonumber(job.st),
    ended_ms = tonumber(job.en), ended_as = job.r or job.s, message = ''}))
end

local function drop_outcome(id)
  local key = P .. 'artifacts:' .. id
  for _, name in ipairs(redis.call('HKEYS', key)) do redis.call('DEL', P .. 'artifact:' .. id .. ':' .. name) end
  redis.call('DEL', key, P .. 'outcome:' .. id)
end

local reply = each(4, function(job)
  if not FINAL[job.s] or job.um or job.r == 'damaged' or job.r == 'moved' then return false end
  note_last(job)
  drop_outcome(job.id)
  move(job, next_state(job), nil, {
    rd = (job.rd or 1) + 1, rn = false, lo = false, re = false, cr = false, en = false, l = false,
    pf = false, pp = false, ps = false, pe = false, pd = false, pg = false})
  return true
end)
spread(SETTLED_AT_ONCE)
ring()
return reply
