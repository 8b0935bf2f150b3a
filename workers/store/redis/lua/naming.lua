-- Errors that name the key they are about; before the other parts of a script.

local server = redis
local redis = {pcall = server.pcall}
local prefix = string.match(ARGV[1], '^[^\31]*')
function redis.call(...)
  local reply = server.pcall(...)
  if type(reply) == 'table' and reply.err then
    local key = ''
    for _, word in ipairs({...}) do
      if key == '' and string.sub(word, 1, #prefix) == prefix then key = ' at key ' .. word end
    end
    error({err = reply.err .. key})
  end
  return reply
end

