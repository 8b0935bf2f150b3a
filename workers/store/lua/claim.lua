#!lua
-- Claims the best ready job.  ARGV: prefix, claimant as JSON.  Reply: fence, id, specification, fields; or nil.

return take(cjson.decode(ARGV[2]))
