/** Redis is killed again and again while several processes' stores append: nothing that was acknowledged is lost or given twice. */
import { RecordingLogger, RecordingMetrics, seededRandom } from '@im/protocol/testing';
import { hasRedisServer, type RedisServer, startRedisServer } from '@im/test-servers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRedisLogStore, type RedisLogStore, type RedisLogStoreOptions } from './redis-log-store.js';

const GROUPS = ['d:0', 'd:1', 'd:2', 'd:3'];
const WRITERS = 8;

describe.skipIf(!hasRedisServer)('a Redis that is killed while it is appended to', () => {
  let server: RedisServer;
  let stores: RedisLogStore[];
  /** Group, epoch and version → message id, as acknowledged. */
  let acknowledged: Map<string, string>;

  beforeEach(async () => {
    acknowledged = new Map();
    server = await startRedisServer({ persistent: true });
    // A disk at work must not be taken for a server that hangs.
    stores = [1, 2].map(() => createRedisLogStore({ url: server.url, timeoutMs: 30_000 }));
    await Promise.all(stores.map((store) => store.ready()));
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await server.stop();
  });

  function note(group: string, { epoch, version }: { epoch: string; version: number }, id: string): void {
    const position = `${group} ${epoch} ${version}`;
    expect(acknowledged.get(position) ?? id, `${position} given twice`).toBe(id);
    acknowledged.set(position, id);
  }

  /** Appends until the first failure, as a process does that stops at it. */
  async function write(store: RedisLogStore, writer: number, life: number): Promise<void> {
    for (let count = 0; ; count += 1) {
      const id = `${life}-${writer}-${count}`;
      const entry = { id, event: 'message', body: Buffer.alloc(200, id), time: count };
      if (count % 5 === 0) {
        for (const [group, outcome] of await store.appendMany(GROUPS, entry)) {
          if (outcome instanceof Error) return;
          note(group, outcome, id);
        }
      } else {
        const group = GROUPS[(writer + count) % GROUPS.length] as string;
        const appended = await store.append(group, entry).catch(() => undefined);
        if (appended === undefined) return;
        note(group, appended, id);
      }
    }
  }

  it('has every acknowledged version afterwards, without a hole and without a repeat within an epoch', async () => {
    const random = seededRandom(7);
    for (let life = 0; life < 5; life += 1) {
      const before = acknowledged.size;
      const writing = Array.from({ length: WRITERS }, (_, writer) =>
        write(stores[writer % stores.length] as RedisLogStore, writer, life),
      );
      const enough = before + 50 + Math.floor(random() * 300);
      await vi.waitFor(() => expect(acknowledged.size).toBeGreaterThan(enough), { timeout: 30_000, interval: 1 });
      await server.kill();
      await Promise.all(writing);
      await server.restart();
      await Promise.all(stores.map((store) => vi.waitFor(() => expect(store.available).toBe(true), 30_000)));

      const found = new Map<string, string | undefined>();
      for (const group of GROUPS) {
        const { epoch, version, entries } = await (stores[0] as RedisLogStore).read(group, {
          after: 0,
          limit: 100_000,
        });
        expect(entries.map((entry) => entry.version)).toEqual(Array.from({ length: version }, (_, i) => i + 1));
        expect(new Set(entries.map(({ id }) => id)).size).toBe(version);
        for (const entry of entries) {
          expect(Buffer.compare(entry.body, Buffer.alloc(200, entry.id))).toBe(0);
          found.set(`${group} ${epoch} ${entry.version}`, entry.id);
        }
      }
      for (const [position, id] of acknowledged) expect(found.get(position), position).toBe(id);
    }
  }, 120_000);

  /** What a process that is started now finds. */
  async function opened(options: Partial<RedisLogStoreOptions> = {}): Promise<RedisLogStore> {
    const store = createRedisLogStore({ url: server.url, ...options });
    stores.push(store);
    await store.ready();
    return store;
  }
  const gift = (id: string) => ({ id, event: 'gift', body: Buffer.alloc(200, id), time: 1 });

  // Within what is written to d:2, after its entry; and further back.
  it.each([
    [20, ['d:2']],
    [100, ['d:2']],
    [170, ['d:2']],
    [230, ['d:2']],
    [270, ['d:2']],
    [350, []],
    [600, []],
    [800, []],
  ])(
    'keeps what it acknowledged later where its file ends within a transaction, %i bytes before the end',
    async (bytes, torn) => {
      const retention = { default: { maxEntries: 3, maxBytes: 100_000, maxAgeMs: 86_400_000 } };
      const [metrics, logger] = [new RecordingMetrics(), new RecordingLogger()];
      const first = await opened({ retention, metrics });
      for (const id of ['1', '2', '3']) await first.appendMany(['d:1', 'd:2'], gift(id));
      await first.appendMany(['d:1', 'd:2'], gift('torn'));
      await server.kill();
      await server.tear(bytes);
      await server.restart();
      const repaired = () => metrics.value('im_timeline_repaired_logs_total', { store: 'redis' });
      expect(repaired()).toBe(0);
      const second = await opened({ retention, metrics, logger });
      const before = await second.head('d:2');
      const given = await second.append('d:2', gift('kept'));
      expect(given).toEqual({ epoch: before.epoch, version: before.version + 1, duplicate: false });
      await server.kill();
      await server.restart();
      const third = await opened({ metrics, logger });
      const page = await third.read('d:2', { after: 0, limit: 10 });
      expect(page.entries.at(-1)).toMatchObject({ id: 'kept', version: given.version });
      expect(page.entries.map(({ version }) => version)).toEqual(
        Array.from({ length: page.entries.length }, (_, i) => given.version - page.entries.length + 1 + i),
      );
      expect(await third.append('d:2', gift('kept'))).toMatchObject({ version: given.version, duplicate: true });
      expect(await third.append('d:2', gift('torn'))).toMatchObject({ version: given.version + 1, duplicate: false });
      const other = await third.read('d:1', { after: 0, limit: 10 });
      expect(other.entries.at(-1)?.version).toBe(other.version);
      expect(new Set(other.entries.map(({ id }) => id)).size).toBe(other.entries.length);
      const named = logger.records
        .filter(({ message }) => message.includes('cut off'))
        .map(({ fields }) => fields.group);
      expect(named).toEqual(expect.arrayContaining(torn));
      expect(repaired()).toBe(named.length);
    },
    60_000,
  );

  it('believes no id that a transaction which was cut off has left, though nothing else is left of it', async () => {
    const retention = { default: { maxEntries: 1, maxBytes: 100_000, maxAgeMs: 86_400_000 } };
    const again = async () => {
      await server.kill();
      await server.restart();
      return opened({ retention });
    };
    const first = await opened({ retention });
    await first.append('d:2', gift('1'));
    await first.append('d:2', gift('torn'));
    await server.kill();
    // The head alone is missing.
    await server.tear(100);
    await server.restart();
    const second = await opened({ retention });
    expect(await second.append('d:2', gift('kept'))).toMatchObject({ version: 2, duplicate: false });
    const third = await again();
    expect(await third.append('d:2', gift('kept'))).toMatchObject({ version: 2, duplicate: true });
    expect(await third.append('d:2', gift('torn'))).toMatchObject({ version: 3, duplicate: false });
    expect((await third.read('d:2', { after: 0, limit: 9 })).entries.map(({ id }) => id)).toEqual(['torn']);
  }, 60_000);
});
