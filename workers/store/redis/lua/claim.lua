#!lua flags=allow-oom
-- Claims the best ready job, also in a full server: what was accepted is to be drained.
-- ARGV: prefix, claimant as JSON.  Reply: specification and job, or nil.

return take(cjson.decode(ARGV[2]))
