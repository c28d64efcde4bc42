import { ImError } from '@im/protocol';
import { FakeClock, RecordingLogger, RecordingMetrics } from '@im/protocol/testing';
import type { RecordStore } from '@im/timeline';
import { createMemoryRecordStore } from '@im/timeline/memory';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Receipt } from './receipt-log.js';
import type { ReceiptNews } from './receipt-news.js';
import { Receipts } from './receipts.js';

interface Told extends Receipt {
  readonly log: string;
}

function setUp(wrap: (records: RecordStore) => RecordStore = (records) => records) {
  const store = createMemoryRecordStore({ clock: new FakeClock() });
  const told: Told[] = [];
  const news = { add: (log: string, receipt: Receipt) => told.push({ ...receipt, log }) } as unknown as ReceiptNews;
  const logger = new RecordingLogger();
  const metrics = new RecordingMetrics();
  /** Another one is another worker. */
  const worker = () => new Receipts({ records: wrap(store), news, logger, metrics });
  return { store, told, worker, receipts: worker(), logger, metrics };
}

const entry = (version: number, log = 'g:team') => ({ log, epoch: 'e', version });
const ask = { of: 2, by: 'ann', conversation: 'g:team', entry: 1, delivered: 0, read: 0 };
const at = (user: string, version: number, device = 'd1', log = 'g:team') => ({ ...entry(version, log), user, device });

