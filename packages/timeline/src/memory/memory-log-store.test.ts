import { FakeClock, RecordingMetrics, seededRandom } from '@im/protocol/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { NewEntry } from '../log-store.js';
import type { Retention } from '../retention.js';
import { describeLogStoreContract } from '../testing/log-store-contract.js';
import { IdFilter } from './id-filter.js';
import { MemoryLog } from './memory-log.js';
import { createMemoryLogStore } from './memory-log-store.js';

describeLogStoreContract('memory', async (setup) => createMemoryLogStore(setup));

const retention: Retention = { maxEntries: 1_000, maxBytes: 1_000_000, maxAgeMs: 60_000 };

function entryOf(bytes: number, id?: string): NewEntry {
  return { event: 'gift', body: new Uint8Array(bytes), time: 1, ...(id !== undefined && { id }) };
}

afterEach(() => void vi.restoreAllMocks());

describe('memory log store', () => {
  it('gives up the least recently used log beyond its number of logs, and begins it anew under another epoch', async () => {
    const store = createMemoryLogStore({ maxLogs: 2, clock: new FakeClock() });
    const old = await store.append('r:1', entryOf(1, 'm1'));
    await store.append('r:2', entryOf(1));
    await store.head('r:1');
    await store.append('r:3', entryOf(1));
    expect(await store.head('r:1')).toEqual({ epoch: old.epoch, version: 1, first: 1 });
    const { epoch } = await store.head('r:2');
    expect(epoch).not.toBe(old.epoch);
    expect(await store.append('r:2', entryOf(1))).toEqual({ epoch, version: 1, duplicate: false });
  });

  it('knows the ids of the entries that it keeps, however many, and no others', async () => {
    for (const maxEntries of [3, 8]) {
      const store = createMemoryLogStore({
        retention: { default: { ...retention, maxEntries } },
        clock: new FakeClock(),
      });
      for (let last = 1; last <= 30; last += 1) {
        await store.append('r:1', entryOf(1, `m${last}`));
        for (const kept of [Math.max(1, last - maxEntries + 1), last]) {
          expect(await store.append('r:1', entryOf(1, `m${kept}`))).toMatchObject({ version: kept, duplicate: true });
        }
      }
      const gone = entryOf(1, `m${30 - maxEntries}`);
      expect(await store.append('r:1', gone)).toMatchObject({ version: 31, duplicate: false });
    }
  });

  it('never gives the same epoch to two lives of a log', async () => {
    const store = createMemoryLogStore({ maxLogs: 1, random: seededRandom(1) });
    const epochs = new Set<string>();
    for (let life = 0; life < 100; life += 1) {
      epochs.add((await store.append('r:1', entryOf(1))).epoch);
      await store.append('r:2', entryOf(1));
    }
    expect(epochs.size).toBe(100);
  });

  it('keeps nothing for logs that are only read, and gives up none for them', async () => {
    const metrics = new RecordingMetrics();
    const store = createMemoryLogStore({ metrics, maxLogs: 2 });
    const { epoch } = await store.append('r:1', entryOf(1));
    for (let user = 0; user < 100; user += 1) {
      await store.head(`u:${user}`);
      await store.read(`u:${user}`, { after: 0, limit: 1 });
    }
    expect(metrics.value('im_timeline_logs', { store: 'memory' })).toBe(1);
    expect(await store.head('r:1')).toEqual({ epoch, version: 1, first: 1 });
  });

  it('begins a log under the epoch that its readers were told, although others were given up meanwhile', async () => {
    const store = createMemoryLogStore({ maxLogs: 1 });
    const { epoch } = await store.head('u:ann');
    for (const group of ['r:1', 'r:2', 'r:3']) await store.append(group, entryOf(1));
    expect((await store.append('u:ann', entryOf(1))).epoch).toBe(epoch);
  });

  it('gives up whole logs beyond its total of bytes, but never the one being appended to', async () => {
    const store = createMemoryLogStore({ maxTotalBytes: 100_000, retention: { default: retention } });
    for (const group of ['r:1', 'r:2', 'r:3']) await store.append(group, entryOf(40_000));
    expect((await store.head('r:3')).version).toBe(1);
    expect((await store.head('r:2')).version).toBe(1);
    expect((await store.head('r:1')).version).toBe(0);
  });

  it('trims a log that is too large all by itself, down to its newest entry', async () => {
    const store = createMemoryLogStore({ maxTotalBytes: 10_000, retention: { default: retention } });
    for (let count = 0; count < 5; count += 1) await store.append('r:1', entryOf(4_000));
    expect(await store.head('r:1')).toMatchObject({ version: 5, first: 4 });
    await store.append('r:1', entryOf(60_000));
    expect(await store.head('r:1')).toMatchObject({ version: 6, first: 6 });
  });

  it('counts a body that many logs hold once, until the last of them drops it', async () => {
    const metrics = new RecordingMetrics();
    const bytes = () => metrics.value('im_timeline_bytes', { store: 'memory' });
    const store = createMemoryLogStore({ metrics, retention: { default: { ...retention, maxEntries: 1 } } });
    const groups = Array.from({ length: 100 }, (_, index) => `u:${index}`);
    await store.appendMany(groups, entryOf(50_000));
    expect(bytes()).toBeGreaterThan(50_000);
    expect(bytes()).toBeLessThan(300_000);
    const shared = bytes();
    for (const group of groups.slice(1)) await store.append(group, entryOf(0));
    expect(bytes()).toBe(shared);
    await store.append('u:0', entryOf(0));
    expect(bytes()).toBe(shared - 50_000);
  });

  it('asks once whether an id is new, however many logs get it, and looks into those only when it may not be', async () => {
    const asks = vi.spyOn(IdFilter.prototype, 'mayHold');
    const looks = vi.spyOn(MemoryLog.prototype, 'versionOf');
    const store = createMemoryLogStore();
    const groups = Array.from({ length: 100 }, (_, index) => `u:${index}`);
    for (let message = 0; message < 10; message += 1) await store.appendMany(groups, entryOf(1, `new-${message}`));
    expect([asks.mock.calls.length, looks.mock.calls.length]).toEqual([10, 0]);
    const outcomes = await store.appendMany(groups, entryOf(1, 'new-3'));
    expect([...outcomes.values()].every((outcome) => 'version' in outcome && outcome.version === 4)).toBe(true);
    expect([asks.mock.calls.length, looks.mock.calls.length]).toEqual([11, groups.length]);
  });

  it('takes no id for a known one that it holds no more, whether trimmed, given up or closed', async () => {
    const added = vi.spyOn(IdFilter.prototype, 'add');
    const removed = vi.spyOn(IdFilter.prototype, 'remove');
    const held = () => {
      const ids = added.mock.calls.map(([id]) => id);
      for (const [id] of removed.mock.calls) ids.splice(ids.indexOf(id), 1);
      return ids;
    };
    const store = createMemoryLogStore({ maxLogs: 2, retention: { default: { ...retention, maxEntries: 2 } } });
    await store.appendMany(['u:1', 'u:2'], entryOf(1, 'both'));
    for (const id of ['m1', 'm2', 'm3']) await store.append('u:1', entryOf(1, id));
    expect(held()).toEqual(['both', 'm2', 'm3']);
    await store.append('u:3', entryOf(1, 'm4'));
    expect(held()).toEqual(['m2', 'm3', 'm4']);
    await store.close();
    expect(held()).toEqual([]);
  });

  it('does not keep a larger buffer alive for a small body', async () => {
    const store = createMemoryLogStore();
    await store.append('r:1', { ...entryOf(0), body: Buffer.alloc(10_000).subarray(10, 20) });
    const { entries } = await store.read('r:1', { after: 0, limit: 1 });
    expect(entries[0]?.body.buffer.byteLength).toBe(10);
  });

  it('tells its figures, and holds nothing once closed', async () => {
    const metrics = new RecordingMetrics();
    const figure = (name: string) => metrics.value(`im_timeline_${name}`, { store: 'memory' });
    const store = createMemoryLogStore({
      metrics,
      maxLogs: 2,
      retention: { default: { ...retention, maxEntries: 2 } },
    });
    for (const id of ['a', 'b', 'c', 'c']) await store.append('r:1', entryOf(10, id));
    for (const group of ['r:2', 'r:3']) await store.append(group, entryOf(10));
    expect(['appended_total', 'duplicates_total', 'trimmed_total', 'evicted_logs_total', 'logs'].map(figure)).toEqual([
      5, 1, 3, 1, 2,
    ]);
    expect(figure('bytes')).toBeGreaterThan(0);
    await store.close();
    expect(['logs', 'bytes'].map(figure)).toEqual([0, 0]);
  });

  it('begins every epoch with the name of its node', async () => {
    const store = createMemoryLogStore({ node: 'node-7' });
    expect((await store.append('r:1', entryOf(1))).epoch).toMatch(/^node-7-[0-9a-z]{11,}$/);
    expect((await store.head('r:2')).epoch).toMatch(/^node-7-/);
  });

  it.each(['', 'a b', 'x'.repeat(41)])('refuses the node name %j', (node) => {
    expect(() => createMemoryLogStore({ node })).toThrow(expect.objectContaining({ name: 'CONFIG_INVALID' }));
  });

  it('refuses a retention that keeps nothing, naming all that is wrong', () => {
    const wrong = { maxEntries: 0, maxBytes: 1.5, maxAgeMs: 1 };
    expect(() => createMemoryLogStore({ retention: { default: retention, kinds: { r: wrong } } })).toThrow(
      expect.objectContaining({
        name: 'CONFIG_INVALID',
        details: {
          mistakes: [
            'retention of r: maxEntries must be a positive integer, not 0',
            'retention of r: maxBytes must be a positive integer, not 1.5',
          ],
        },
      }),
    );
  });
});
