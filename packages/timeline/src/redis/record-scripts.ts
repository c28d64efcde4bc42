/**
 * What happens to records inside Redis. Two keys an owner, in the slot of its log: a hash of field → revision (double, big-endian) and
 * body, and a sorted set of the fields, all of score 0, which gives them in order.
 *
 * A server that was killed while it wrote a transaction to its append-only file leaves the beginning of it there, and carries that
 * out at the start after the next one, with what comes up to the end of the next transaction; what no transaction follows by then is
 * lost. Hence
 * - a write is one HSET, in which what is to be deleted becomes empty: the beginning of it must not be half a write. So the sorted set
 *   may name fields that are not there, and an empty value is none;
 * - what is to be deleted is deleted also where it is not there: a cut-off write may bring it back. (Where all of it is there, and
 *   nothing is put, deleting is one command by itself, which a server without room takes too);
 * - every write is several commands, so that the server makes a transaction of it.
 *
 * Revisions are the server's microseconds, or one more than before: what was deleted leaves nothing behind, and yet they do not come again.
 */
import { RedisScript } from '@im/redis';

/**
 * KEYS: the two. ARGV: most records; of each change field, expected revision or '', '1' to put and '0' to delete, body.
 * Reply: 0, or which change met another revision (from 1), or -1 when they would be too many.
 */
export const WRITE_RECORDS = new RedisScript(`
local hash, index = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local values, added, removed, certain, count = {}, {}, {}, true, redis.call('ZCARD', index)
local before = count
for a = 2, #ARGV, 4 do
  local field, expected = ARGV[a], ARGV[a + 1]
  local value = redis.call('HGET', hash, field)
  local known = value and value ~= ''
  local revision = known and struct.unpack('>d', value) or 0
  if expected ~= '' and tonumber(expected) ~= revision then return (a + 2) / 4 end
  if ARGV[a + 2] == '1' then
    certain = false
    values[#values + 1] = field
    values[#values + 1] = struct.pack('>d', math.max(revision + 1, now)) .. ARGV[a + 3]
    if not known then
      added[#added + 1] = 0
      added[#added + 1] = field
      count = count + 1
    end
  else
    values[#values + 1] = field
    values[#values + 1] = ''
    removed[#removed + 1] = field
    if known then count = count - 1 else certain = false end
  end
end
if count > tonumber(ARGV[1]) and count > before then return -1 end
if #added > 0 then redis.call('ZADD', index, unpack(added)) end
if not certain then redis.call('HSET', hash, unpack(values)) end
if #added == 0 and #removed == 0 then redis.call('HSET', hash, values[1], values[2]) end
if #removed > 0 then
  redis.call('HDEL', hash, unpack(removed))
  redis.call('ZREM', index, unpack(removed))
end
return 0
`);

/** KEYS: the hash. ARGV: fields. Reply: their values. */
export const GET_RECORDS = new RedisScript(`return redis.call('HMGET', KEYS[1], unpack(ARGV))`);

/**
 * KEYS: the two. ARGV: from where and up to where, as ZRANGEBYLEX takes them; limit; bytes.
 * Reply: 1 when there are more; field and value of each.
 */
export const PAGE_RECORDS = new RedisScript(`
local from, to, limit, left = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local reply, count = { 0 }, 0
while true do
  local fields = redis.call('ZRANGEBYLEX', KEYS[2], from, to, 'LIMIT', 0, 64)
  if #fields == 0 then return reply end
  local values = redis.call('HMGET', KEYS[1], unpack(fields))
  for i, field in ipairs(fields) do
    local value = values[i]
    if value and value ~= '' then
      left = left - #value + 8
      if count == limit or (left < 0 and count > 0) then
        reply[1] = 1
        return reply
      end
      count = count + 1
      reply[2 * count] = field
      reply[2 * count + 1] = value
    end
  end
  from = '(' .. fields[#fields]
end
`);
