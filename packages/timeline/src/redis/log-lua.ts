/**
 * A log inside Redis: what the scripts that append and read have in common. Three keys a log, in one slot:
 * - `:h`, its head, a string: whether what the server acknowledged outlives it ('1') · version of the newest entry, of the oldest
 *   kept, bytes of bodies, when the oldest was appended, when entries and ids expire (doubles) · which server wrote last (20) · epoch (24)
 *   · of each epoch before, the last one first: up to which of its versions entries are the same (double), and that epoch (24);
 * - `:e`, a list of the entries from the oldest to the newest. See `entry-bytes.ts` for how one is written;
 * - `:i`, a hash of message id → version. What it says of an id counts where the entry of that version has this id.
 *
 * Epochs. A log begins under an epoch made of the store's prefix, the server's incarnation (its replication id: new at each start, at
 * each promotion to master and at each demotion) and the week, so that readers of a log that was never written are told what its first entry gets,
 * without a trace. An epoch is of no log's own: many that are written at once are told, and passed on, under one name. Every later
 * append begins a new epoch first, when
 * - another incarnation wrote last, unless that one flushed every write (appendfsync always) and had no replicas, and this one
 *   was not promoted: then nothing acknowledged can be missing;
 * - the log ends before a version that this process saw acknowledged; that epoch is made of this version and its epoch too, since a
 *   log may be lost twice within an incarnation.
 * Versions go on and entries stay: the head says up to which version they are those of the epochs before. Readers are told the
 * new epoch already, so it is written down when somebody reads: a later one has to name it.
 *
 * Repair. A server that was killed while it wrote a transaction to its append-only file leaves the beginning of it there, and carries
 * that out at the start after the next one, when others have long been given those versions. So an append writes entry, id and
 * head in this order (the head once for all appends to a log in one batch), and under a new incarnation a log is compared with its
 * entries: they name their versions, so the later one of each is kept. And since single commands behind such a beginning are lost,
 * every write is several commands, which the server makes a transaction; but for the one that says only that an epoch has begun.
 *
 * Expiry. Entries and ids expire by their age, heads more than a week later, so the same week never begins the same log twice.
 * Expiries are renewed when they are half a minute off.
 *
 * Trimming. An append leaves a 64th more than the limits allow, and at most a minute, before it trims, many at once. Whoever
 * reads, or repeats an id, trims exactly first, so nobody sees the difference.
 */

const WEEK_MS = 7 * 86_400_000;
/** Entries leave by their age when somebody looks; those that nobody looks at, so much later. */
const GRACE_MS = 60_000;

/**
 * ARGV of every script begins with: now in ms or '' for the server's clock, whether writes are flushed ('1'). Of a log it is told
 * its terms: maxEntries, maxBytes, maxAgeMs, version seen acknowledged (doubles), and the epoch of that, if any.
 */
