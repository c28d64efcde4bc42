/** Redis is killed again and again while several processes' stores append: nothing that was acknowledged is lost or given twice. */
import { seededRandom } from '@im/protocol/testing';
import { hasRedisServer, type RedisServer, startRedisServer } from '@im/test-servers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRedisLogStore, type RedisLogStore } from './redis-log-store.js';

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
});
