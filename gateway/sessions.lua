-- One place for a session that may be opened: taken if the organisation's quota leaves one.
-- KEYS: the index, a sorted set of the organisation's sessions by the time before which each surely lives.
-- ARGV: what the keys of sessions begin with, the quota, the place's name, its seconds, the index's seconds.
-- Answers 1, or 0 when there is none left. A session lives on with each use and the index is not told of that, so what
-- seems over is looked at: a session has a key, an ended one and a place that nobody took up have none.
local now = tonumber(redis.call('TIME')[1])
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
  local left = redis.call('TTL', ARGV[1] .. name)
  if left > 0 then
    redis.call('ZADD', KEYS[1], now + left, name)
  else
    redis.call('ZREM', KEYS[1], name)
  end
end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[4]), ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