describe('receipts', () => {
  it('count people, tell each change to the sender, and are told to whoever asks', async () => {
    const { receipts, told } = setUp();
    await receipts.prepare(['g:team']);
    await receipts.ask(entry(5), ask);
    await receipts.moved([at('bob', 4), at('ann', 9)]);
    expect(told.at(-1)).toMatchObject({ delivered: 0 });
    await receipts.moved([at('bob', 5), at('bob', 6, 'd2'), at('cat', 7)]);
    await receipts.read('g:team', 'bob', 5);
    expect(told.at(-1)).toEqual({ ...ask, log: 'g:team', delivered: 2, read: 1 });
    expect(await receipts.status('g:team', [4, 5])).toEqual(new Map([[5, { of: 2, delivered: 2, read: 1 }]]));
    expect(await receipts.status('g:team', [5], 'bob')).toEqual(new Map());
    expect(await receipts.readers('g:team', 6, { limit: 10 })).toEqual({
      users: [
        { user: 'ann', devices: ['d1'], read: false },
        { user: 'bob', devices: ['d2'], read: false },
        { user: 'cat', devices: ['d1'], read: false },
      ],
      more: false,
    });
  });

  it('name nobody as a reader who had a version of that number in another epoch', async () => {
    const { receipts } = setUp();
    await receipts.prepare(['g:team']);
    await receipts.moved([at('bob', 9), { ...at('cat', 2), epoch: 'e2' }]);
    await receipts.ask({ ...entry(1), epoch: 'e2' }, ask);
    expect((await receipts.status('g:team', [1])).get(1)).toMatchObject({ delivered: 1 });
    const devices = async (epoch?: string) => {
      const { users } = await receipts.readers('g:team', 1, { epoch, limit: 10 });
      return users.map((reader) => reader.devices);
    };
    expect(await devices()).toEqual([[], ['d1']]);
    expect(await devices('e')).toEqual([['d1'], []]);
  });

  it('count what was confirmed between publishing and asking', async () => {
    const { receipts } = setUp();
    await receipts.prepare(['u:bob']);
    await receipts.moved([at('bob', 3, 'd1', 'u:bob')]);
    await receipts.ask(entry(3, 'u:bob'), { ...ask, of: 1 });
    expect(await receipts.status('u:bob', [3])).toEqual(new Map([[3, { of: 1, delivered: 1, read: 0 }]]));
  });

  it('count what was confirmed in an epoch before anybody asked in it', async () => {
    const { receipts } = setUp();
    await receipts.prepare(['u:bob']);
    await receipts.ask(entry(1, 'u:bob'), { ...ask, of: 1 });
    await receipts.moved([at('bob', 1, 'd1', 'u:bob')]);
    await receipts.moved([{ ...at('bob', 5, 'd1', 'u:bob'), epoch: 'e2' }]);
    await receipts.ask({ ...entry(5, 'u:bob'), epoch: 'e2' }, { ...ask, of: 1 });
    expect((await receipts.status('u:bob', [5])).get(5)).toMatchObject({ delivered: 1 });
  });

  it('count who opened the group again between confirming in an epoch and the first that asks in it', async () => {
    const { receipts } = setUp();
    await receipts.prepare(['g:team']);
    await receipts.ask(entry(1), ask);
    await receipts.moved([{ ...at('bob', 2), epoch: 'e2' }]);
    await receipts.enter('g:team', 'bob', 0);
    await receipts.ask({ ...entry(2), epoch: 'e2' }, ask);
    expect((await receipts.status('g:team', [2])).get(2)).toMatchObject({ delivered: 1 });
  });

  it('keep nothing of logs in which nobody asked, and ask the store once', async () => {
    let asked = 0;
    const { receipts, store } = setUp((records) => ({
      get: (owner, fields) => {
        asked += 1;
        return records.get(owner, fields);
      },
      page: (owner, range) => records.page(owner, range),
      write: (owner, changes) => records.write(owner, changes),
    }));
    await receipts.moved([at('bob', 3), at('cat', 3)]);
    expect((await store.page('qg:team', { prefix: '', limit: 10 })).records).toEqual([]);
    expect(asked).toBe(1);
  });

  it('of a notice count for what it is a notice of; who has read has it', async () => {
    const { receipts } = setUp();
    const notices = [{ log: 'p1/u:bob', version: 8 }];
    await receipts.prepare(['p1/u:bob', 'p1/d:both']);
    await receipts.ask({ log: 'p1/u:bob', epoch: 'e', version: 8 }, { of: 1, by: 'ann', delivered: 0 });
    await receipts.ask({ log: 'p1/d:both', epoch: 'e', version: 2 }, { of: 1, by: 'ann', read: 0, notices });
    await receipts.moved([{ log: 'p1/u:bob', epoch: 'e', version: 8, user: 'bob', device: 'd1' }]);
    expect((await receipts.status('p1/d:both', [2])).get(2)).toEqual({ of: 1, delivered: 1, read: 0 });
    expect(await receipts.status('d:both', [2])).toEqual(new Map());
    await receipts.read('p1/d:both', 'bob', 2);
    expect((await receipts.status('p1/d:both', [2])).get(2)).toEqual({ of: 1, delivered: 1, read: 1 });
  });

  it('do not count who left again, whatever their devices still tell, until they come again', async () => {
    const { receipts, worker } = setUp();
    const sums = async (version: number) => (await receipts.status('g:team', [version])).get(version);
    await receipts.prepare(['g:team']);
    await receipts.leave('g:team', 'dan');
    await receipts.ask(entry(5), ask);
    await receipts.moved([at('bob', 5)]);
    await receipts.read('g:team', 'bob', 5);
    await receipts.leave('g:team', 'bob');
    await worker().moved([at('bob', 4, 'd2'), at('bob', 6), at('dan', 6)]);
    await worker().read('g:team', 'bob', 6);
    expect(await sums(5)).toEqual({ of: 2, delivered: 1, read: 1 });
    await receipts.ask(entry(6), ask);
    await receipts.ask(entry(7), ask);
    await receipts.enter('g:team', 'bob', 6);
    await receipts.moved([at('bob', 7)]);
    expect([await sums(5), await sums(6), await sums(7)]).toEqual([
      { of: 2, delivered: 1, read: 1 },
      { of: 2, delivered: 0, read: 0 },
      { of: 2, delivered: 1, read: 0 },
    ]);
  });

  it('are asked for once however often it is repeated', async () => {
    const { receipts, worker } = setUp();
    await receipts.prepare(['g:team']);
    await receipts.ask(entry(5), ask);
    await receipts.moved([at('bob', 5)]);
    await worker().ask(entry(5), ask);
    expect((await receipts.status('g:team', [5])).get(5)).toEqual({ of: 2, delivered: 1, read: 0 });
  });

  it('do not stop the others of a batch when one log can keep no more', async () => {
    const { receipts, logger } = setUp((records) => ({
      get: (owner, fields) => records.get(owner, fields),
      page: (owner, range) => records.page(owner, range),
      write: (owner, changes) =>
        owner === 'qg:full' && changes.length > 1
          ? Promise.reject(new ImError('TOO_MANY_RECORDS'))
          : records.write(owner, changes),
    }));
    await receipts.prepare(['g:full', 'g:team']);
    await receipts.ask(entry(1), ask);
    await receipts.moved([at('bob', 1, 'd1', 'g:full'), at('bob', 1)]);
    expect((await receipts.status('g:team', [1])).get(1)).toMatchObject({ delivered: 1 });
    expect(logger.records).toMatchObject([{ level: 'warn', fields: { log: 'g:full' } }]);
  });

  it('have the right sums whichever workers are told, in whatever order, and whatever of it fails and is repeated', async () => {
    const position = fc.record({
      kind: fc.constantFrom('deliver' as const, 'deliver' as const, 'read' as const),
      user: fc.constantFrom('ann', 'bob', 'cat'),
      device: fc.constantFrom('d1', 'd2'),
      version: fc.integer({ min: 1, max: 6 }),
      worker: fc.integer({ min: 0, max: 2 }),
    });
    /** Of the writes: fails before it does anything, after it did everything, or does not. */
    const fault = fc.constantFrom('before', 'after', 'none', 'none', 'none');
    await fc.assert(
      fc.asyncProperty(
        fc.array(position, { maxLength: 25 }),
        fc.array(fault, { maxLength: 40 }),
        fc.integer({ min: 0, max: 25 }),
        async (positions, faults, askAt) => {
          const pending = [...faults];
          const { worker } = setUp((records) => ({
            get: (owner, fields) => records.get(owner, fields),
            page: (owner, range) => records.page(owner, range),
            async write(owner, changes) {
              const next = changes.length > 1 ? pending.shift() : 'none';
              if (next === 'before') throw new ImError('STORE_UNAVAILABLE');
              await records.write(owner, changes);
              if (next === 'after') throw new ImError('STORE_UNAVAILABLE');
            },
          }));
          const workers = [worker(), worker(), worker()];
          await workers[0]?.prepare(['g:team']);
          const asking = async (version: number): Promise<void> => {
            while (await (workers[2] as Receipts).ask(entry(version), ask).then(() => false, mayBeRepeated));
          };
          await asking(1);
          const tell = async (one: (typeof positions)[number]): Promise<void> => {
            const receipts = workers[one.worker] as Receipts;
            const telling = () =>
              one.kind === 'read'
                ? receipts.read('g:team', one.user, one.version)
                : receipts.moved([at(one.user, one.version, one.device)]);
            while (await telling().then(() => false, mayBeRepeated));
          };
          // At once: they overtake each other, and are in each other's way.
          const steps: Promise<void>[] = [];
          for (const [index, one] of positions.entries()) {
            if (index === askAt) steps.push(asking(4));
            steps.push(tell(one));
          }
          if (askAt >= positions.length) steps.push(asking(4));
          await Promise.all(steps);
          const sum = (kind: 'deliver' | 'read', version: number): number =>
            new Set(
              positions
                .filter((one) => one.kind === kind && one.user !== 'ann' && one.version >= version)
                .map((one) => one.user),
            ).size;
          const status = await (workers[1] as Receipts).status('g:team', [1, 4]);
          for (const version of [1, 4]) {
            const read = sum('read', version);
            expect(status.get(version)).toEqual({ of: 2, read, delivered: Math.max(read, sum('deliver', version)) });
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

function mayBeRepeated(error: unknown): boolean {
  if (error instanceof ImError && error.retryable) return true;
  throw error;
}
