import { RecordingMetrics } from '@im/protocol/testing';
import { describe, expect, it, vi } from 'vitest';
import type { NewEntry } from '../log-store.js';
import { retentionByGroup } from '../retention.js';
import { AMPLE, useStoreFolders } from './fixtures/store-folder.js';
import { StoreFigures } from './store-figures.js';

const folders = useStoreFolders();

function entryOf(bytes: number, id?: string): NewEntry {
  return { event: 'message', body: new Uint8Array(bytes), time: 1, ...(id !== undefined && { id }) };
}

describe('rows on the disk', () => {
  it('are moved to from the journal when nobody is waiting, many at a time', async () => {
    const { store, database, clock } = await folders.open(folders.folder());
    for (let count = 0; count < 10; count += 1) await store.append('d:a', entryOf(10, `m${count}`));
    expect([database.count('journal'), database.count('entries'), database.count('ids')]).toEqual([10, 0, 0]);
    const commits = database.commits;
    clock.advance(2_000);
    await vi.waitFor(() => expect(database.count('journal')).toBe(0));
    expect([database.count('entries'), database.count('ids')]).toEqual([10, 10]);
    expect(database.commits - commits).toBeLessThan(5);
  });

  it('are counted apart from memory when they are read, in either direction', async () => {
    const metrics = new RecordingMetrics();
    const { store, database, clock } = await folders.open(folders.folder(), { figures: new StoreFigures(metrics) });
    const read = () =>
      ['memory', 'rows'].map((from) => metrics.value('im_timeline_entries_read_total', { store: 'lmdb', from }) ?? 0);
    for (let count = 0; count < 10; count += 1) await store.append('d:a', entryOf(10));
    await store.read('d:a', { before: 11, limit: 4 });
    expect(read()).toEqual([4, 0]);
    clock.advance(2_000);
    await vi.waitFor(() => expect(database.count('journal')).toBe(0));
    await store.append('d:a', entryOf(10));
    await store.read('d:a', { after: 8, limit: 100 });
    expect(read()).toEqual([5, 2]);
    await store.read('d:a', { before: 12, limit: 3 });
    expect(read()).toEqual([6, 4]);
    await store.read('d:a', { before: 5, limit: 2 });
    expect(read()).toEqual([6, 6]);
    await store.read('d:a', { after: 11, limit: 5 });
    expect(read()).toEqual([6, 6]);
  });

  it('are moved to when the store is closed', async () => {
    const folder = folders.folder();
    const { store } = await folders.open(folder);
    await Promise.all(Array.from({ length: 3_000 }, (_, index) => store.append(`d:${index % 7}`, entryOf(10))));
    await store.close();
    const { database } = await folders.open(folder);
    expect([database.count('journal'), database.count('entries')]).toEqual([0, 3_000]);
  });

  it('keep up with the journal however long appends go on, hot and cold logs alike', async () => {
    const { store, database } = await folders.open(folders.folder(), { checkpointFrom: 100 });
    await store.append('d:cold', entryOf(10));
    for (let round = 0; round < 100; round += 1) {
      await Promise.all(Array.from({ length: 50 }, (_, index) => store.append(`d:${index % 10}`, entryOf(10))));
    }
    expect(database.count('entries')).toBeGreaterThan(4_500);
    expect(database.count('journal')).toBeLessThan(20);
    expect((await store.read('d:cold', { after: 0, limit: 1 })).entries).toHaveLength(1);
  });

  it('go when retention drops their entries, and their ids with them', async () => {
    const retentionOf = retentionByGroup({ default: { ...AMPLE, maxEntries: 10 } });
    const { store, database, clock } = await folders.open(folders.folder(), { retentionOf, checkpointFrom: 1 });
    for (let count = 0; count < 100; count += 1) await store.append('d:a', entryOf(10, `m${count % 30}`));
    clock.advance(2_000);
    await vi.waitFor(() => expect(database.count('journal')).toBe(0));
    expect([database.count('entries'), database.count('ids')]).toEqual([10, 10]);
    expect((await store.read('d:a', { after: 0, limit: 100 })).entries.map(({ id }) => id)).toEqual(
      Array.from({ length: 10 }, (_, index) => `m${(90 + index) % 30}`),
    );
  });

  it('of logs that nobody uses go too, but the version stays', async () => {
    const retentionOf = retentionByGroup({ default: { ...AMPLE, maxAgeMs: 60_000 } });
    const folder = folders.folder();
    const { store, database, clock } = await folders.open(folder, { retentionOf, checkpointFrom: 1 });
    const groups = Array.from({ length: 100 }, (_, index) => `d:${index}`);
    for (const group of groups) {
      for (const id of ['m1', 'm2', 'm3']) await store.append(group, entryOf(10, id));
    }
    clock.advance(60_001);
    await vi.waitFor(() => {
      clock.advance(1_000);
      expect(database.count('entries')).toBe(100);
    });
    expect([database.count('ids'), database.count('journal')]).toEqual([0, 0]);
    await store.close();
    const { store: reopened } = await folders.open(folder, { retentionOf, clock });
    expect(await reopened.head('d:7')).toMatchObject({ version: 3, first: 4 });
    expect(await reopened.append('d:7', entryOf(10, 'm1'))).toMatchObject({ version: 4, duplicate: false });
  });
});

