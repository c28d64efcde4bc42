import { seededRandom } from '@im/protocol/testing';
import { hasRedisServer, type RedisServer, type RedisServerOptions, startRedisServer } from '@im/test-servers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { RecordChange, RecordStore } from '../record-store.js';
import { createRedisLogStore, type RedisLogStore, type RedisLogStoreOptions } from './redis-log-store.js';

function put(field: string, body: string, revision?: number): RecordChange {
  return { field, body: Buffer.from(body), ...(revision !== undefined && { revision }) };
}

const remove = (field: string): RecordChange => ({ field, body: undefined });

describe.skipIf(!hasRedisServer)('records in Redis', () => {
  let server: RedisServer;
  const opened: RedisLogStore[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
    await server.stop();
  });

  async function begin(options: RedisServerOptions = {}): Promise<void> {
    server = await startRedisServer(options);
  }

  async function open(options: Partial<RedisLogStoreOptions> = {}): Promise<RedisLogStore> {
    const store = createRedisLogStore({ url: server.url, ...options });
    opened.push(store);
    await store.ready();
    return store;
  }

  async function textOf(records: RecordStore, owner: string, field: string): Promise<string | undefined> {
    const record = (await records.get(owner, [field])).get(field);
    return record && Buffer.from(record.body).toString();
  }

  it('are the same for several processes, of which one wins where they write the same', async () => {
    await begin();
    const stores = await Promise.all([open(), open(), open()]);
    async function add({ records }: RedisLogStore): Promise<void> {
      for (;;) {
        const before = (await records.get('u:ann', ['n'])).get('n');
        const count = before === undefined ? 0 : Number(Buffer.from(before.body).toString());
        try {
          return await records.write('u:ann', [put('n', `${count + 1}`, before?.revision ?? 0)]);
        } catch (error) {
          expect(error).toMatchObject({ name: 'RECORD_CHANGED' });
        }
      }
    }
    await Promise.all(Array.from({ length: 30 }, (_, index) => add(stores[index % 3] as RedisLogStore)));
    expect(await textOf((await open()).records, 'u:ann', 'n')).toBe('30');
  });

  it('lie beside the log of their owner, and leave nothing once they are deleted', async () => {
    await begin();
    const { records } = await open({ prefix: 'x' });
    await records.write('p1/u:ann', [put('a', '1'), put('b', '1')]);
    expect(await server.command('DBSIZE')).toMatch(/2/);
    expect(await server.command('EXISTS', 'x:record:{p1/u:ann}', 'x:record:{p1/u:ann}:f')).toMatch(/2/);
    await records.write('p1/u:ann', [remove('a'), remove('b')]);
    expect(await server.command('DBSIZE')).toMatch(/0/);
  });

  it.each([
    ['one server', false],
    ['a Redis Cluster', true],
  ])(
    'answer STORE_UNAVAILABLE while the server is away, at once, and are back by themselves: %s',
    async (_, cluster) => {
      await begin({ persistent: true, cluster });
      const { records, ...store } = await open({ cluster }).then((each) => ({
        records: each.records,
        available: () => each.available,
      }));
      await records.write('u:ann', [put('a', '1')]);
      await server.kill();
      await vi.waitFor(() => expect(store.available()).toBe(false), 10_000);
      const away = expect.objectContaining({ name: 'STORE_UNAVAILABLE', retryable: true });
      await expect(records.write('u:ann', [put('a', '2')])).rejects.toEqual(away);
      await expect(records.get('u:ann', ['a'])).rejects.toEqual(away);
      await expect(records.page('u:ann', { prefix: '', limit: 1 })).rejects.toEqual(away);
      await server.restart();
      await vi.waitFor(() => expect(store.available()).toBe(true), 10_000);
      expect(await textOf(records, 'u:ann', 'a')).toBe('1');
      await records.write('u:ann', [put('a', '2')]);
    },
  );

  it('answer STORE_UNAVAILABLE in bounded time when the server hangs', async () => {
    await begin();
    const { records } = await open({ timeoutMs: 300 });
    server.pause();
    await expect(records.write('u:ann', [put('a', '1')])).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    server.resume();
  });

  it('answer STORE_FULL when the server has no room, changing nothing; deleting goes on', async () => {
    await begin();
    const { records } = await open();
    await records.write('u:ann', [put('a', '1'), put('b', '1')]);
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    const full = expect.objectContaining({ name: 'STORE_FULL', retryable: true });
    await expect(records.write('u:ann', [put('a', '2'), put('c', '2')])).rejects.toEqual(full);
    expect(await textOf(records, 'u:ann', 'a')).toBe('1');
    await records.write('u:ann', [remove('a')]);
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    await records.write('u:ann', [put('c', '2')]);
    expect((await records.page('u:ann', { prefix: '', limit: 9 })).records.map(({ field }) => field)).toEqual([
      'b',
      'c',
    ]);
  });

  it('answer CLOSED once their store is closed', async () => {
    await begin();
    const store = await open();
    await store.close();
    await expect(store.records.write('u:ann', [put('a', '1')])).rejects.toMatchObject({ name: 'CLOSED' });
    await expect(store.records.get('u:ann', ['a'])).rejects.toMatchObject({ name: 'CLOSED' });
  });

  it('are all there after Redis was killed at any moment, when it flushes every write, and whole', async () => {
    await begin({ persistent: true });
    const { records, ...store } = await open({ timeoutMs: 30_000 }).then((each) => ({
      records: each.records,
      available: () => each.available,
    }));
    const random = seededRandom(11);
    /** Owner → number of its last acknowledged write. */
    const written = new Map<string, number>();

    /** Two records that are always changed together; until the first failure, as a process does that stops at it. */
    async function write(owner: string): Promise<void> {
      for (let count = (written.get(owner) ?? 0) + 1; ; count += 1) {
        try {
          await records.write(owner, [put('one', `${count}`), put('other', `${count}`)]);
        } catch {
          return;
        }
        written.set(owner, count);
      }
    }

    for (let life = 0; life < 4; life += 1) {
      const before = sum(written);
      const writing = ['u:0', 'u:1', 'g:2', 'g:3'].map(write);
      const enough = before + 20 + Math.floor(random() * 200);
      await vi.waitFor(() => expect(sum(written)).toBeGreaterThan(enough), { timeout: 30_000, interval: 1 });
      await server.kill();
      await Promise.all(writing);
      await server.restart();
      await vi.waitFor(() => expect(store.available()).toBe(true), 30_000);
      for (const [owner, count] of written) {
        const both = [await textOf(records, owner, 'one'), await textOf(records, owner, 'other')];
        // The write that was under way may be there, whole.
        expect([`${count},${count}`, `${count + 1},${count + 1}`], owner).toContain(both.join());
        written.set(owner, Number(both[0]));
      }
    }
  }, 120_000);

  it.each([30, 60, 100, 150, 200])(
    'are whole, and right when written again, where the file ends within a write, %i bytes before the end',
    async (bytes) => {
      await begin({ persistent: true });
      const first = await open();
      await first.records.write('u:ann', [put('a', '1'), put('b', '1')]);
      await first.records.write('u:ann', [put('a', '2'), remove('b'), put('c', '2')]);
      await server.kill();
      await server.tear(bytes);
      await server.restart();
      const second = await open();
      const state = async ({ records }: RedisLogStore) => {
        const page = await records.page('u:ann', { prefix: '', limit: 9 });
        return page.records.map(({ field, body }) => `${field}${Buffer.from(body).toString()}`).join(' ');
      };
      const found = await state(second);
      expect(['a1 b1', 'a2 c2', '']).toContain(found);
      await second.records.write('u:ann', [put('a', '3'), put('b', '3'), remove('c')]);
      await server.kill();
      await server.restart();
      // What was torn may be carried out now, before what was acknowledged since.
      expect(await state(await open())).toBe('a3 b3');
    },
    30_000,
  );
});

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
