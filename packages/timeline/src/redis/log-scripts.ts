/**
 * What happens to logs inside Redis. Three keys a log, in one slot: a hash (`e` epoch, `v` version of the newest entry, `f` of the
 * oldest kept, `b` bytes of bodies, `n` and `s` the server that wrote last, and whether what it acknowledges outlives it), a list
 * of the entries from `f` to `v`, a hash of message id → version. See `entry-bytes.ts` for how an entry is written.
 *
 * Epochs. A log begins under an epoch made of its key, the server's incarnation (its replication id: new at each start, at
 * each promotion to master and at each demotion) and the week, so that readers of a log that was never written are told what its first
 * entry gets, without a trace. Every later append begins a new epoch first, when
 * - another incarnation wrote last, unless that one flushed every write (appendfsync always) and had no replicas, and this one
 *   was not promoted: then nothing acknowledged can be missing;
 * - the log ends before a version that this process saw acknowledged.
 * Versions go on and entries stay. Under a new incarnation a log is compared with its entries, and repaired: a server that was killed
 * while it wrote a transaction to its append-only file leaves the beginning of it there, and carries that out at the start after the
 * next one, when others have long been given those versions. Entries name their versions, so the later one of each is kept.
 * Entries and ids expire by their age, the first hash more than a week later, so the same week
 * never begins the same log twice. Weeks begin at another moment for each log.
 */
import { RedisScript } from '@im/redis';

const WEEK_MS = 7 * 86_400_000;

const LOG = `
local WEEK_MS, OUTLIVES_MS = ${WEEK_MS}, ${WEEK_MS + 86_400_000}
local info = redis.call('INFO', 'replication')
local node = string.match(info, 'master_replid:(%x+)')
if not node then return redis.error_reply('ERR this server has no replication id') end
local promoted = string.match(info, 'master_replid2:(%x+)') ~= string.rep('0', 40)
local now, safe = tonumber(ARGV[1]), ARGV[2]
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local unwatched = string.find(info, 'connected_slaves:0', 1, true)

local function epoch_of(...)
  return string.sub(redis.sha1hex(table.concat({ ... }, ' ')), 1, 24)
end

local ENTRY = '>ddIBHc0'

local function version_at(log, index)
  local entry = redis.call('LINDEX', log.list, index)
  if entry then return (select(2, struct.unpack('>dd', entry))) end
end

-- Which of the logs of this call, numbered from 1, were repaired.
local repaired, current = {}, 1

-- Of the entries of one version the last is the log's; the others came from a transaction that was cut off.
local function repair(log)
  local first, last = version_at(log, 0), version_at(log, -1)
  if not first then return end
  local count = log.version - log.first + 1
  if first == log.first and last == log.version and redis.call('LLEN', log.list) == count then return end
  log.repaired = true
  repaired[#repaired + 1] = current
  local entries = redis.call('LRANGE', log.list, 0, -1)
  local kept, wanted, bytes = {}, nil, 0
  for i = #entries, 1, -1 do
    local _, version, size, _, id = struct.unpack(ENTRY, entries[i])
    if not wanted and version <= log.version then
      wanted, log.torn = version, version < log.version
      log.version = version
    end
    if version == wanted then
      kept[#kept + 1], wanted, bytes = entries[i], wanted - 1, bytes + size
      if id ~= '' then redis.call('HSET', log.ids, id, version) end
    elseif id ~= '' then
      redis.call('HDEL', log.ids, id)
    end
  end
  redis.call('DEL', log.list)
  for i = #kept, 1, -1 do redis.call('RPUSH', log.list, kept[i]) end
  log.first, log.bytes = log.version - #kept + 1, bytes
end

local function open(meta, list, ids, a)
  local m = redis.call('HMGET', meta, 'e', 'v', 'f', 'b', 'n', 's')
  local log = {
    meta = meta, list = list, ids = ids, epoch = m[1],
    version = tonumber(m[2] or 0), first = tonumber(m[3] or 1), bytes = tonumber(m[4] or 0),
    max_entries = tonumber(ARGV[a]), max_bytes = tonumber(ARGV[a + 1]), max_age = tonumber(ARGV[a + 2]),
    fresh = not m[1], trimmed = 0, lost = false, repaired = false,
  }
  if not log.fresh and m[5] ~= node then repair(log) end
  if log.fresh then
    local beginning = 36 * tonumber(string.sub(redis.sha1hex(meta), 1, 6), 16)
    log.epoch = epoch_of(meta, node, math.floor((now + beginning) / WEEK_MS))
  elseif m[5] ~= node and (log.torn or promoted or safe ~= '1' or m[6] ~= '1') then
    log.epoch = epoch_of(m[1], node, m[2])
  end
  if log.version < tonumber(ARGV[a + 4]) and (log.fresh or log.epoch == ARGV[a + 3]) then
    log.epoch = epoch_of(ARGV[a + 3], node, ARGV[a + 4], 'lost')
    log.lost = true
  end
  return log
end

local function trim(log)
  local count = log.version - log.first + 1
  while count > 0 do
    local oldest = redis.call('LINDEX', log.list, 0)
    if not oldest then
      -- All have expired.
      log.first, log.bytes, log.trimmed = log.version + 1, 0, log.trimmed + count
      return
    end
    local at, _, size, _, id = struct.unpack(ENTRY, oldest)
    local kept = count <= log.max_entries and (count == 1 or log.bytes <= log.max_bytes) and now - at <= log.max_age
    if kept then return end
    redis.call('LPOP', log.list)
    if id ~= '' then redis.call('HDEL', log.ids, id) end
    log.first, log.bytes, log.trimmed = log.first + 1, log.bytes - size, log.trimmed + 1
    count = count - 1
  end
end

local outlives = (safe == '1' and unwatched) and '1' or '0'
local function save(log)
  redis.call('HSET', log.meta, 'e', log.epoch, 'v', log.version, 'f', log.first, 'b', log.bytes, 'n', node, 's', outlives)
end
`;

