-- One round trip before a call is forwarded: the session's owner, every count limit at once, and the recorded intent.
-- KEYS: the log stream, the session's binding, then one sorted set for each counter.
-- ARGV: expected binding or '', its seconds, the record or '', the charge's id, then for each limit: the number of its
-- counter's key, its window in microseconds, its most calls.
-- Answers {0} when all was done, {1, number of the full limit, seconds to wait}, or {2} when the session is not the caller's.
-- A set holds charges (id, microseconds); its member 'w' holds, below zero, the longest window seen for the counter.
if ARGV[1] ~= '' then
  if redis.call('GET', KEYS[2]) ~= ARGV[1] then return {2} end
  redis.call('EXPIRE', KEYS[2], ARGV[2])
end

local limits = (#ARGV - 4) / 3
if limits > 0 then
  local clock = redis.call('TIME')
  local now = clock[1] * 1000000 + clock[2]
  local longest = {}
  for i = 1, limits do
    local at = 2 + 3 * i
    local key = KEYS[2 + tonumber(ARGV[at])]
    local window, most = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    -- The edge is outside: a charge made exactly one window ago no longer counts. Nothing is stamped after `now`
    -- unless the clock stepped back, and then it still counts.
    local since = '(' .. string.format('%.0f', now - window)
    local used = redis.call('ZCOUNT', key, since, '+inf')
    if used >= most then
      local wait = window
      if most > 0 then
        local freeing = redis.call('ZRANGEBYSCORE', key, since, '+inf', 'WITHSCORES', 'LIMIT', used - most, 1)
        wait = tonumber(freeing[2]) + window - now
      end
      return {1, i, math.max(1, math.ceil(wait / 1000000))}
    end
    if not longest[key] then
      longest[key] = -tonumber(redis.call('ZSCORE', key, 'w') or '0')
    end
    longest[key] = math.max(longest[key], window)
  end
  for key, window in pairs(longest) do
    redis.call('ZREMRANGEBYSCORE', key, '0', string.format('%.0f', now - window))
    redis.call('ZADD', key, string.format('%.0f', -window), 'w', string.format('%.0f', now), ARGV[4])
    redis.call('PEXPIRE', key, string.format('%.0f', window / 1000 + 1000))
  end
end

if ARGV[3] ~= '' then
  redis.call('XADD', KEYS[1], '*', 'r', ARGV[3])
end
return {0}
