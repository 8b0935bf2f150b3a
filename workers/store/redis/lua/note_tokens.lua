#!lua
-- Notes that tokens were used now.  ARGV: prefix, digests.  Reply: nothing.

heal.evict(P .. 'tokens:used', 'hash')
for i = 2, #ARGV do
  if redis.call('HEXISTS', P .. 'tokens', ARGV[i]) == 1 then redis.call('HSET', P .. 'tokens:used', ARGV[i], now) end
end
