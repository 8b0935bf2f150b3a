#!lua
-- Claims the best ready job.  ARGV: prefix, claimant as JSON.  Reply: specification and job,
-- or nil.

return take(cjson.decode(ARGV[2]))
