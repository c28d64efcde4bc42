import { ImError } from '@im/protocol';
import { RecordingMetrics } from '@im/protocol/testing';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { MAX_RECORD_FIELDS } from '../record-limits.js';
import type { RecordChange, RecordStore } from '../record-store.js';
import { arbitraryRecordCommands, RecordStoreModel } from '../testing/record-store-model.js';
import { useStoreFolders } from './fixtures/store-folder.js';
import { StoreFigures } from './store-figures.js';

const folders = useStoreFolders();

function put(field: string, body: string, revision?: number): RecordChange {
  return { field, body: Buffer.from(body), ...(revision !== undefined && { revision }) };
}

async function textOf(records: RecordStore, field: string): Promise<string | undefined> {
  const record = (await records.get('u:ann', [field])).get(field);
  return record && Buffer.from(record.body).toString();
}

describe('a write of records', () => {
  it('settles after its flush, and until then readers see nothing of it', async () => {
    const { store, database } = await folders.open(folders.folder());
    await store.records.write('u:ann', [put('a', '1')]);
    database.hold();
    let settled = false;
    const writing = store.records.write('u:ann', [put('a', '2'), put('b', '2')]).finally(() => {
      settled = true;
    });
    await vi.waitFor(() => expect(database.commits).toBe(3));
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    expect([settled, await textOf(store.records, 'a'), await textOf(store.records, 'b')]).toEqual([
      false,
      '1',
      undefined,
    ]);
    expect((await store.records.page('u:ann', { prefix: '', limit: 10 })).records).toHaveLength(1);
    database.release();
    await writing;
    expect(await textOf(store.records, 'b')).toBe('2');
  });

  it('shares one transaction and one flush with the appends and writes that wait', async () => {
    const { store, database } = await folders.open(folders.folder());
    database.hold();
    const before = database.commits;
    const first = store.append('d:0', { event: 'message', body: Buffer.from('first'), time: 1 });
    await vi.waitFor(() => expect(database.commits).toBe(before + 1));
    const others = Array.from({ length: 100 }, (_, index) => [
      store.append('d:0', { event: 'message', body: Buffer.from(`${index}`), time: 1 }),
      store.records.write(`u:${index}`, [put('a', '1', 0)]),
    ]);
    database.release();
    await Promise.all([first, ...others.flat()]);
    expect(database.commits).toBe(before + 2);
  });

  it('sees those that wait before it in the same transaction', async () => {
    const { store } = await folders.open(folders.folder());
    const outcomes = await Promise.allSettled([
      store.records.write('u:ann', [put('a', '1', 0)]),
      store.records.write('u:ann', [put('a', '2', 0), put('b', '2')]),
      store.records.write('u:ann', [{ field: 'a', body: undefined }]),
      store.records.write('u:ann', [put('a', '3', 0)]),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect([await textOf(store.records, 'a'), await textOf(store.records, 'b')]).toEqual(['3', undefined]);
  });

  it('of many changes leaves room for others: one transaction holds so many', async () => {
    const { store, database } = await folders.open(folders.folder());
    const before = database.commits;
    const changes = Array.from({ length: MAX_RECORD_FIELDS }, (_, index) => put(`f${index}`, ''));
    await Promise.all(Array.from({ length: 20 }, (_, owner) => store.records.write(`u:${owner}`, changes)));
    expect(database.commits).toBe(before + 2);
  });

  it('is on the disk: it is there however the process ends', async () => {
    const folder = folders.folder();
    const { store } = await folders.open(folder);
    for (let count = 0; count < 10; count += 1) {
      await store.records.write('u:ann', [put('a', `${count}`), put(`f${count}`, '')]);
      const { store: found } = await folders.open(await folders.copyOf(folder));
      expect(await textOf(found.records, 'a')).toBe(`${count}`);
      expect((await found.records.page('u:ann', { prefix: 'f', limit: 100 })).records).toHaveLength(count + 1);
      await found.close();
    }
  });

  it('finds everything as it was left, closed or killed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(arbitraryRecordCommands(20), fc.boolean()), { maxLength: 4 }),
        async (lives) => {
          const model = new RecordStoreModel();
          let folder = folders.folder();
          for (const [commands, killed] of lives) {
            const { store } = await folders.open(folder);
            await model.compare(store.records, commands);
            if (killed) folder = await folders.copyOf(folder);
            await store.close();
          }
        },
      ),
      { numRuns: 20 },
    );
  }, 60_000);

  it('that finds no room writes nothing, nor do those behind it, and the store goes on', async () => {
    const { store, database } = await folders.open(folders.folder());
    await store.records.write('u:ann', [put('a', '1')]);
    database.hold();
    const commits = database.commits;
    const failing = store.records.write('u:ann', [put('a', 'lost'), put('b', 'lost')]);
    await vi.waitFor(() => expect(database.commits).toBe(commits + 1));
    const waiting = store.records.write('u:ann', [put('c', 'lost')]);
    database.failOnce(new ImError('STORE_FULL'));
    database.release();
    await expect(failing).rejects.toMatchObject({ name: 'STORE_FULL', retryable: true });
    await expect(waiting).rejects.toMatchObject({ name: 'STORE_FULL' });
    expect((await store.records.page('u:ann', { prefix: '', limit: 9 })).records.map(({ field }) => field)).toEqual([
      'a',
    ]);
    await vi.waitFor(() => store.records.write('u:ann', [put('b', '2', 0)]));
    expect([await textOf(store.records, 'a'), await textOf(store.records, 'b')]).toEqual(['1', '2']);
  });

  it('whose outcome is unknown ends writing, until the disk takes writes again; reading goes on', async () => {
    const { store, database } = await folders.open(folders.folder());
    await store.records.write('u:ann', [put('a', '1')]);
    database.failOnce(new ImError('STORE_UNAVAILABLE'));
    const unavailable = expect.objectContaining({ name: 'STORE_UNAVAILABLE', retryable: true });
    await expect(store.records.write('u:ann', [put('a', '2')])).rejects.toEqual(unavailable);
    await expect(store.records.write('u:ann', [put('a', '2')])).rejects.toEqual(unavailable);
    expect(await textOf(store.records, 'a')).toBe('1');
    await vi.waitFor(() => store.records.write('u:ann', [put('a', '2')]));
    expect(await textOf(store.records, 'a')).toBe('2');
  });

  it.each([
    ['writes', { maxPendingEntries: 2 }],
    ['bytes of bodies', { maxPendingBytes: 10 }],
  ])('is refused when too many %s wait for the disk', async (_, limit) => {
    const metrics = new RecordingMetrics();
    const figures = new StoreFigures(metrics);
    const { store, database } = await folders.open(folders.folder(), { ...limit, figures });
    database.hold();
    const commits = database.commits;
    const first = store.records.write('u:ann', [put('a', '12345')]);
    await vi.waitFor(() => expect(database.commits).toBe(commits + 1));
    const second = store.records.write('u:ann', [put('b', '12345')]);
    const full = expect.objectContaining({ name: 'QUEUE_FULL', retryable: true });
    await expect(store.records.write('u:ann', [put('c', '12345')])).rejects.toEqual(full);
    expect(metrics.value('im_timeline_record_writes_refused_total', { store: 'lmdb' })).toBe(1);
    database.release();
    await Promise.all([first, second]);
    await store.records.write('u:ann', [put('c', '12345')]);
  });

  it('is counted, and so is one that came too late', async () => {
    const metrics = new RecordingMetrics();
    const { store } = await folders.open(folders.folder(), { figures: new StoreFigures(metrics) });
    await store.records.write('u:ann', [put('a', '1', 0)]);
    await expect(store.records.write('u:ann', [put('a', '1', 0)])).rejects.toMatchObject({ name: 'RECORD_CHANGED' });
    expect(metrics.value('im_timeline_record_writes_total', { store: 'lmdb' })).toBe(1);
    expect(metrics.value('im_timeline_record_conflicts_total', { store: 'lmdb' })).toBe(1);
  });

  it('is carried out before the store closes, and refused from then on', async () => {
    const folder = folders.folder();
    const { store } = await folders.open(folder);
    const writing = store.records.write('u:ann', [put('a', '1')]);
    const closing = store.close();
    await expect(store.records.write('u:ann', [put('a', '2')])).rejects.toMatchObject({ name: 'CLOSED' });
    await expect(store.records.get('u:ann', ['a'])).rejects.toMatchObject({ name: 'CLOSED' });
    await expect(store.records.page('u:ann', { prefix: '', limit: 1 })).rejects.toMatchObject({ name: 'CLOSED' });
    await Promise.all([writing, closing]);
    const { store: reopened } = await folders.open(folder);
    expect(await textOf(reopened.records, 'a')).toBe('1');
  });
});
