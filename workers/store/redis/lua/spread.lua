#!lua flags=allow-oom
-- Updates further children and batches.  ARGV: prefix.  Reply: 1 if there are more.

spread(SETTLED_LATER)
ring()
return is_spreading()
