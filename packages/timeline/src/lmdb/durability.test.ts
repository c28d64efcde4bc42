import { ImError } from '@im/protocol';
import { RecordingLogger, RecordingMetrics } from '@im/protocol/testing';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Appended, LogStore, NewEntry } from '../log-store.js';
import { retentionByGroup } from '../retention.js';
import { arbitraryCommands, LogStoreModel } from '../testing/log-store-model.js';
import { useStoreFolders } from './fixtures/store-folder.js';
import { StoreFigures } from './store-figures.js';

const folders = useStoreFolders();

function entryOf(body: string, id?: string): NewEntry {
  return { event: 'message', body: new TextEncoder().encode(body), time: 1, ...(id !== undefined && { id }) };
}

async function textsOf(store: LogStore, group: string): Promise<string[]> {
  const { entries } = await store.read(group, { after: 0, limit: 100_000 });
  return entries.map(({ body }) => new TextDecoder().decode(body));
}

/** Whether it has settled once everything that can happen now has happened. */
async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise
    .finally(() => {
      settled = true;
    })
    .catch(() => {});
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
  return settled;
}

describe('acknowledgement', () => {
  it('waits for the flush, and until then readers see nothing of the entry', async () => {
    const { store, database } = await folders.open(folders.folder());
    database.hold();
    const appended = [store.append('d:a', entryOf('1', 'm1')), store.append('d:a', entryOf('1', 'm1'))];
    const many = store.appendMany(['d:a', 'd:b'], entryOf('2'));
    expect(await hasSettled(Promise.any([...appended, many]))).toBe(false);
    expect(await store.head('d:a')).toMatchObject({ version: 0 });
    expect(await textsOf(store, 'd:a')).toEqual([]);
    database.release();
    expect((await Promise.all(appended)).map(({ version, duplicate }) => [version, duplicate])).toEqual([
      [1, false],
      [1, true],
    ]);
    expect((await many).get('d:a')).toMatchObject({ version: 2 });
    expect(await textsOf(store, 'd:a')).toEqual(['1', '2']);
  });

  it('of a newer entry, not its append, drops an older one', async () => {
    const retentionOf = retentionByGroup({ default: { maxEntries: 1, maxBytes: 100, maxAgeMs: 1_000 } });
    const { store, database } = await folders.open(folders.folder(), { retentionOf });
    await store.append('d:a', entryOf('1'));
    database.hold();
    const second = store.append('d:a', entryOf('2'));
    expect(await hasSettled(second)).toBe(false);
    expect(await store.head('d:a')).toMatchObject({ version: 1, first: 1 });
    expect(await textsOf(store, 'd:a')).toEqual(['1']);
    database.release();
    await second;
    expect(await textsOf(store, 'd:a')).toEqual(['2']);
  });

  it('shares one transaction and one flush between everything that waits', async () => {
    const { store, database } = await folders.open(folders.folder());
    database.hold();
    const before = database.commits;
    const first = store.append('d:0', entryOf('first'));
    await vi.waitFor(() => expect(database.commits).toBe(before + 1));
    const others = Array.from({ length: 500 }, (_, index) => store.append(`d:${index % 50}`, entryOf(`${index}`)));
    database.release();
    await Promise.all([first, ...others]);
    expect(database.commits).toBe(before + 2);
  });

  it('splits what waits into several transactions when it is too much for one', async () => {
    const { store, database } = await folders.open(folders.folder());
    const before = database.commits;
    const body = 'x'.repeat(60_000);
    await Promise.all(Array.from({ length: 100 }, (_, index) => store.append(`d:${index}`, entryOf(body))));
    expect(database.commits).toBe(before + 2);
  });

  it('means the entry is on the disk: it is there however the process ends', async () => {
    const folder = folders.folder();
    const { store } = await folders.open(folder);
    const acknowledged: Appended[] = [];
    for (let count = 0; count < 20; count += 1) {
      acknowledged.push(await store.append('d:a', entryOf(`${count}`, `m${count}`)));
      const { store: found } = await folders.open(await folders.copyOf(folder));
      expect((await found.head('d:a')).version).toBe(count + 1);
      await found.close();
    }
    const { store: found } = await folders.open(await folders.copyOf(folder));
    expect(await textsOf(found, 'd:a')).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`));
    expect(await found.append('d:a', entryOf('7', 'm7'))).toEqual({ ...acknowledged[7], duplicate: true });
    expect(await found.append('d:a', entryOf('next'))).toEqual({ ...acknowledged[0], version: 21 });
  });
});

describe('a transaction that fails for want of room', () => {
  it('acknowledges nothing that was under way, forgets it, and goes on', async () => {
    const { store, database } = await folders.open(folders.folder());
    await store.append('d:a', entryOf('1', 'm1'));
    database.hold();
    const commits = database.commits;
    const failing = [
      store.append('d:a', entryOf('lost', 'm2')),
      store.appendMany(['d:a', 'd:b'], entryOf('lost', 'm3')),
    ];
    await vi.waitFor(() => expect(database.commits).toBe(commits + 1));
    const waiting = store.append('d:a', entryOf('lost', 'm4'));
    const known = store.append('d:a', entryOf('1', 'm1'));
    database.failOnce(new ImError('STORE_FULL'));
    database.release();
    const full = expect.objectContaining({ name: 'STORE_FULL', retryable: true });
    await expect(failing[0]).rejects.toEqual(full);
    expect([...((await failing[1]) as ReadonlyMap<string, unknown>)]).toEqual([
      ['d:a', full],
      ['d:b', full],
    ]);
    await expect(waiting).rejects.toEqual(full);
    await expect(known).rejects.toEqual(full);
    expect(await store.head('d:a')).toMatchObject({ version: 1 });
    await vi.waitFor(async () =>
      expect(await store.append('d:a', entryOf('2', 'm2'))).toMatchObject({ version: 2, duplicate: false }),
    );
    expect(await store.append('d:a', entryOf('3', 'm3'))).toMatchObject({ version: 3, duplicate: false });
    expect(await store.append('d:a', entryOf('1', 'm1'))).toMatchObject({ version: 1, duplicate: true });
    expect(await textsOf(store, 'd:a')).toEqual(['1', '2', '3']);
    expect(await textsOf(store, 'd:b')).toEqual([]);
  });

  it('is told in the log when it begins and when it is over, and by a figure; each failure is counted', async () => {
    const logger = new RecordingLogger();
    const metrics = new RecordingMetrics();
    const figure = (name: string) => metrics.value(`im_timeline_${name}`, { store: 'lmdb' });
    const { store, database, clock } = await folders.open(folders.folder(), {
      logger,
      figures: new StoreFigures(metrics),
    });
    expect(figure('available')).toBe(1);
    // The transaction, and two attempts to write again.
    for (let count = 0; count < 3; count += 1) database.failOnce(new ImError('STORE_FULL'));
    await expect(store.append('d:a', entryOf('1'))).rejects.toMatchObject({ name: 'STORE_FULL' });
    expect([figure('available'), figure('failed_commits_total')]).toEqual([0, 1]);
    for (const reopenings of [2, 3]) {
      // Housekeeping is one timer, waiting for the next attempt another.
      await vi.waitFor(() => expect(clock.pendingTimers).toBe(2));
      expect(figure('available')).toBe(0);
      clock.advance(1_000);
      await vi.waitFor(() => expect(database.reopenings).toBe(reopenings));
    }
    await vi.waitFor(() => expect(figure('available')).toBe(1));
    expect(logger.records.map(({ level }) => level)).toEqual(['error', 'info']);
  });
});

describe('a transaction that fails otherwise', () => {
  it('ends appending until the files were opened again and take a write; reading goes on', async () => {
    const { store, database, clock } = await folders.open(folders.folder());
    await store.append('d:a', entryOf('1'));
    for (let count = 0; count < 2; count += 1) database.failOnce(new ImError('STORE_UNAVAILABLE'));
    const unavailable = expect.objectContaining({ name: 'STORE_UNAVAILABLE', retryable: true });
    await expect(store.append('d:a', entryOf('2'))).rejects.toEqual(unavailable);
    await vi.waitFor(() => expect(database.reopenings).toBe(1));
    await expect(store.append('d:a', entryOf('2'))).rejects.toEqual(unavailable);
    expect([...(await store.appendMany(['d:b'], entryOf('2'))).values()]).toEqual([unavailable]);
    expect(await textsOf(store, 'd:a')).toEqual(['1']);
    await vi.waitFor(async () => {
      clock.advance(1_000);
      expect(await store.append('d:a', entryOf('2'))).toMatchObject({ version: 2 });
    });
    expect(database.reopenings).toBe(2);
    expect(await textsOf(store, 'd:a')).toEqual(['1', '2']);
  });

  it('and may have damaged the memory of the process is told once, and nothing is written any more', async () => {
    const told: ImError[] = [];
    const { store, database, clock } = await folders.open(folders.folder(), {
      onFailed: (error) => void told.push(error),
    });
    await store.append('d:a', entryOf('1'));
    database.breakOnce(new ImError('STORE_UNAVAILABLE'));
    const commits = database.commits;
    const append = () => store.append('d:a', entryOf('2'));
    const several = await Promise.allSettled([append(), append()]);
    expect(several.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    clock.advance(10_000);
    await expect(append()).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    expect(await textsOf(store, 'd:a')).toEqual(['1']);
    expect(told).toEqual([expect.objectContaining({ name: 'STORE_UNAVAILABLE' })]);
    expect([database.commits - commits, database.reopenings]).toEqual([1, 0]);
  });

  it('may damage the memory of the process also while the store tries to write again, which is told too', async () => {
    const told: ImError[] = [];
    const { store, database } = await folders.open(folders.folder(), { onFailed: (error) => void told.push(error) });
    database.failOnce(new ImError('STORE_UNAVAILABLE'));
    database.breakOnce(new ImError('STORE_UNAVAILABLE'));
    await expect(store.append('d:a', entryOf('1'))).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    await vi.waitFor(() => expect(told).toHaveLength(1));
    expect(database.reopenings).toBe(1);
  });

  it('does not keep a store from closing', async () => {
    const folder = folders.folder();
    const { store, database } = await folders.open(folder);
    await store.append('d:a', entryOf('1'));
    for (let count = 0; count < 2; count += 1) database.failOnce(new ImError('STORE_UNAVAILABLE'));
    await expect(store.append('d:a', entryOf('2'))).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    await vi.waitFor(() => expect(database.reopenings).toBe(1));
    await store.close();
    const { store: reopened } = await folders.open(folder);
    expect(await textsOf(reopened, 'd:a')).toEqual(['1']);
  });

  it('gives the same version when it is repeated and had reached the disk', async () => {
    const { store, database } = await folders.open(folders.folder());
    database.failOnce(new ImError('STORE_UNAVAILABLE'), true);
    await expect(store.append('d:a', entryOf('1', 'm1'))).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    await vi.waitFor(async () =>
      expect(await store.append('d:a', entryOf('1', 'm1'))).toMatchObject({ version: 1, duplicate: true }),
    );
  });
});

describe('what waits for the disk', () => {
  it.each([
    ['entries', { maxPendingEntries: 2 }],
    ['bytes of bodies', { maxPendingBytes: 10 }],
  ])('is bounded by %s: more is refused, without a version', async (_, limit) => {
    const { store, database } = await folders.open(folders.folder(), limit);
    database.hold();
    const commits = database.commits;
    const first = store.append('d:a', entryOf('12345'));
    await vi.waitFor(() => expect(database.commits).toBe(commits + 1));
    const waiting = [store.append('d:a', entryOf('12345')), store.append('d:a', entryOf('12345'))];
    const full = expect.objectContaining({ name: 'QUEUE_FULL', retryable: true });
    await expect(store.append('d:a', entryOf('12345'))).rejects.toEqual(full);
    expect([...(await store.appendMany(['d:a', 'd:b'], entryOf('12345'))).values()]).toEqual([full, full]);
    database.release();
    expect((await Promise.all([first, ...waiting])).map(({ version }) => version)).toEqual([1, 2, 3]);
    expect(await store.append('d:a', entryOf('12345'))).toMatchObject({ version: 4 });
  });

  it('is bounded for repeated ids too', async () => {
    const { store, database } = await folders.open(folders.folder(), { maxPendingEntries: 3 });
    database.hold();
    const commits = database.commits;
    const first = store.append('d:a', entryOf('1', 'm1'));
    await vi.waitFor(() => expect(database.commits).toBe(commits + 1));
    const repeated = Array.from({ length: 5 }, () => store.append('d:a', entryOf('1', 'm1')));
    const outcomes = Promise.allSettled(repeated);
    database.release();
    expect(await first).toMatchObject({ version: 1, duplicate: false });
    expect((await outcomes).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
  });
});

describe('a store that is opened again', () => {
  it('has the same epoch', async () => {
    const folder = folders.folder();
    const { store } = await folders.open(folder);
    const { epoch } = await store.append('d:a', entryOf('1'));
    await store.close();
    const { store: reopened } = await folders.open(folder);
    expect(await reopened.head('d:a')).toEqual({ epoch, version: 1, first: 1 });
  });

  it('finds everything, closed or killed, wherever its entries lie', async () => {
    const retention = { maxEntries: 5, maxBytes: 100, maxAgeMs: 1_000 };
    const retentionOf = retentionByGroup({ default: retention });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(arbitraryCommands(20), fc.boolean()), { maxLength: 5 }),
        fc.constantFrom(1, 4, 8_192),
        async (lives, checkpointFrom) => {
          const model = new LogStoreModel(retention);
          let folder = folders.folder();
          const { clock } = await folders.open(folders.folder());
          for (const [commands, killed] of lives) {
            const { store } = await folders.open(folder, { retentionOf, clock, checkpointFrom, maxIdleLogs: 1 });
            await model.compare(store, clock, commands);
            if (killed) folder = await folders.copyOf(folder);
            await store.close();
          }
          const { store } = await folders.open(folder, { retentionOf, clock });
          await model.compare(store, clock, []);
          await store.close();
        },
      ),
      { numRuns: 30 },
    );
  }, 60_000);
});
