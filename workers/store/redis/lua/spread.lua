#!lua flags=allow-oom
-- Goes on telling children how their parents are.  ARGV: prefix.  Reply: 1 if there are more to tell.

spread(SETTLED_LATER)
ring()
return is_spreading()
