#!lua flags=no-writes
-- Lists the parents of a job, those first that keep it back, those it waits for next.
-- ARGV: prefix, id, how many at most.  Reply: parent and condition of each; those that are gone are left out.

local limit = tonumber(ARGV[3])
local by_meaning, reply = {['-'] = {}, ['.'] = {}, ['+'] = {}}, {}
local flat = redis.call('HGETALL', P .. 'parents:' .. ARGV[2])
for i = 1, #flat, 2 do
  local list = by_meaning[string.sub(flat[i + 1], 2)]
  list[#list + 1] = {flat[i], string.sub(flat[i + 1], 1, 1)}
end
for _, sign in ipairs({'-', '.', '+'}) do
  for _, parent in ipairs(by_meaning[sign]) do
    if #reply >= 2 * limit then return reply end
    if redis.call('EXISTS', P .. 'job:' .. parent[1]) == 1 then
      reply[#reply + 1] = parent[1]
      reply[#reply + 1] = parent[2]
    end
  end
end
return reply