describe('logs of several kinds that nobody uses', () => {
  it('lose their rows at the age of their kind, a bounded number at a time however many there are', async () => {
    const retentionOf = retentionByGroup({
      default: { ...AMPLE, maxAgeMs: 600_000 },
      kinds: { u: { ...AMPLE, maxAgeMs: 60_000 }, d: { ...AMPLE, maxEntries: 2 } },
    });
    const { store, database, clock } = await folders.open(folders.folder(), { retentionOf, checkpointFrom: 1 });
    const logs = 300;
    for (let index = 0; index < logs; index += 1) {
      await Promise.all(
        ['u', 'd', 'g'].flatMap((kind) => [1, 2, 3].map(() => store.append(`${kind}:${index}`, entryOf(10)))),
      );
    }
    clock.advance(2_000);
    await vi.waitFor(() => expect(database.count('journal')).toBe(0));
    // Of each the newest row stays, for its version.
    const ofU = logs * 3;
    const others = logs * 2 + logs * 3;
    expect(database.count('entries')).toBe(ofU + others);
    clock.advance(58_000);
    let left = database.count('entries');
    let most = 0;
    await vi.waitFor(
      () => {
        clock.advance(1_000);
        const now = database.count('entries');
        most = Math.max(most, left - now);
        left = now;
        expect(now).toBe(others + logs);
      },
      { timeout: 10_000, interval: 1 },
    );
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(ofU / 2);
    expect(await store.head('u:7')).toMatchObject({ version: 3, first: 4 });
    expect(await store.head('d:7')).toMatchObject({ version: 3, first: 2 });
    expect(await store.head('g:7')).toMatchObject({ version: 3, first: 1 });
  });
});

