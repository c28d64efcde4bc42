import { FakeClock, RecordingLogger, RecordingMetrics } from '@im/protocol/testing';
import { hasRedisServer, type RedisServer, type RedisServerOptions, startRedisServer } from '@im/test-servers';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { NewEntry } from '../log-store.js';
import { createMemoryLogStore } from '../memory/memory-log-store.js';
import { standInFor } from '../stand-in-log-store.js';
import { describeLogStoreContract } from '../testing/log-store-contract.js';
import { describeRecordStoreContract } from '../testing/record-store-contract.js';
import { createRedisLogStore, type RedisLogStore, type RedisLogStoreOptions } from './redis-log-store.js';

let stores = 0;
const opened: RedisLogStore[] = [];

async function open(server: RedisServer, options: Partial<RedisLogStoreOptions> = {}): Promise<RedisLogStore> {
  stores += 1;
  const store = createRedisLogStore({ url: server.url, prefix: `t${stores}`, ...options });
  opened.push(store);
  await store.ready();
  return store;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
});

function entryOf(body: string, id?: string): NewEntry {
  return { event: 'gift', body: Buffer.from(body), time: 1, ...(id !== undefined && { id }) };
}

describe.skipIf(!hasRedisServer)('Redis log store', () => {
  describe.each<[string, RedisServerOptions]>([
    ['one server', {}],
    ['a Redis Cluster', { cluster: true }],
  ])('on %s', (name, serverOptions) => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await startRedisServer(serverOptions);
    });
    afterAll(() => server.stop());
    const cluster = serverOptions.cluster ?? false;

    describeLogStoreContract(`redis, ${name}`, ({ retention, clock }) => {
      return open(server, { cluster, retention, clock });
    });

    describeRecordStoreContract(`redis, ${name}`, async () => {
      const store = await open(server, { cluster });
      return { records: store.records, close: () => store.close() };
    });

    it('gives versions to several processes without a hole and without a repeat', async () => {
      const prefix = 'shared';
      const writers = await Promise.all([1, 2, 3].map(() => open(server, { cluster, prefix })));
      const appended = await Promise.all(
        writers.flatMap((writer) => Array.from({ length: 100 }, (_, i) => writer.append('r:1', entryOf(`${i}`)))),
      );
      const versions = appended.map(({ version }) => version).sort((a, b) => a - b);
      expect(versions).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
      expect(new Set(appended.map(({ epoch }) => epoch)).size).toBe(1);
    });

    it('recognises an id that another process appended', async () => {
      const [one, two] = [
        await open(server, { cluster, prefix: 'ids' }),
        await open(server, { cluster, prefix: 'ids' }),
      ];
      const first = await one.append('r:1', entryOf('1', 'm1'));
      expect(await two.append('r:1', entryOf('1', 'm1'))).toEqual({ ...first, duplicate: true });
    });
  });

  describe('as a server of its own', () => {
    let server: RedisServer;
    afterEach(() => server.stop());

    it('stores a body that many logs hold once', async () => {
      server = await startRedisServer();
      const store = await open(server);
      const groups = Array.from({ length: 1_000 }, (_, i) => `u:${i}`);
      const body = 'x'.repeat(20_000);
      await store.appendMany(groups, entryOf(body, 'm1'));
      const memory = Number(/used_memory:(\d+)/.exec(await server.command('INFO', 'memory'))?.[1]);
      expect(memory).toBeLessThan(10_000_000);
      const { entries } = await store.read('u:999', { before: 2, limit: 1 });
      expect(Buffer.from(entries[0]?.body ?? []).toString()).toBe(body);
    });

    it('has one epoch for many logs, also after a restart, so that what is told of many names it once', async () => {
      server = await startRedisServer({ persistent: true, appendfsync: 'everysec' });
      const store = await open(server, { clock: new FakeClock() });
      const groups = Array.from({ length: 200 }, (_, i) => `u:${i}`);
      const epochs = async (id: string) => {
        const outcomes = [...(await store.appendMany(groups, entryOf('1', id))).values()];
        return new Set(outcomes.map((outcome) => ('epoch' in outcome ? outcome.epoch : outcome)));
      };
      const before = await epochs('m1');
      expect(before.size).toBe(1);
      await store.append('u:7', entryOf('2'));
      await server.restart();
      await vi.waitFor(() => expect(store.available).toBe(true), 10_000);
      const after = await epochs('m2');
      expect(after.size).toBe(1);
      expect(after).not.toEqual(before);
    });

    it('lets entries end by their age although nobody looks, and remembers the version for more than a week', async () => {
      server = await startRedisServer();
      const retention = { default: { maxEntries: 10, maxBytes: 10, maxAgeMs: 1_000 } };
      const store = await open(server, { prefix: 'ttl', retention });
      const before = await store.append('r:1', entryOf('1', 'm1'));
      const lifeOf = async (key: string) => Number((await server.command('PTTL', key)).slice(1));
      const [log, entries, ids] = await Promise.all(
        [':h', ':e', ':i'].map((suffix) => lifeOf(`ttl:log:{r:1}${suffix}`)),
      );
      expect(log).toBeGreaterThan(7 * 86_400_000 + 1_000);
      for (const life of [entries, ids]) expect(life).toBeLessThan(62_000);
      await server.command('DEL', 'ttl:log:{r:1}:e', 'ttl:log:{r:1}:i');
      expect(await store.head('r:1')).toEqual({ epoch: before.epoch, version: 1, first: 2 });
      expect(await store.append('r:1', entryOf('1', 'm1'))).toEqual({ ...before, version: 2 });
      expect((await store.read('r:1', { after: 0, limit: 9 })).entries.map(({ version }) => version)).toEqual([2]);
    });

    it('leaves no key without an end, whatever goes and comes', async () => {
      server = await startRedisServer();
      const clock = new FakeClock();
      const retention = { default: { maxEntries: 2, maxBytes: 100, maxAgeMs: 10_000 } };
      const store = await open(server, { prefix: 'ttl', retention, clock });
      const endless = async () => {
        const keys = (await server.command('KEYS', '*')).match(/ttl:log:\S+/g) ?? [];
        const lives = await Promise.all(keys.map((key) => server.command('PTTL', key)));
        return keys.filter((_, i) => lives[i]?.trim() === ':-1');
      };
      await store.append('r:1', entryOf('no id'));
      for (const id of ['m1', 'm2', 'm3', 'm4']) {
        await store.append('r:1', entryOf('x', id));
        expect(await endless()).toEqual([]);
      }
      await server.command('DEL', 'ttl:log:{r:1}:e', 'ttl:log:{r:1}:i');
      await store.append('r:1', entryOf('x', 'm5'));
      expect(await endless()).toEqual([]);
      // A reader finds that all have expired, so that the entries are gone.
      clock.advance(10_001);
      expect(await store.head('r:1')).toMatchObject({ first: 7 });
      await store.append('r:1', entryOf('no id'));
      expect(await endless()).toEqual([]);
      await store.append('r:1', entryOf('x', 'm6'));
      expect(await endless()).toEqual([]);
      await server.command('PERSIST', 'ttl:log:{r:1}:e');
      expect(await endless()).toEqual(['ttl:log:{r:1}:e']);
    });

    it('trims many at once, and shows nobody more than is kept', async () => {
      server = await startRedisServer();
      const metrics = new RecordingMetrics();
      const retention = { default: { maxEntries: 640, maxBytes: 100_000, maxAgeMs: 100_000 } };
      const store = await open(server, { prefix: 'many', retention, metrics });
      const trimmed = () => metrics.value('im_timeline_trimmed_total', { store: 'redis' });
      const appendTo = async (version: number) => {
        for (let next = (await store.head('r:1')).version + 1; next <= version; next += 1) {
          await store.append('r:1', entryOf('x', `m${next}`));
        }
      };
      await appendTo(650);
      expect(trimmed()).toBe(0);
      await store.append('r:1', entryOf('x', 'm651'));
      expect(trimmed()).toBe(11);
      await appendTo(655);
      // It is in Redis, and forgotten all the same.
      expect(await store.append('r:1', entryOf('x', 'm15'))).toMatchObject({ version: 656, duplicate: false });
      expect(await store.append('r:1', entryOf('x', 'm17'))).toMatchObject({ version: 17, duplicate: true });
      const { first, entries } = await store.read('r:1', { after: 0, limit: 1_000 });
      expect([first, entries.length, entries[0]?.id]).toEqual([17, 640, 'm17']);
    });

    it('lets the server end the entries of each kind at their own age, and a body with the last log that holds it', async () => {
      server = await startRedisServer();
      const of = (maxAgeMs: number) => ({ maxEntries: 10, maxBytes: 1_000_000, maxAgeMs });
      const retention = { default: of(3_600_000), kinds: { r: of(60_000), d: of(86_400_000) } };
      const store = await open(server, { prefix: 'kinds', retention });
      await store.appendMany(['r:1', 'u:1', 'd:1'], entryOf('x'.repeat(2_000), 'm1'));
      const lifeOf = async (key: string) => Number((await server.command('PTTL', key)).slice(1));
      for (const [group, age] of Object.entries({ 'r:1': 60_000, 'u:1': 3_600_000, 'd:1': 86_400_000 })) {
        for (const part of [':e', ':i']) {
          const life = await lifeOf(`kinds:log:{${group}}${part}`);
          expect(life).toBeGreaterThan(age - 10_000);
          expect(life).toBeLessThan(age * 1.5 + 120_000);
        }
      }
      const [body = ''] = (await server.command('KEYS', 'kinds:body:*')).match(/kinds:body:\S+/) ?? [];
      expect(await lifeOf(body)).toBeGreaterThan(86_400_000);
    });

    it('begins a new epoch, versions going on, when a server that flushes nothing was restarted', async () => {
      server = await startRedisServer();
      const store = await open(server);
      const before = await store.append('r:1', entryOf('1'));
      await server.restart();
      await vi.waitFor(() => expect(store.available).toBe(true), 10_000);
      const head = await store.head('r:1');
      const after = await store.append('r:1', entryOf('2'));
      expect(after.epoch).not.toBe(before.epoch);
      expect(head.epoch).toBe(after.epoch);
    });

    it('keeps the epoch, and everything, when a server that flushes every write was killed and restarted', async () => {
      server = await startRedisServer({ persistent: true });
      const store = await open(server);
      const before = await store.append('r:1', entryOf('1', 'm1'));
      await server.kill();
      await server.restart();
      await vi.waitFor(() => expect(store.available).toBe(true), 10_000);
      expect(await store.append('r:1', entryOf('1', 'm1'))).toEqual({ ...before, duplicate: true });
      expect(await store.append('r:1', entryOf('2'))).toEqual({ epoch: before.epoch, version: 2, duplicate: false });
    });

    it('begins a new epoch when writes were not flushed, although nothing was lost', async () => {
      server = await startRedisServer({ persistent: true });
      await server.command('CONFIG', 'SET', 'appendfsync', 'everysec');
      const store = await open(server);
      const before = await store.append('r:1', entryOf('1'));
      await server.restart();
      await vi.waitFor(() => expect(store.available).toBe(true), 10_000);
      const continues = [{ epoch: before.epoch, version: 1 }];
      expect(await store.head('r:1')).toMatchObject({ version: 1, continues });
      const after = await store.append('r:1', entryOf('2'));
      expect(after).toMatchObject({ version: 2, duplicate: false });
      expect(after.epoch).not.toBe(before.epoch);
      await store.append('r:1', entryOf('3'));
      const page = await store.read('r:1', { after: 0, limit: 10 });
      expect(page).toMatchObject({ epoch: after.epoch, version: 3, continues });
      expect(page.entries.map(({ version }) => version)).toEqual([1, 2, 3]);
    });

    it('names each epoch that anybody was told since, eight at most, also those in which nothing was appended', async () => {
      server = await startRedisServer({ persistent: true, appendfsync: 'everysec' });
      const store = await open(server);
      const told = [(await store.append('r:1', entryOf('1'))).epoch];
      for (let starts = 1; starts <= 10; starts += 1) {
        await server.restart();
        await vi.waitFor(() => expect(store.available).toBe(true), 10_000);
        if (starts === 2) await store.append('r:1', entryOf('2'));
        const { epoch, version, continues } = await store.head('r:1');
        const sameUpTo = (index: number) => (index < 2 ? 1 : version);
        const before = told.map((each, index) => ({ epoch: each, version: sameUpTo(index) }));
        expect(continues).toEqual(before.reverse().slice(0, 8));
        told.push(epoch);
      }
      expect(new Set(told).size).toBe(11);
      expect(await store.append('r:1', entryOf('3'))).toMatchObject({ epoch: told.at(-1), version: 3 });
    });

    it('is read as well where it cannot be written that another epoch has begun', async () => {
      server = await startRedisServer({ persistent: true, appendfsync: 'everysec' });
      const store = await open(server);
      const { epoch } = await store.append('r:1', entryOf('1'));
      await server.restart();
      await vi.waitFor(() => expect(store.available).toBe(true), 10_000);
      await server.command('CONFIG', 'SET', 'maxmemory', '1');
      const page = await store.read('r:1', { after: 0, limit: 10 });
      expect(page).toMatchObject({ version: 1, continues: [{ epoch, version: 1 }] });
      await expect(store.append('r:1', entryOf('2'))).rejects.toMatchObject({ name: 'STORE_FULL' });
    });

    it('takes a server that does not tell its configuration for one that flushes nothing', async () => {
      server = await startRedisServer({ persistent: true });
      await server.command('ACL', 'SETUSER', 'default', '-config');
      const logger = new RecordingLogger();
      const store = await open(server, { logger });
      expect(JSON.stringify(logger.records)).toContain('does not tell its configuration');
      const before = await store.append('r:1', entryOf('1'));
      await server.restart();
      await vi.waitFor(() => expect(store.available).toBe(true), 10_000);
      expect((await store.append('r:1', entryOf('2'))).epoch).not.toBe(before.epoch);
    });

    it('begins a new epoch after a change of roles', async () => {
      server = await startRedisServer({ persistent: true });
      const other = await startRedisServer();
      try {
        const store = await open(server);
        const before = await store.append('r:1', entryOf('1'));
        await server.command('REPLICAOF', '127.0.0.1', `${other.port}`);
        await server.command('REPLICAOF', 'NO', 'ONE');
        await vi.waitFor(async () => {
          const after = await store.append('r:1', entryOf('2'));
          expect(after.epoch).not.toBe(before.epoch);
        }, 10_000);
      } finally {
        await other.stop();
      }
    });

    it('begins a new epoch when the log ends below what it acknowledged, or is gone', async () => {
      server = await startRedisServer();
      const store = await open(server, { prefix: 'back' });
      await store.append('r:1', entryOf('1'));
      for (const key of [':h', ':e']) await server.command('COPY', `back:log:{r:1}${key}`, `copy${key}`);
      const lost = await store.append('r:1', entryOf('2'));
      for (const key of [':h', ':e']) await server.command('COPY', `copy${key}`, `back:log:{r:1}${key}`, 'REPLACE');
      const anew = await store.append('r:1', entryOf('2'));
      expect(anew.version).toBe(2);
      expect(anew.epoch).not.toBe(lost.epoch);
      expect(await store.head('r:1')).toMatchObject({ continues: [{ epoch: lost.epoch, version: 1 }] });

      await server.command('FLUSHALL');
      const { epoch } = await store.head('r:1');
      const fresh = await store.append('r:1', entryOf('1'));
      expect(fresh).toEqual({ epoch, version: 1, duplicate: false });
      expect([lost.epoch, anew.epoch]).not.toContain(epoch);
    });

    it.each([
      ['one server', false],
      ['a Redis Cluster', true],
    ])(
      'answers STORE_UNAVAILABLE while the server is away, at once, and recovers by itself: %s',
      async (_, cluster) => {
        server = await startRedisServer({ persistent: true, cluster });
        const store = await open(server, { cluster });
        const heard: boolean[] = [];
        store.onAvailability((available) => heard.push(available));
        await server.kill();
        await vi.waitFor(() => expect(store.available).toBe(false), 10_000);
        const away = expect.objectContaining({ name: 'STORE_UNAVAILABLE', retryable: true });
        await expect(store.append('r:1', entryOf('1'))).rejects.toEqual(away);
        await expect(store.read('r:1', { after: 0, limit: 1 })).rejects.toEqual(away);
        expect((await store.appendMany(['r:1', 'r:2'], entryOf('1'))).get('r:2')).toEqual(away);
        await server.restart();
        await vi.waitFor(() => expect(store.available).toBe(true), 10_000);
        expect(heard).toEqual([false, true]);
        expect(await store.append('r:1', entryOf('1'))).toMatchObject({ version: 1 });
      },
    );

    it.each([
      ['one server', false],
      ['a Redis Cluster', true],
    ])('answers STORE_UNAVAILABLE in bounded time when the server hangs: %s', async (_, cluster) => {
      server = await startRedisServer({ cluster });
      const store = await open(server, { timeoutMs: 300, cluster });
      server.pause();
      const hung = expect.objectContaining({ name: 'STORE_UNAVAILABLE' });
      await expect(store.append('r:1', entryOf('1', 'm1'))).rejects.toEqual(hung);
      expect(store.available).toBe(false);
      server.resume();
      await vi.waitFor(() => expect(store.available).toBe(true), 10_000);
      expect(await store.append('r:1', entryOf('1', 'm1'))).toMatchObject({ version: 1 });
    });

    it('leaves rooms to a stand-in while the server is away, from the first call on that finds it so', async () => {
      server = await startRedisServer({ persistent: true });
      const store = await open(server);
      const rooms = standInFor({ store, standIn: () => createMemoryLogStore({ node: 'node-7' }) });
      const before = await rooms.append('r:1', entryOf('1'));
      // Under way when the server dies, and after it died.
      const appending = Array.from({ length: 2_000 }, (_, i) => rooms.append(`r:${i % 10}`, entryOf(`${i}`)));
      await server.kill();
      const outcomes = await Promise.all([...appending, rooms.append('r:1', entryOf('last'))]);
      expect(outcomes.at(-1)?.epoch).toMatch(/^node-7-/);
      await server.restart();
      await vi.waitFor(() => expect(store.available).toBe(true), 10_000);
      const after = await rooms.append('r:1', entryOf('2'));
      expect(after.epoch).toBe(before.epoch);
      expect(after.version).toBeGreaterThan(before.version);
    });

    it('answers STORE_FULL when the server has no room, and goes on when it has some', async () => {
      server = await startRedisServer();
      const store = await open(server);
      await server.command('CONFIG', 'SET', 'maxmemory', '1');
      await expect(store.append('r:1', entryOf('1'))).rejects.toMatchObject({ name: 'STORE_FULL' });
      await server.command('CONFIG', 'SET', 'maxmemory', '0');
      expect(await store.append('r:1', entryOf('1'))).toMatchObject({ version: 1 });
    });

    it('refuses what it has no room to queue, taking nothing', async () => {
      server = await startRedisServer();
      const metrics = new RecordingMetrics();
      const store = await open(server, { metrics });
      const body = Buffer.alloc(65_536);
      const outcomes = await Promise.allSettled(
        Array.from({ length: 1_100 }, (_, i) => store.append('r:1', { event: 'e', body, time: i })),
      );
      const refused = outcomes.filter(({ status }) => status === 'rejected');
      expect(refused[0]).toMatchObject({ reason: { name: 'QUEUE_FULL' } });
      expect(metrics.value('im_timeline_refused_total', { store: 'redis' })).toBe(refused.length);
      expect((await store.head('r:1')).version).toBe(1_100 - refused.length);
    });

    it('says in one line that the password is wrong, and keeps it to itself', async () => {
      server = await startRedisServer({ password: 'open sesame' });
      const logger = new RecordingLogger();
      const url = server.url.replace('open%20sesame', 'guess');
      const store = createRedisLogStore({ url, logger });
      opened.push(store);
      await expect(store.ready()).rejects.toMatchObject({ name: 'CONFIG_INVALID' });
      await expect(store.append('r:1', entryOf('1'))).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
      expect(JSON.stringify(logger.records)).toContain('password');
      expect(JSON.stringify(logger.records)).not.toContain('guess');
      const right = await open(server);
      expect(await right.append('r:1', entryOf('1'))).toMatchObject({ version: 1 });
    });

    it('says at the start that the server keeps nothing, once', async () => {
      server = await startRedisServer();
      const logger = new RecordingLogger();
      const store = await open(server, { logger });
      await server.restart();
      await vi.waitFor(() => expect(store.available).toBe(true), 10_000);
      const warnings = logger.records.filter(({ level }) => level === 'warn');
      expect(warnings).toHaveLength(1);
      expect(warnings[0]?.message).toContain('keeps nothing');
    });

    it('says in bounded time that there is no server', async () => {
      server = await startRedisServer();
      await server.kill();
      const store = createRedisLogStore({ url: server.url, clock: new FakeClock() });
      opened.push(store);
      await expect(store.ready()).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    });
  });

  it.each(['', 'localhost', 'http://localhost', 'redis://host/name'])('refuses the url %j', (url) => {
    expect(() => createRedisLogStore({ url })).toThrowError(expect.objectContaining({ name: 'CONFIG_INVALID' }));
  });
});
