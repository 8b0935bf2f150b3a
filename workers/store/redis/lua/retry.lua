#!lua
-- Runs failed and cancelled jobs again, in a new round.
-- ARGV: prefix, 1 if of any owner, owner, 1 if completed ones too, ids.  Reply: as `each`.

local takes_done = ARGV[4] == '1'

-- Notes the newest attempt among the earlier ones, unless it is there: its job was cancelled between two tries.
local function note_last(job)
  local newest = redis.call('LINDEX', own('attempts', job.id, 'list'), -1)
  local is_noted = newest and cjson.decode(newest).number == tonumber(job.at)
  if not job.st or is_noted then return end
  note_attempt(job, job.en, job.r or job.s, '')
end

local reply = each(5, function(job)
  if not FINAL[job.s] or job.um or job.r == 'damaged' or job.r == 'moved' then return false end
  if job.s == 'done' and not takes_done then return false end
  local was_done = job.s == 'done'
  note_last(job)
  local is_kept = set_aside(job)
  move(job, next_state(job), nil, {
    rd = (job.rd or 1) + 1, rn = false, lo = false, re = false, cr = false, cb = false, en = false, l = false, st = false,
    gd = was_done and is_kept and job.at or job.gd or false,
    pf = false, pp = false, ps = false, pe = false, pd = false, pg = false})
  settle_earlier(job, job.at)
  return true
end)
spread(SETTLED_AT_ONCE)
ring()
return reply