export const LOG = `
local WEEK_MS, OUTLIVES_MS, GRACE_MS = ${WEEK_MS}, ${WEEK_MS + 86_400_000}, ${GRACE_MS}
local SLACK = 1 / 64
local EPOCHS_BEFORE, BEFORE_BYTES = 8, 32
local HEAD, ENTRY, BEFORE = '>c1dddddc20c24', '>ddIBHc0', '>dc24'
local call, pack, unpacked = redis.call, struct.pack, struct.unpack
local info = call('INFO', 'replication')
local server = string.match(info, 'master_replid:(%x+)')
if not server then return redis.error_reply('ERR this server has no replication id') end
server = string.sub(server, 1, 20)
local promoted = string.match(info, 'master_replid2:(%x+)') ~= string.rep('0', 40)
local now, safe = tonumber(ARGV[1]), ARGV[2]
if not now then
  local time = call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local outlives = (safe == '1' and string.find(info, 'connected_slaves:0', 1, true)) and '1' or '0'

-- One for all logs of a store to which the same happens.
local function epoch_of(head, ...)
  local store = string.match(head, '^.-:log:')
  return string.sub(redis.sha1hex(table.concat({ store, server, ... }, ' ')), 1, 24)
end

local function begin_epoch(log, last, ...)
  local before = { pack(BEFORE, log.version, last) }
  for at = 1, math.min(#log.before, BEFORE_BYTES * (EPOCHS_BEFORE - 1)), BEFORE_BYTES do
    local version, epoch = unpacked(BEFORE, log.before, at)
    before[#before + 1] = pack(BEFORE, math.min(version, log.version), epoch)
  end
  log.before, log.epoch, log.began = table.concat(before), epoch_of(log.head, ...), true
end

local function version_at(log, index)
  local entry = call('LINDEX', log.list, index)
  if entry then return (select(2, unpacked('>dd', entry))) end
end

-- Of the entries of one version the last is the log's; the others came from a transaction that was cut off.
local function repair(log)
  local first, last = version_at(log, 0), version_at(log, -1)
  if not first then return end
  local count = log.version - log.first + 1
  if first == log.first and last == log.version and call('LLEN', log.list) == count then return end
  local entries = call('LRANGE', log.list, 0, -1)
  local kept, wanted, bytes = {}, nil, 0
  for i = #entries, 1, -1 do
    local at, version, size = unpacked('>ddI', entries[i])
    if not wanted and version <= log.version then
      wanted, log.torn = version, version < log.version
      log.version = version
    end
    if version == wanted then
      kept[#kept + 1], wanted, bytes, log.oldest = entries[i], wanted - 1, bytes + size, at
    end
  end
  call('DEL', log.list, log.ids)
  log.first, log.bytes, log.expires, log.repaired = log.version - #kept + 1, bytes, 0, true
  for i = #kept, 1, -1 do
    call('RPUSH', log.list, kept[i])
    local _, version, _, _, id = unpacked(ENTRY, kept[i])
    if id ~= '' then call('HSET', log.ids, id, version) end
  end
end

local function open(head, list, ids, terms)
  local max_entries, max_bytes, max_age, seen_version, at = unpacked('>dddd', terms)
  local seen, known = string.sub(terms, at), call('GET', head)
  local log = {
    head = head, list = list, ids = ids, seen = seen, version = 0, first = 1, bytes = 0, oldest = 0, expires = 0, before = '',
    max_entries = max_entries, max_bytes = max_bytes, max_age = max_age, fresh = not known,
  }
  if known then
    local outlived, writer, epoch, at
    outlived, log.version, log.first, log.bytes, log.oldest, log.expires, writer, epoch, at = unpacked(HEAD, known)
    log.epoch, log.before = epoch, string.sub(known, at)
    if writer ~= server then
      repair(log)
      if log.torn or promoted or safe ~= '1' or outlived ~= '1' then begin_epoch(log, epoch) end
    end
  else
    log.epoch = epoch_of(head, math.floor(now / WEEK_MS))
  end
  if log.version < seen_version and (log.fresh or log.epoch == seen) then
    begin_epoch(log, seen, seen, seen_version)
    log.lost = true
  end
  return log
end

local function within(log, slack)
  local count = log.version - log.first + 1
  return count == 0 or (count <= log.max_entries * (1 + slack) and (count == 1 or log.bytes <= log.max_bytes * (1 + slack))
    and now - log.oldest <= log.max_age + math.min(GRACE_MS, log.max_age * slack))
end

local trimmed = 0
local function trim(log)
  while not within(log, 0) do
    local count = log.version - log.first + 1
    local gone = call('LPOP', log.list, math.max(1, math.min(64, count - log.max_entries)))
    if not gone then
      -- All have expired.
      log.first, log.bytes, log.changed, trimmed = log.version + 1, 0, true, trimmed + count
      return
    end
    local ids = {}
    for _, entry in ipairs(gone) do
      local _, _, size, _, id = unpacked(ENTRY, entry)
      log.bytes = log.bytes - size
      if id ~= '' then ids[#ids + 1] = id end
    end
    if #ids > 0 then call('HDEL', log.ids, unpack(ids)) end
    log.first, log.changed, trimmed = log.first + #gone, true, trimmed + #gone
    local oldest = call('LINDEX', log.list, 0)
    if oldest then log.oldest = unpacked('>d', oldest) end
  end
end

local function packed_head(log)
  return pack(HEAD, outlives, log.version, log.first, log.bytes, log.oldest, log.expires, server, log.epoch) .. log.before
end

local function save(log)
  local life = log.max_age + GRACE_MS
  if math.abs(now + life - log.expires) <= GRACE_MS / 2 then
    call('SET', log.head, packed_head(log), 'KEEPTTL')
    return
  end
  log.expires = now + life
  call('SET', log.head, packed_head(log), 'PX', life + OUTLIVES_MS)
  call('PEXPIRE', log.list, life)
  -- A hash that became empty would lose its expiry.
  call('HSET', log.ids, '', '')
  call('PEXPIRE', log.ids, life)
end
`;
