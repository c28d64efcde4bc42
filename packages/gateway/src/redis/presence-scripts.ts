/**
 * What gateways share in Redis about who is where. Every entry belongs to a writer, one life of one process, which keeps a lease;
 * when the lease ends, any other process takes the writer's entries out, place by place.
 *
 * A place is a group's online list or a user's record; its keys share a tag, hence a slot of a Cluster.
 * Online list: `o` users by sequence of entering, `m` user → what is shown, `n` user → sessions, and the last sequence
 * under the empty name, `s:<writer>` session → user. Record of a user: one hash, writer + session → what is known.
 */
import { RedisScript } from '@im/redis';

const LIST = `
local order, members, counts, sessions = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local function leave(session)
  local user = redis.call('HGET', sessions, session)
  if not user then return end
  redis.call('HDEL', sessions, session)
  if redis.call('HINCRBY', counts, user, -1) > 0 then return end
  redis.call('HDEL', counts, user)
  redis.call('HDEL', members, user)
  redis.call('ZREM', order, user)
  if redis.call('ZCARD', order) == 0 then redis.call('DEL', counts) end
end
`;

/**
 * Enters and leaves sessions of one writer in one online list.
 * KEYS: order, members, counts, sessions. ARGV: five a change: `e` session user since attributes, or `l` session '' '' ''.
 * Reply: sessions that the writer has there now.
 */
export const CHANGE_LIST = new RedisScript(`${LIST}
for i = 1, #ARGV, 5 do
  local session, user, since, attributes = ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  if ARGV[i] == 'l' then
    leave(session)
  else
    local before = redis.call('HGET', sessions, session)
    if before and before ~= user then
      leave(session)
      before = false
    end
    if redis.call('ZSCORE', order, user) then
      since = string.match(redis.call('HGET', members, user), '^%S+')
    else
      redis.call('ZADD', order, redis.call('HINCRBY', counts, '', 1), user)
    end
    redis.call('HSET', members, user, since .. ' ' .. attributes)
    if not before then
      redis.call('HSET', sessions, session, user)
      redis.call('HINCRBY', counts, user, 1)
    end
  end
end
return redis.call('HLEN', sessions)
`);

/** Takes all sessions of a writer out of one online list. KEYS as {@link CHANGE_LIST}. */
export const SWEEP_LIST = new RedisScript(`${LIST}
for _, session in ipairs(redis.call('HKEYS', sessions)) do leave(session) end
return 0
`);

/** A page. KEYS: order, members. ARGV: sequence to begin after, limit. Reply: user, sequence, what is shown; of each. */
export const PAGE = new RedisScript(`
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local reply = {}
for i = 1, #found, 2 do
  reply[#reply + 1] = found[i]
  reply[#reply + 1] = found[i + 1]
  reply[#reply + 1] = redis.call('HGET', KEYS[2], found[i])
end
return reply
`);

/** KEYS: order. ARGV: a user, or nothing. Reply: number of users, 1 when the user is one of them. */
export const COUNT = new RedisScript(`
return { redis.call('ZCARD', KEYS[1]), ARGV[1] and redis.call('ZSCORE', KEYS[1], ARGV[1]) and 1 or 0 }
`);

const COUNT_OF_WRITER = `
local left = 0
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, #writer) == writer then left = left + 1 end
end
return left
`;

/** Changes a user's record. KEYS: it. ARGV: writer; three a change: `e` session record, or `l` session ''. Reply as CHANGE_LIST. */
export const CHANGE_RECORD = new RedisScript(`
local writer = ARGV[1]
for i = 2, #ARGV, 3 do
  if ARGV[i] == 'l' then
    redis.call('HDEL', KEYS[1], writer .. ARGV[i + 1])
  else
    redis.call('HSET', KEYS[1], writer .. ARGV[i + 1], ARGV[i + 2])
  end
end
${COUNT_OF_WRITER}`);

/** KEYS: a user's record. ARGV: writer. */
export const SWEEP_RECORD = new RedisScript(`
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, #ARGV[1]) == ARGV[1] then redis.call('HDEL', KEYS[1], field) end
end
return 0
`);

/** KEYS: a hash. Reply: names and values. */
export const READ_RECORD = new RedisScript(`return redis.call('HGETALL', KEYS[1])`);

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * Keeps a lease. KEYS: leases, writers by their end. ARGV: writer, life in ms, 1 when it had a lease. Reply: 0 when that lease had ended; some writers whose leases have ended.
 */
export const KEEP_LEASE = new RedisScript(`${NOW}
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
local kept = (ARGV[3] == '0' or (ends and tonumber(ends) > now)) and 1 or 0
return { kept, unpack(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 8)) }
`);

/** Ends a lease now. KEYS: leases. ARGV: writer. */
export const END_LEASE = new RedisScript(`return redis.call('ZADD', KEYS[1], 0, ARGV[1])`);

/** Forgets a writer that has no entries any more. KEYS: leases. ARGV: writer. */
export const FORGET_WRITER = new RedisScript(`return redis.call('ZREM', KEYS[1], ARGV[1])`);

/** KEYS: leases. Reply: writers with a lease in force. */
export const LIVING_WRITERS = new RedisScript(`${NOW}
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')
`);

/** Places of a writer. KEYS: its set. ARGV: places. */
export const ADD_PLACES = new RedisScript(`return redis.call('SADD', KEYS[1], unpack(ARGV))`);
export const REMOVE_PLACES = new RedisScript(`return redis.call('SREM', KEYS[1], unpack(ARGV))`);
export const SOME_PLACES = new RedisScript(`return redis.call('SRANDMEMBER', KEYS[1], 64)`);
