-- Names and tags of jobs next to each other: words:<b>, for searches.  It follows the records.
--
-- Numbers above `words` of meta, and those of its range `gap`, may be missing: they were given out by a nox that
-- knows no words, or the indexes were made again.  Ticks put them in.

local BLOCK = 256

-- A text without the characters that divide words.
local function plain(text)
  if not string.find(text, '[%z\1-\31]') then return text end
  return (string.gsub(text, '[%z\1-\31]', '\1'))
end

-- Tags without backslashes before `/`: of these cjson writes one more than Python does.
local function plain_tags(tags)
  return plain(string.find(tags, '\\/', 1, true) and string.gsub(tags, '\\+/', '/') or tags)
end

-- What a block has of a job; empty: nothing.
local function entry(number, name, tags)
  if not name and not tags then return '' end
  return '\n' .. (name and plain(name) or '') .. '\r' .. (tags and plain_tags(tags) or '') .. '\t' .. number
end

local function words_key(block)
  return index('words:' .. string.format('%.0f', block), 'string')
end

-- Puts entries in the place of those that blocks have: number -> entry.
local function reword(entries)
  local blocks = {}
  for number in pairs(entries) do blocks[math.floor(number / BLOCK)] = true end
  for block in pairs(blocks) do
    local key, kept = words_key(block), {}
    for one, number in string.gmatch(redis.call('GET', key) or '', '(\n[^\t]*\t(%d+))') do
      if not entries[tonumber(number)] then kept[#kept + 1] = one end
    end
    for number, one in pairs(entries) do
      if math.floor(number / BLOCK) == block then kept[#kept + 1] = one end
    end
    local text = table.concat(kept)
    if text == '' then redis.call('DEL', key) else redis.call('SET', key, text) end
  end
end

-- Calls `act` with the number, name, tags and id of the jobs of a block, numbered first to last; returns how many
-- they are.  Numbers that were doubled by hand are read too, within a limit.
local function each_record(first, last, act)
  local flat = redis.call('ZRANGE', P .. 'numbers', first, last, 'BYSCORE', 'LIMIT', 0, 2 * BLOCK,
    'WITHSCORES')
  for i = 1, #flat, 2 do
    local found = redis.pcall('HMGET', P .. 'job:' .. flat[i], 'nm', 't')
    act(tonumber(flat[i + 1]), found[1], found[2], flat[i])
  end
  return #flat / 2
end

-- The block that the records make.
local function made_of_records(block)
  local kept = {}
  each_record(block * BLOCK, block * BLOCK + BLOCK - 1, function(number, name, tags)
    kept[#kept + 1] = entry(number, name, tags)
  end)
  return table.concat(kept)
end

-- The first and the last number that may be missing; nil if none are.
local function gap_in(number, words, gap)
  local first, last = string.match(gap or '', '^(%d+)%-(%d+)$')
  words = integer(words)
  if words < integer(number) then return math.min(tonumber(first) or words + 1, words + 1), integer(number) end
  return tonumber(first), tonumber(last)
end

-- Fills a part of the gap; returns whether some is left.
local function fill_gap()
  local number, words, gap = unpack(redis.call('HMGET', P .. 'meta', 'number', 'words', 'gap'))
  local first, last = gap_in(number, words, gap)
  if not first then return false end
  for _ = 1, 2 do
    local block = math.floor(last / BLOCK)
    local text = made_of_records(block)
    if text == '' then redis.call('DEL', words_key(block)) else redis.call('SET', words_key(block), text) end
    last = block * BLOCK - 1
    if last < first then break end
  end
  redis.call('HSET', P .. 'meta', 'words', math.max(integer(words), integer(number)))
  if last < first then
    redis.call('HDEL', P .. 'meta', 'gap')
  else
    redis.call('HSET', P .. 'meta', 'gap', first .. '-' .. last)
  end
  return last >= first
end
