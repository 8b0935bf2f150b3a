#!lua flags=no-writes
-- Compares names and tags in words with the records, the counts with the indexes of states, and looks for points of
-- jobs that do not run.
-- ARGV: prefix, number below which to begin (empty: the newest), how many blocks.
-- Reply: the number to continue below (empty: the end), the numbers of jobs whose words are not those of their
-- records, the states that are miscounted, the numbers of jobs with points that do not run.

local top, words, gap = unpack(redis.call('HMGET', P .. 'meta', 'number', 'words', 'gap'))
local gap_first, gap_last = gap_in(top, words, gap)

local function entries(text)
  local found = {}
  for one, number in string.gmatch(text or '', '(\n[^\t]*\t(%d+))') do found[one] = number end
  return found
end

local wrong = {}
local function compare(block)
  local first = block * BLOCK
  if gap_first and gap_first < first + BLOCK and first <= gap_last then return end
  local has = entries(redis.call('GET', P .. 'words:' .. string.format('%.0f', block)))
  local wanted = entries(made_of_records(block))
  for one, number in pairs(wanted) do if not has[one] then wrong[#wrong + 1] = number end end
  for one, number in pairs(has) do if not wanted[one] then wrong[#wrong + 1] = number end end
end

local pointed = {}
local function look_for_points(block)
  each_record(block * BLOCK, block * BLOCK + BLOCK - 1, function(number, _, _, id)
    if redis.call('EXISTS', P .. 'points:' .. id) == 1 and redis.pcall('HGET', P .. 'job:' .. id, 's') ~= 'running' then
      pointed[#pointed + 1] = number
    end
  end)
end

local below = ARGV[2] ~= '' and tonumber(ARGV[2]) or integer(top) + 1
for _ = 1, tonumber(ARGV[3]) do
  if below <= 0 then break end
  local block = math.floor((below - 1) / BLOCK)
  compare(block)
  look_for_points(block)
  below = block * BLOCK
end

local counted, miscounted = {}, {}
local flat = redis.call('HGETALL', P .. 'count')
for i = 1, #flat, 2 do
  local state = string.match(flat[i], '^%S*')
  counted[state] = (counted[state] or 0) + integer(flat[i + 1], -math.huge)
end
for state in pairs(STATES) do
  if (counted[state] or 0) ~= redis.call('ZCARD', P .. 'state:' .. state) then miscounted[#miscounted + 1] = state end
end
return {below > 0 and tostring(below) or '', wrong, miscounted, pointed}
