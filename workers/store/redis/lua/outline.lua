-- Outlines of jobs, a fifth of the cost of their whole records; shared by outlines and page.
--
-- An outline is id, number, state, attempt, attempt whose result is kept, reason, reasons to retry, owner, name, with
-- the character 31 between them.  The whole record as JSON takes its place where the record cannot be read.

local MEASURED = {'pf', 'pe', 'pd', 'pg'}

local function is_readable(job)
  if is_damaged(job) or job.ps and not string.find(job.ps, '^-?%d+$') then return false end
  for _, field in ipairs(MEASURED) do
    local value = job[field] and tonumber(job[field])
    if job[field] and not (value and value - value == 0) then return false end
  end
  return true
end

local function outline(job)
  if not is_readable(job) then return cjson.encode(job) end
  return table.concat({job.id, job.n, job.s, job.at or '0', job.gd or '', job.r or '', job.ro or '', job.o,
    job.nm or ''}, SEPARATOR)
end