describe('a body that many logs share', () => {
  const groups = Array.from({ length: 50 }, (_, index) => `u:${index}`);

  it('is stored once', async () => {
    const { store, database, clock } = await folders.open(folders.folder());
    await store.appendMany(groups, entryOf(50_000));
    clock.advance(2_000);
    await vi.waitFor(() => expect(database.count('entries')).toBe(50));
    expect(database.count('bodies')).toBe(1);
    expect(database.size()).toBeLessThan(300_000);
    const { entries } = await store.read('u:49', { after: 0, limit: 1 });
    expect(entries[0]?.body.length).toBe(50_000);
  });

  it('goes when the last log that may refer to it has dropped it, not before', async () => {
    const retentionOf = retentionByGroup({
      default: { ...AMPLE, maxAgeMs: 10_000 },
      kinds: { d: { ...AMPLE, maxAgeMs: 60_000 } },
    });
    const { store, database, clock } = await folders.open(folders.folder(), { retentionOf, checkpointFrom: 1 });
    await store.appendMany(['d:a', ...groups], entryOf(1_000));
    clock.advance(59_000);
    await vi.waitFor(() => expect(database.count('journal')).toBe(0));
    expect((await store.read('u:1', { after: 0, limit: 1 })).entries).toEqual([]);
    expect((await store.read('d:a', { after: 0, limit: 1 })).entries[0]?.body.length).toBe(1_000);
    await vi.waitFor(() => {
      clock.advance(1_000);
      expect(database.count('bodies')).toBe(0);
    });
    expect((await store.read('d:a', { after: 0, limit: 1 })).entries).toEqual([]);
  });

  it('that went before its entries, because retention has been lengthened since, counts as not kept', async () => {
    const folder = folders.folder();
    const short = retentionByGroup({ default: { ...AMPLE, maxAgeMs: 10_000 } });
    const { store, database, clock } = await folders.open(folder, { retentionOf: short, checkpointFrom: 1 });
    // So many logs that a sweep, which takes bodies first, does not come to the last ones.
    await Promise.all(Array.from({ length: 200 }, (_, group) => store.append(`d:${group}`, entryOf(10))));
    await store.append('u:1', entryOf(10));
    await store.appendMany(['u:1', 'u:2'], entryOf(1_000));
    for (const bytes of [20, 30]) await store.append('u:1', entryOf(bytes));
    clock.advance(2_000);
    await vi.waitFor(() => expect(database.count('journal')).toBe(0));
    clock.advance(8_001);
    await vi.waitFor(() => expect(database.count('bodies')).toBe(0));
    const { store: reopened } = await folders.open(await folders.copyOf(folder), { clock });
    expect(await reopened.head('u:1')).toMatchObject({ version: 4, first: 1 });
    const forward = await reopened.read('u:1', { after: 0, limit: 10 });
    expect([forward.first, forward.entries.map(({ version }) => version)]).toEqual([3, [3, 4]]);
    expect(await reopened.head('u:1')).toMatchObject({ version: 4, first: 3 });
    const backward = await reopened.read('u:2', { before: 9, limit: 10 });
    expect([backward.first, backward.entries]).toEqual([2, []]);
  });
});

describe('a retention that is shortened', () => {
  it('is in force at once, and drops rows a few at a time, never an id that came back', async () => {
    const folder = folders.folder();
    const { store } = await folders.open(folder);
    await Promise.all(Array.from({ length: 700 }, (_, index) => store.append('d:a', entryOf(1, `m${index + 1}`))));
    await store.close();
    const retentionOf = retentionByGroup({ default: { ...AMPLE, maxEntries: 5 } });
    const { store: reopened, database, clock } = await folders.open(folder, { retentionOf, checkpointFrom: 1 });
    expect(await reopened.head('d:a')).toMatchObject({ version: 700, first: 696 });
    expect(await reopened.append('d:a', entryOf(1, 'm600'))).toMatchObject({ version: 701, duplicate: false });
    expect(await reopened.append('d:b', entryOf(1))).toMatchObject({ version: 1 });
    await vi.waitFor(() => expect(database.count('entries')).toBe(700 - 512 + 1));
    clock.advance(3_000);
    await vi.waitFor(() => expect(database.count('entries')).toBe(5 + 1));
    expect(database.count('ids')).toBe(5);
    expect(await reopened.append('d:a', entryOf(1, 'm600'))).toMatchObject({ version: 701, duplicate: true });
  });
});

describe('the file', () => {
  it('does not grow beyond what is kept', async () => {
    const retentionOf = retentionByGroup({ default: { ...AMPLE, maxEntries: 100 } });
    const { store, database } = await folders.open(folders.folder(), { retentionOf, checkpointFrom: 64 });
    const round = async () => {
      for (let count = 0; count < 20; count += 1) {
        await Promise.all(Array.from({ length: 200 }, (_, index) => store.append(`d:${index % 4}`, entryOf(500))));
      }
      return database.size();
    };
    await round();
    const settled = await round();
    await round();
    expect(await round()).toBeLessThan(settled * 1.5);
  });
});
