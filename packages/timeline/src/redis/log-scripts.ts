/** What the store has Redis do with logs. How these lie there, and what is promised of them: `log-lua.ts`. */
import { RedisScript } from '@im/redis';
import { LOG } from './log-lua.js';

/**
 * Many appends to some logs, in order; one that fails is no other's business.
 *
 * KEYS: those of shared bodies, then the three of each log.
 * ARGV: now, flushed; number of shared bodies, and of each its life in ms and its bytes; of each log its terms, the number of
 * its appends, and of each of those the entry from its size on.
 * Reply: number of entries trimmed; of each log '' when its epoch is that of its terms, else its epoch, and of each append the version,
 * negative when the id was known, or what went wrong. Behind all of them the numbers, from 1, of the logs that were repaired.
 */
export const APPEND = new RedisScript(`${LOG}
local bodies = tonumber(ARGV[3])
for i = 1, bodies do
  local life, body = tonumber(ARGV[2 + 2 * i]), ARGV[3 + 2 * i]
  if call('PTTL', KEYS[i]) < life then call('SET', KEYS[i], body, 'PX', life) end
end

local function version_of(log, id)
  local version = tonumber(call('HGET', log.ids, id) or nil)
  if not version then return end
  trim(log)
  if version < log.first or version > log.version then return end
  local entry = call('LINDEX', log.list, version - log.first)
  if entry and select(5, unpacked(ENTRY, entry)) == id then return version end
end

-- The first write of a script is one that a server without room refuses: after it none is.
local function append(log, given)
  local size, _, id = unpacked('>IBHc0', given)
  local known = id ~= '' and version_of(log, id)
  if known then return -known end
  local version = log.version + 1
  local length = call('RPUSH', log.list, pack('>dd', now, version) .. given)
  if log.fresh and length > 1 then
    call('LTRIM', log.list, -1, -1)
    length = 1
  end
  if length == 1 then log.first, log.bytes, log.oldest, log.expires = version, 0, now, 0 end
  if id ~= '' then call('HSET', log.ids, id, version) end
  log.version, log.bytes, log.fresh, log.changed = version, log.bytes + size, false, true
  if not within(log, SLACK) then trim(log) end
  return version
end

local reply, repaired, a = { 0 }, {}, 4 + 2 * bodies
for k = bodies + 1, #KEYS, 3 do
  local opened, log = pcall(open, KEYS[k], KEYS[k + 1], KEYS[k + 2], ARGV[a])
  reply[#reply + 1] = opened and log.epoch ~= log.seen and log.epoch or ''
  local last = a + 1 + tonumber(ARGV[a + 1])
  for i = a + 2, last do
    local done, outcome = opened, log
    if opened then done, outcome = pcall(append, log, ARGV[i]) end
    if not done and type(outcome) == 'table' then outcome = outcome.err end
    if not done and string.sub(outcome, 1, 3) == 'OOM' then return redis.error_reply(outcome) end
    reply[#reply + 1] = outcome
  end
  if opened and (log.changed or log.lost or log.repaired) then save(log) end
  if opened and log.repaired then repaired[#repaired + 1] = (k - bodies + 2) / 3 end
  a = last + 1
end
reply[1] = trimmed
for _, i in ipairs(repaired) do reply[#reply + 1] = i end
return reply
`);

/**
 * A page of a log; a limit of 0 asks for its head alone.
 *
 * KEYS: the three. ARGV: now, flushed; terms; '1' for forward, from where (exclusive), limit, bytes of bodies or 'inf', what keys of
 * shared bodies begin with.
 * Reply: epoch, version, first, the first entry's version, 1 when the log was repaired, what its head says of the epochs before, entries.
 */
export const READ = new RedisScript(`${LOG}
local log = open(KEYS[1], KEYS[2], KEYS[3], ARGV[3])
if call('EXISTS', log.list) == 0 then log.first, log.bytes = log.version + 1, 0 end
trim(log)
if log.changed or log.repaired or (log.lost and not log.fresh) then
  save(log)
elseif log.began and not log.fresh then
  -- Where nothing can be written now, reading goes on.
  redis.pcall('SET', log.head, packed_head(log), 'KEEPTTL')
end
local forward, from, limit, max_bytes = ARGV[4] == '1', tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local low, high
if forward then
  low = math.max(from + 1, log.first)
  high = math.min(log.version, low + limit - 1)
else
  high = math.min(from - 1, log.version)
  low = math.max(log.first, high - limit + 1)
end
local next = forward and low or high
local reply, total = { log.epoch, log.version, log.first, next, log.repaired and 1 or 0, log.before }, 0
local without = #reply
while low <= high do
  local count = math.min(high - low + 1, 64)
  local begin = forward and low or high - count + 1
  local page = call('LRANGE', log.list, begin - log.first, begin - log.first + count - 1)
  for i = 1, count do
    local entry = page[forward and i or count + 1 - i]
    if not entry then return reply end
    local _, _, size, shared = unpacked('>ddIB', entry)
    total = total + size
    if total > max_bytes and #reply > without then return reply end
    if shared == 1 then
      local body = call('GET', ARGV[8] .. string.sub(entry, -32))
      if not body then return redis.error_reply('ERR a body that several logs share was evicted or deleted') end
      entry = string.sub(entry, 1, -33) .. body
    end
    reply[#reply + 1] = entry
  end
  if forward then low = low + count else high = high - count end
end
return reply
`);
