-- What comes first in every operation: prefix, time and bell (`shared.lua` describes the keys).

local P, ACTING = ARGV[1], nil -- ACTING: the name of the token that acts
if string.find(P, '\31', 1, true) then P, ACTING = string.match(P, '^(.-)\31(.*)$') end
local TIME = redis.call('TIME')
local now = TIME[1] * 1000 + math.floor(TIME[2] / 1000)
local DAY_MS = 86400000

-- Rings the bell if any worker might find something; once is enough.
local has_rung = false
local function ring()
  if has_rung or redis.call('EXISTS', P .. 'shapes:') == 0 then return end
  has_rung = true
  if redis.call('EXISTS', P .. 'bell') == 0 then redis.call('RPUSH', P .. 'bell', '1') end
end