/**
 * Many appends, in order; one that fails is no other's business.
 *
 * KEYS: those of shared bodies, then the three of each append.
 * ARGV: now in ms or '', whether writes are flushed ('1'); number of shared bodies, and of each its life in ms and its
 * bytes; of each append maxEntries, maxBytes, maxAgeMs, the epoch and version seen
 * acknowledged, id or '', size of the body, '1' when the entry ends with a reference, the rest of the entry, life of
 * entries in ms.
 * Reply: of each append epoch, version, 1 when the id was known, number of entries trimmed; or '', what went wrong, 0, 0. Behind all of
 * them the numbers, from 1, of the appends whose logs were repaired.
 */
export const APPEND = new RedisScript(`${LOG}
local bodies = tonumber(ARGV[3])
for i = 1, bodies do
  local life, body = tonumber(ARGV[2 + 2 * i]), ARGV[3 + 2 * i]
  if redis.call('PTTL', KEYS[i]) < life then redis.call('SET', KEYS[i], body, 'PX', life) end
end

local admitted = false
local function append(meta, list, ids, a)
  local id, size, life = ARGV[a + 5], tonumber(ARGV[a + 6]), tonumber(ARGV[a + 9])
  local log = open(meta, list, ids, a)
  -- The first write of a script is one that a server without room refuses: after it none is.
  if not admitted then redis.call('HSET', meta, 'e', log.epoch) end
  admitted = true
  trim(log)
  local known = id ~= '' and tonumber(redis.call('HGET', ids, id) or nil)
  if known and known >= log.first then
    if log.trimmed > 0 or log.lost or log.repaired then save(log) end
    return log.epoch, known, 1, log.trimmed
  end
  if log.fresh then redis.call('DEL', list, ids) end
  log.version, log.bytes = log.version + 1, log.bytes + size
  redis.call('RPUSH', list, struct.pack(ENTRY, now, log.version, size, tonumber(ARGV[a + 7]), #id, id) .. ARGV[a + 8])
  local count = log.version - log.first + 1
  if count > log.max_entries or log.bytes > log.max_bytes then trim(log) end
  if id ~= '' then redis.call('HSET', ids, id, log.version) end
  save(log)
  redis.call('PEXPIRE', meta, life + OUTLIVES_MS)
  redis.call('PEXPIRE', list, life)
  redis.call('PEXPIRE', ids, life)
  return log.epoch, log.version, 0, log.trimmed
end

local reply = {}
for i = 1, (#KEYS - bodies) / 3 do
  local k = bodies + 3 * i
  current = i
  local ok, epoch, version, known, trimmed = pcall(append, KEYS[k - 2], KEYS[k - 1], KEYS[k], 4 + 2 * bodies + 10 * (i - 1))
  local r = 4 * i
  if ok then
    reply[r - 3], reply[r - 2], reply[r - 1], reply[r] = epoch, version, known, trimmed
  else
    local problem = type(epoch) == 'table' and epoch.err or epoch
    if string.sub(problem, 1, 3) == 'OOM' then return redis.error_reply(problem) end
    reply[r - 3], reply[r - 2], reply[r - 1], reply[r] = '', problem, 0, 0
  end
end
for _, i in ipairs(repaired) do reply[#reply + 1] = i end
return reply
`);

/**
 * A page of a log; a limit of 0 asks for its head alone.
 *
 * KEYS: the three. ARGV: now, flushed; maxEntries, maxBytes, maxAgeMs, epoch and version seen acknowledged; '1' for
 * forward, from where (exclusive), limit, bytes of bodies or 'inf', what keys of shared bodies begin with.
 * Reply: epoch, version, first, the first entry's version, 1 when the log was repaired, entries.
 */
export const READ = new RedisScript(`${LOG}
local log = open(KEYS[1], KEYS[2], KEYS[3], 3)
trim(log)
if log.trimmed > 0 or log.repaired or (log.lost and not log.fresh) then save(log) end
local forward, from, limit, max_bytes = ARGV[8] == '1', tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local low, high
if forward then
  low = math.max(from + 1, log.first)
  high = math.min(log.version, low + limit - 1)
else
  high = math.min(from - 1, log.version)
  low = math.max(log.first, high - limit + 1)
end
local next = forward and low or high
local reply, total = { log.epoch, log.version, log.first, next, #repaired }, 0
while low <= high do
  local count = math.min(high - low + 1, 64)
  local begin = forward and low or high - count + 1
  local page = redis.call('LRANGE', log.list, begin - log.first, begin - log.first + count - 1)
  for i = 1, count do
    local entry = page[forward and i or count + 1 - i]
    if not entry then return reply end
    local _, _, size, shared = struct.unpack('>ddIB', entry)
    total = total + size
    if total > max_bytes and #reply > 5 then return reply end
    if shared == 1 then
      local body = redis.call('GET', ARGV[12] .. string.sub(entry, -32))
      if not body then return redis.error_reply('ERR a body that several logs share was evicted or deleted') end
      entry = string.sub(entry, 1, -33) .. body
    end
    reply[#reply + 1] = entry
  end
  if forward then low = low + count else high = high - count end
end
return reply
`);
