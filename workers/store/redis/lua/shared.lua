-- Functions that all operations share; the loader puts them between an operation's first line and its body.
-- The loader puts a line before it that sets LEASE_MS, MAX_LOSSES and the other limits of `workers.job`.
--
-- ARGV[1] is the prefix of every key ("nox:"); where a token acts, the character 31 and its name follow.  Keys are computed here and not handed over in KEYS: one
-- server, no Redis Cluster.  Times are whole milliseconds since 1970 by the server's clock.
--
--   key                kind    holds
--   meta               hash    schema; min_writer: the oldest nox that may write; name: what no other store has; number, ended, claims: the last one given out; clock: the newest
--                              `created`; pulse: any worker's last tick; grace: no worker is declared lost before;
--                              housekeeper: when the worker that does what is due ticks next, and its id; words, gap: see words.lua
--   job:<id>           hash    the short fields below; values of 64 bytes or less keep it a listpack (a longer
--                              name or batch, or longer tags, cost that job a table: twice the memory)
--   spec:<id>          string  the specification, JSON
--   outcome:<id>       string  the outcome of the attempt that ended the job, JSON; only while the job is ended
--   attempts:<id>      list    earlier attempts, JSON, oldest first, LISTED_ATTEMPTS at most
--   earlier:<id>       hash    of the newest KEPT_ATTEMPTS earlier attempts, and of attempt gd: o<n> the outcome, JSON
--                              or that compressed with zlib; k<n> <name> what is known of an artifact; c<n> <name> its
--                              content, unless it was dropped; z<n> the bytes of all these, KEPT_BYTES at most, once
--                              they are counted in `kept`: at the latest when the next attempt has ended
--   kept               hash    jobs, attempts, bytes: sums over z<n> of all earlier:<id>
--   checkpoint:<id>    string  the newest checkpoint, compressed; while it may be
--                              of use: from an attempt that was lost or released to the end of the next
--   points:<id>        list    the newest POINTS_KEPT points of the optimisation that runs, oldest first: the attempt,
--                              4 bytes, and the record of `workers.store.points`.  Readers look at those of attempt
--                              at only, and a day after the last one it expires: an older nox that ends or begins an
--                              attempt leaves it
--   artifacts:<id>     hash    name -> what is known of it, JSON; of the attempt that outcome:<id> is of
--   artifact:<id>:<n>  string  the compressed content of a small artifact of that attempt
--   numbers            zset    every job by number; as `created` never falls, also by its time
--   ids:<4 digits>     zset    the jobs whose ids start so, all scores 0; few enough to stay a listpack
--   state:<s>          zset    the jobs in state s by number
--   ended              zset    the jobs in a final state, in the order in which they ended
--   priority           zset    the jobs whose priority is not 0, by (100 + priority) * 2^44 + number
--   user:<o>, batch:<b>  zset  the numbers given to an owner's, a batch's jobs: ranges "first-last" by first
--   words:<b>          string  of each job with number / 256 = b that has a name or tags: newline, name, carriage
--                              return, tags, tab, number
--   count, count:batch:<b>  hash  "state owner" -> how many, of all jobs and of a batch's
--   ready:<shape>      zset    the queued jobs of one shape by (100 - priority) * 2^44 + number.  A shape is
--                              owner, lane, cores, memory, time limit, engine key, between them the character 31
--   shapes:<lane>      set     the shapes that have a ready job; the open lane's name is empty
--   lanes              zset    lanes with a shape, by when their worker was last known to live
--   served             hash    owner -> the place, among all claims, of the last job claimed of theirs
--   leases             zset    running jobs by the end of their lease
--   scheduled          zset    scheduled jobs by when they fall due
--   parents:<id>       hash    parent -> its condition and what came of it: d. (done, has yet to end), f+ (failed,
--                              and did), e+ (ended), r- (done with its result, and it ended otherwise)
--   children:<id>      list    the jobs that have it for a parent
--   unique:<key>       string  the newest job under this key
--   releasing          list    "index id": the children of this job, from that one on, need an update
--   limit:<b>          hash    owner -> how many of their jobs in the batch may fail before those that wait are
--                              cancelled
--   stopping           list    "number owner<31>batch": of this batch, the owner's jobs after that number are to
--                              be cancelled, or brought back
--   slots:<worker>     hash    slot -> "sequence fence id" of its last claim
--   last:<o>           list    the owner's newest submission token, then its jobs' ranges "first-last"
--   before:<o>         list    the same of the submit before that one
--   worker:<id>        hash    beat (JSON), first: when it was first seen, allocation: the token of the allocation of a
--                              pool that it runs in
--   workers            zset    workers by when they were last seen
--   events             stream  i id, n number, s state, a attempt, r reason, b batch; y the token that caused it, if one did
--   bell               list    one element while workers ought to look for jobs
--                              or, of an allocation of a pool, l token, p pool, o owner, s state, m number, r reason
--   pools              zset    the pools, as owner, the character 31, name; all scores 0
--   pool:<o>\31<n>     hash    the fields of `workers.store.pools.Pool`; resumed: the fence of the autoscaler's lease
--                              when it was last resumed
--   allocations:<o>\31<n>  zset  the allocations of a pool that have not ended, by when they were intended
--   past:<o>\31<n>     zset    those that have, by when that was recorded
--   allocation:<token>  hash   the fields of `workers.store.pools.Allocation`; joined: the fence of the autoscaler's
--                              lease when its worker joined.  It expires a while after its end
--   autoscaler:<o>     hash    holder, fence and until (the end) of the newest lease of an owner's autoscaler
--   tokens             hash    the SHA-256 of a token -> its record, JSON (`workers.store.tokens`)
--   tokens:used        hash    the SHA-256 of a token -> when it was used last
--   tokens:bytes       hash    the name of a token -> the bytes that are stored of its jobs: the sum of their tb
--   token:<name>       zset    the jobs that a token submitted, by number, until they are known to have ended
--   displaced:<key>    any     the value that another program had stored under that key of nox
--
--   job fields (those of the attributes of a job are listed in `workers.job.FIELDS`):
--   n number  s state  o owner  k kind  c created  nm name  b batch  f formula  a atoms  e engine
--   p priority  co cores  m memory  tl time limit  l lane  t tags (JSON)  d fingerprint of the digest
--   u unique key  rt retries  ro reasons to retry, between commas  rn retries begun  du due
--   po when it was first passed over, while queued
--   pn how many parents  wt how many of them have yet to end  um how many ended in a way that keeps it back
--   r reason  at attempt (the fence)  rd round  lo losses  re releases  cr cancel requested  w worker
--   ck if there is a checkpoint, its progress: gradients computed on the way there (1 where an older nox kept it)
--   st started; absent once the newest attempt is in attempts:<id>  en ended
--   lw the last word on the newest attempt: a (it was claimed ahead and has not begun), f (finished), g (was released)
--   gd the attempt that completed before a retry, until a newer one has: unless the job is done, its outcome is the
--   one shown.  Programs that do not know gd leave it and earlier:<id> as they are.
--   tk the token that submitted it  tb the bytes that count for that token  cb the token that cancelled it as it ran
--   pf pp ps pe pd pg progress: fraction, phase, step, energy, energy change, gradient norm
--   n s o k c are always there; others that are absent have no value.
--
-- Invariants: a job is in `numbers`, in one ids:<...> and in the one state index of its state; it is
-- in exactly one ready:<shape> while queued, in `scheduled` while scheduled, in `leases` while running, in
-- `ended` while final, and in none of them else; the counts are the sizes of these sets; each change of a state goes through `move` or `bury`
-- (or submit's bulk form of the same) and appends one event.

local MAX_EVENTS = 100000
local RANK = 2 ^ 44
local SEPARATOR = '\31'
local WAITING = {'held', 'scheduled', 'blocked', 'queued'}
local FINAL = {done = 1, failed = 1, cancelled = 1}
local STATES = {
  held = 1, scheduled = 1, blocked = 1, queued = 1, running = 1, done = 1, failed = 1, cancelled = 1}
local WHOLE = {'n', 'c', 'a', 'co', 'm', 'tl', 'at', 'rd', 'lo', 're', 'st', 'en', 'rt', 'rn', 'du', 'po', 'pn', 'wt', 'um',
  'gd'}

-- Repairs of keys that another program changed; mend.lua fills it.
local heal = {}

-- Reads a whole number that another program may have changed; `otherwise`, or 0, if it is none.
local function integer(value, otherwise, pattern)
  if type(value) == 'number' then return value end
  local is_one = type(value) == 'string' and #value < 17 and string.find(value, pattern or '^%d+$')
  return is_one and tonumber(value) or otherwise or 0
end

-- Reads a job: its fields by name, and its id.  Nil if there is none.  It goes out as JSON of just this.
local function fetch(id)
  local flat = redis.pcall('HGETALL', P .. 'job:' .. id)
  if flat.err then return {id = id, foreign = '1'} end
  if #flat == 0 then return nil end
  local job = {}
  for i = 1, #flat, 2 do job[flat[i]] = flat[i + 1] end
  job.id = id
  return job
end

-- Whether an id was given a number.  Of a submit that was cut off in the middle a server may do half at its second
-- start (see `add_up` in tick.lua): a job without one never came to be.
local function is_numbered(id)
  return redis.call('ZSCORE', P .. 'numbers', id) ~= false
end

local function is_damaged(job)
  if not (job.n and job.o and job.k and job.c and STATES[job.s]) then return true end
  for _, field in ipairs(WHOLE) do
    if job[field] and not string.find(job[field], '^%d+$') then return true end
  end
  if job.p and not string.find(job.p, '^-?%d+$') then return true end
  return job.t ~= nil and not (string.find(job.t, '^{') and pcall(cjson.decode, job.t))
end

local function count(job, state, by)
  local field = state .. ' ' .. (job.o or '')
  local sum = redis.pcall('HINCRBY', P .. 'count', field, by)
  if type(sum) ~= 'number' or sum < 0 then return heal.recount(P .. 'count') end
  if not job.b then return end
  sum = redis.pcall('HINCRBY', P .. 'count:batch:' .. job.b, field, by)
  if type(sum) ~= 'number' or sum < 0 then heal.recount(P .. 'count:batch:' .. job.b) end
end

local function append(fields)
  for _ = 1, 2 do
    local added = redis.pcall('XADD', P .. 'events', 'MAXLEN', '~', MAX_EVENTS, '*', unpack(fields))
    if type(added) == 'string' then return end
    redis.call('DEL', P .. 'events') -- it takes no more: its last id was set too high
  end
end

local function event(id, number, state, attempt, reason, batch, token)
  local fields = {'i', id, 'n', number, 's', state, 'a', attempt, 'r', reason or '', 'b', batch or ''}
  if token then
    fields[13] = 'y'
    fields[14] = token
  end
  append(fields)
end

local function shape_of(job)
  return table.concat({job.o, job.l or '', job.co or '1', job.m or '0', job.tl or '0', job.e or ''}, SEPARATOR)
end

-- A key of an index; if it holds something of another kind, the index is made again.
local function index(name, kind)
  if heal.evict(P .. name, kind) then heal.reindex() end
  return P .. name
end

local function open_shape(shape, lane)
  redis.call('SADD', P .. 'shapes:' .. lane, shape)
  if lane ~= '' then redis.call('ZADD', P .. 'lanes', now, lane) end
end

-- Forgets a shape without ready jobs, and a lane without shapes.
local function close_shape(shape, lane)
  if redis.call('EXISTS', P .. 'ready:' .. shape) == 1 then return end
  redis.call('SREM', P .. 'shapes:' .. lane, shape)
  if lane ~= '' and redis.call('EXISTS', P .. 'shapes:' .. lane) == 0 then
    redis.call('ZREM', P .. 'lanes', lane)
  end
end

-- What take.lua has found at the head of shapes in this step; what changes a shape removes it.
local heads = {}

local function ready(job)
  local shape = shape_of(job)
  heads[shape] = nil
  redis.call('ZADD', P .. 'ready:' .. shape, (100 - (job.p or 0)) * RANK + job.n, job.id)
  open_shape(shape, job.l or '')
end

local function unready(job)
  local shape = shape_of(job)
  heads[shape] = nil
  redis.call('ZREM', P .. 'ready:' .. shape, job.id)
  close_shape(shape, job.l or '')
end

local function leave_state(job)
  if job.s == 'queued' then unready(job) end
  if job.s == 'running' then
    redis.call('ZREM', P .. 'leases', job.id)
    redis.call('DEL', P .. 'points:' .. job.id)
  end
  if job.s == 'scheduled' then redis.call('ZREM', P .. 'scheduled', job.id) end
  if FINAL[job.s] then
    redis.call('ZREM', P .. 'ended', job.id)
    if job.tk then redis.pcall('ZADD', P .. 'token:' .. job.tk, job.n, job.id) end
  end
  if redis.call('ZREM', P .. 'state:' .. job.s, job.id) == 1 then count(job, job.s, -1) end
end

local function enter_state(job)
  if job.s == 'queued' then ready(job) end
  if job.s == 'running' then redis.call('ZADD', P .. 'leases', now + LEASE_MS, job.id) end
  if job.s == 'scheduled' then redis.call('ZADD', P .. 'scheduled', job.du, job.id) end
  if FINAL[job.s] then
    redis.call('ZADD', P .. 'ended', heal.next('ended', 1), job.id)
  end
  if redis.call('ZADD', P .. 'state:' .. job.s, job.n, job.id) == 1 then count(job, job.s, 1) end
  event(job.id, job.n, job.s, job.at or 0, job.r, job.b, ACTING or job.s == 'cancelled' and job.cr and job.cb)
end

-- Changes fields: `changes` is name -> value; false removes a field.
local function change(job, changes)
  local set, drop = {}, {}
  for field, value in pairs(changes) do
    if value then
      set[#set + 1] = field
      set[#set + 1] = value
      job[field] = tostring(value)
    elseif job[field] then
      drop[#drop + 1] = field
      job[field] = nil
    end
  end
  if #set > 0 then redis.call('HSET', P .. 'job:' .. job.id, unpack(set)) end
  if #drop > 0 then redis.call('HDEL', P .. 'job:' .. job.id, unpack(drop)) end
end

-- Counts bytes of a job for the token that submitted it.
local function charge(job, bytes)
  if not job.tk or bytes == 0 then return end
  change(job, {tb = math.max(0, integer(job.tb) + bytes)})
  redis.pcall('HINCRBY', P .. 'tokens:bytes', job.tk, bytes)
end

-- Reads progress: the fields from an argument on, empty where unknown.
local function progress_from(first)
  local fields = {}
  for i, field in ipairs({'pf', 'pp', 'ps', 'pe', 'pd', 'pg'}) do
    fields[field] = ARGV[first + i - 1] ~= '' and ARGV[first + i - 1]
  end
  return fields
end

-- Notes that the children of a job need an update.
local function tell_children(id)
  if redis.call('EXISTS', P .. 'children:' .. id) == 1 then
    redis.call('RPUSH', P .. 'releasing', '0 ' .. id)
  end
end

-- How many of the owner's jobs in a batch are in some states.
local function many_in_batch(batch, owner, states)
  local function sum()
    local found = 0
    for _, state in ipairs(states) do
      local many = redis.pcall('HGET', P .. 'count:batch:' .. batch, state .. ' ' .. owner)
      found = found + (many and integer(many, -math.huge) or 0)
    end
    return found
  end
  local many = sum()
  if many >= 0 then return many end
  heal.recount(P .. 'count:batch:' .. batch)
  return sum()
end

-- Notes that jobs of a batch may have to be cancelled, or brought back: one of them has failed, or runs again.
local function watch_batch(job, was_failed)
  if not job.b or not job.o or (job.s == 'failed') == was_failed then return end
  local limit = integer(redis.pcall('HGET', P .. 'limit:' .. job.b, job.o))
  if limit == 0 then return end
  local is_over = many_in_batch(job.b, job.o, {'failed'}) >= limit
  if many_in_batch(job.b, job.o, is_over and WAITING or {'cancelled'}) == 0 then return end
  local entry = '0 ' .. job.o .. SEPARATOR .. job.b
  if redis.call('LINDEX', P .. 'stopping', -1) ~= entry then redis.call('RPUSH', P .. 'stopping', entry) end
end

-- Moves a job to another state, with its fields, indexes, counts and event.  `changes` as in `change`.
local function move(job, state, reason, changes)
  changes = changes or {}
  local was_failed = job.s == 'failed'
  if FINAL[state] or FINAL[job.s] then tell_children(job.id) end
  leave_state(job)
  if state ~= 'scheduled' and state ~= 'held' then changes.du = false end
  if job.s == 'queued' then changes.po = false end
  if job.ck and (FINAL[state] or state == 'scheduled' and job.s == 'running') then
    redis.call('DEL', P .. 'checkpoint:' .. job.id)
    changes.ck = false
  end
  changes.s = state
  changes.r = reason or false
  if FINAL[state] then changes.en = now end
  if FINAL[state] and job.s ~= 'running' and not FINAL[job.s] then changes.st = false end -- an older nox left it
  change(job, changes)
  enter_state(job)
  watch_batch(job, was_failed)
end

-- The next state of a job that nothing else keeps from starting.
local function next_state(job)
  if job.du and tonumber(job.du) > now then return 'scheduled' end
  return job.wt and 'blocked' or 'queued'
end

-- A key of one job; something of another kind there is removed, or no step of this job would ever be done, nor of
-- the jobs that come after it.
local function own(name, id, kind)
  local key = P .. name .. ':' .. id
  heal.evict(key, kind)
  return key
end

-- Notes the newest attempt among the earlier ones; `ran` false: its engine never started.
local function note_attempt(job, ended_ms, ended_as, message, ran)
  local key = own('attempts', job.id, 'list')
  local noted = {
    number = tonumber(job.at), round = tonumber(job.rd or 1), worker = job.w, started_ms = tonumber(job.st),
    ended_ms = tonumber(ended_ms), ended_as = ended_as, message = message}
  if ran == false then noted.ran = false end
  redis.call('RPUSH', key, cjson.encode(noted))
  redis.call('LTRIM', key, -LISTED_ATTEMPTS, -1)
end

-- Whether a job needs the result of a parent that runs again.
local function is_bereft(job)
  for _, known in ipairs(job.wt and redis.call('HVALS', P .. 'parents:' .. job.id) or {}) do
    if known == 'r.' then return true end
  end
  return false
end

-- Lets a job that ran wait again, unless a parent has run again meanwhile and keeps it back now.
local function wait_again(job, state, reason, changes)
  changes.st = false
  if job.um then state, reason = 'cancelled', 'dependency' end
  move(job, state, reason, changes)
end

-- Returns a running job to the queue, out of any lane.
local function requeue(job, ended_as, message, reason, changes, ran)
  note_attempt(job, now, ended_as, message, ran)
  changes.l = false
  wait_again(job, is_bereft(job) and 'blocked' or 'queued', reason, changes)
end

-- Whether a job is tried again after a failure, as `workers.job.Job.is_retried` has it.
local function is_retried(job, reason)
  if job.cr or tonumber(job.rn or 0) >= tonumber(job.rt or 0) then return false end
  return string.find(',' .. (job.ro or '') .. ',', ',' .. reason .. ',', 1, true) ~= nil
end

-- Lets a running job wait for its next attempt, for the pause of `workers.job.retry_pause_ms`.
local function retry(job, reason, message, changes)
  note_attempt(job, now, reason, message)
  local retried = (job.rn or 0) + 1
  local pause = RETRY_PAUSES_MS[math.min(retried, #RETRY_PAUSES_MS)]
  local own = tonumber(string.sub(job.id, 1, 4), 16) or 0
  changes.rn = retried
  changes.du = now + pause + math.floor(pause * own / 16 ^ 4 / PAUSE_SPREAD)
  wait_again(job, 'scheduled', reason, changes)
end

-- Moves a job that cannot be read to failed, whatever its state; the indexes have the state it was counted as.
-- `shape` is where it was found ready.  Of an id that was never given a number nothing is left.
local function bury(id, shape)
  local job = fetch(id) or {id = id}
  local was
  redis.call('ZREM', P .. 'ended', id)
  for state in pairs(STATES) do
    if redis.call('ZREM', P .. 'state:' .. state, id) == 1 then was = state end
  end
  redis.call('ZREM', P .. 'leases', id)
  redis.call('ZREM', P .. 'scheduled', id)
  redis.call('DEL', P .. 'points:' .. id)
  if shape then
    local owner, lane = string.match(shape, '^([^\31]*)\31([^\31]*)')
    heads[shape] = nil
    redis.call('ZREM', P .. 'ready:' .. shape, id)
    close_shape(shape, lane)
    job.o = owner
  end
  job.n = redis.call('ZSCORE', P .. 'numbers', id)
  if not job.n then return end
  if was then count(job, was, -1) end
  if job.foreign then redis.call('DEL', P .. 'job:' .. id) end
  job.at = string.match(job.at or '', '^%d+$')
  change(job, {s = 'failed', r = 'damaged', en = now, n = job.n, o = job.o or false})
  enter_state(job)
  tell_children(id)
  watch_batch(job, was == 'failed')
end

-- The running job that a lease names; nil if the lease no longer owns it.
local function owned(id, fence, worker)
  local job = fetch(id)
  if job and job.s == 'running' and job.at == fence and job.w == worker and not is_damaged(job) then
    return job
  end
  return nil, job
end

-- Notes that the attempt of a lease, id, fence and worker from an argument on, has begun; whether it owns its job.
local function begin(first)
  local job = owned(ARGV[first], ARGV[first + 1], ARGV[first + 2])
  if job and job.lw == 'a' then change(job, {lw = false}) end
  return job and true
end

-- Whether this lease's attempt is the newest and has had this last word before, so that it is only repeated.
local function is_repeated(job, word, fence, worker)
  return job and job.lw == word and job.at == fence and job.w == worker
end

-- Which earlier attempt has the shown outcome; nil: the one that ended the job has it.  `state` and `good` are the
-- job's fields s and gd.
local function shown_earlier(state, good)
  return state ~= 'done' and good or nil
end

-- Whether outcome:<id> and artifacts:<id> are of this attempt.
local function is_last(id, attempt, newest)
  return attempt == newest and redis.call('EXISTS', P .. 'outcome:' .. id) == 1
end
