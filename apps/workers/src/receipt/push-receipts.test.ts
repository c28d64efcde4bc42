import { ImError } from '@im/protocol';
import { FakeClock, RecordingLogger, RecordingMetrics } from '@im/protocol/testing';
import type { RecordStore } from '@im/timeline';
import { createMemoryRecordStore } from '@im/timeline/memory';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_PEOPLE, PushReceipts } from './push-receipts.js';
import type { PushEntry } from './push-share.js';
import type { ReceiptNews } from './receipt-news.js';
import { Receipts } from './receipts.js';

function setUp(wrap: (records: RecordStore) => RecordStore = (records) => records) {
  const clock = new FakeClock();
  const store = createMemoryRecordStore({ clock });
  const news = { add: () => {} } as unknown as ReceiptNews;
  const ports = { logger: new RecordingLogger(), metrics: new RecordingMetrics() };
  /** Another one is another worker. */
  const worker = () => {
    const records = wrap(store);
    const receipts = new Receipts({ records, news, ...ports });
    return { receipts, pushes: new PushReceipts({ records, receipts, clock, ...ports }) };
  };
  return { clock, store, worker, ...ports, ...worker() };
}

const PUSH = { product: undefined, id: 'news 1/ö' };
const entry = (user: string, version = 1, epoch = 'e'): PushEntry => [user, epoch, version];
const at = (user: string, version: number, epoch = 'e', product = '') => ({
  ...{ log: `${product}u:${user}`, epoch, version, user, device: 'd1' },
});

describe('receipts of pushes', () => {
  it('count to whom it went, and who of them has it on any device', async () => {
    const { pushes, receipts, metrics } = setUp();
    await pushes.prepare(PUSH, ['ann', 'bob', 'cat', '__proto__']);
    await pushes.ask(PUSH, [entry('ann', 7), entry('bob', 2), entry('cat', 1), entry('__proto__')]);
    expect(await pushes.sums(PUSH)).toEqual({ of: 4, delivered: 0 });
    await receipts.moved([at('ann', 6), at('bob', 3), at('__proto__', 1)]);
    expect(await pushes.sums(PUSH)).toEqual({ of: 4, delivered: 2 });
    await receipts.moved([{ ...at('ann', 7), device: 'd2' }, at('cat', 1)]);
    for (let times = 0; times < 2; times += 1) expect(await pushes.sums(PUSH)).toEqual({ of: 4, delivered: 4 });
    // Who has it is not looked up again.
    expect(metrics.value('im_workers_push_lookups_total')).toBe(4 + 4 + 2);
  });

  it('count what was confirmed before the push was told of, also in an epoch that began meanwhile', async () => {
    const { pushes, receipts } = setUp();
    await receipts.prepare(['u:ann']);
    await receipts.ask({ log: 'u:ann', epoch: 'older', version: 9 }, { of: 1, delivered: 0 });
    await receipts.moved([at('ann', 9, 'older')]);
    await pushes.prepare(PUSH, ['ann', 'bob']);
    await receipts.moved([at('ann', 1), at('bob', 1), at('ann', 9, 'older')]);
    await pushes.ask(PUSH, [entry('ann'), entry('bob')]);
    expect(await pushes.sums(PUSH)).toEqual({ of: 2, delivered: 2 });
    expect((await receipts.status('u:ann', [9])).get(9)).toMatchObject({ delivered: 1 });
  });

  it('do not take back who had it when a log began anew', async () => {
    const { pushes, receipts } = setUp();
    await pushes.prepare(PUSH, ['ann', 'bob']);
    await pushes.ask(PUSH, [entry('ann'), entry('bob')]);
    await receipts.moved([at('ann', 1)]);
    expect(await pushes.sums(PUSH)).toEqual({ of: 2, delivered: 1 });
    await receipts.moved([at('ann', 1, 'e2'), at('bob', 5, 'e2'), at('ann', 1, 'e3')]);
    expect(await pushes.sums(PUSH)).toEqual({ of: 2, delivered: 1 });
  });

  it('are one for all that is pushed under one id, each person once', async () => {
    const { pushes, receipts } = setUp();
    await pushes.prepare(PUSH, ['ann', 'bob']);
    await pushes.ask(PUSH, [entry('ann')]);
    await receipts.moved([at('ann', 1)]);
    expect(await pushes.sums(PUSH)).toEqual({ of: 1, delivered: 1 });
    await pushes.prepare(PUSH, ['ann', 'bob']);
    await pushes.ask(PUSH, [entry('ann'), entry('bob', 3), entry('bob', 3)]);
    expect(await pushes.sums(PUSH)).toEqual({ of: 2, delivered: 1 });
  });

  it('belong to a product', async () => {
    const { pushes, receipts } = setUp();
    const own = { ...PUSH, product: 'p1' };
    await pushes.prepare(own, ['ann']);
    await pushes.ask(own, [entry('ann')]);
    await receipts.moved([at('ann', 1)]);
    expect(await pushes.sums(own)).toEqual({ of: 1, delivered: 0 });
    await receipts.moved([at('ann', 1, 'e', 'p1/')]);
    expect(await pushes.sums(own)).toEqual({ of: 1, delivered: 1 });
    await expect(pushes.sums(PUSH)).rejects.toMatchObject({ name: 'RECEIPT_UNKNOWN' });
  });

  it('are for 10,000 people each, whatever their names; more are refused before anything is published', async () => {
    const { pushes, receipts } = setUp();
    const users = Array.from({ length: MAX_PEOPLE }, (_, index) => `${index}`.padStart(64, '-'));
    const epoch = 'e'.repeat(64);
    await pushes.prepare(PUSH, users);
    for (let from = 0; from < MAX_PEOPLE; from += 4_000) {
      const some = users.slice(from, from + 4_000);
      await pushes.ask(
        PUSH,
        some.map((user) => entry(user, Number.MAX_SAFE_INTEGER, epoch)),
      );
    }
    await receipts.moved(users.slice(0, 70).map((user) => at(user, Number.MAX_SAFE_INTEGER, epoch)));
    expect(await pushes.sums(PUSH)).toEqual({ of: MAX_PEOPLE, delivered: 70 });
    await pushes.prepare(PUSH, users.slice(1, 3));
    await expect(pushes.prepare(PUSH, ['ann'])).rejects.toMatchObject({ name: 'TOO_MANY_RECORDS' });
  });

  it('are forgotten after seven days, when others come, and nothing of them is left', async () => {
    const { pushes, clock, store } = setUp();
    await pushes.prepare(PUSH, ['ann', 'bob']);
    await pushes.ask(PUSH, [entry('ann'), entry('bob')]);
    const ask = async (id: string) => {
      await pushes.prepare({ ...PUSH, id }, ['ann']);
      await pushes.ask({ ...PUSH, id }, [entry('ann')]);
    };
    clock.advance(7 * 86_400_000);
    // However often it is tried.
    for (let times = 0; times < 3; times += 1) await ask('news-2');
    for (let times = 0; times < 3; times += 1) await pushes.prepare({ ...PUSH, id: 'never published' }, ['ann']);
    await expect(pushes.sums({ ...PUSH, id: 'never published' })).rejects.toMatchObject({ name: 'RECEIPT_UNKNOWN' });
    expect(await pushes.sums(PUSH)).toMatchObject({ of: 2 });
    clock.advance(1);
    await ask('news-3');
    await expect(pushes.sums(PUSH)).rejects.toMatchObject({ name: 'RECEIPT_UNKNOWN' });
    expect(await pushes.sums({ ...PUSH, id: 'news-2' })).toMatchObject({ of: 1 });
    expect((await store.page('qp:index', { prefix: '', limit: 10 })).records).toHaveLength(3);
  });

  it('make room for new ones, the oldest are forgotten', async () => {
    const { pushes, clock } = setUp((records) => ({
      get: (owner, fields) => records.get(owner, fields),
      page: (owner, range) => records.page(owner, range),
      async write(owner, changes) {
        const isFull = (await records.page(owner, { prefix: '', limit: 10 })).records.length >= 2;
        if (owner === 'qp:index' && isFull && changes[0]?.body) throw new ImError('TOO_MANY_RECORDS');
        await records.write(owner, changes);
      },
    }));
    for (const id of ['1', '2', '3']) {
      await pushes.prepare({ ...PUSH, id }, ['ann']);
      await pushes.ask({ ...PUSH, id }, [entry('ann')]);
      clock.advance(1);
    }
    await expect(pushes.sums({ ...PUSH, id: '1' })).rejects.toMatchObject({ name: 'RECEIPT_UNKNOWN' });
    expect(await pushes.sums({ ...PUSH, id: '3' })).toEqual({ of: 1, delivered: 0 });
  });

  it('are right and never shrink, whichever workers positions, pushes and questions come to, in whatever order, and whatever fails', async () => {
    const users = ['ann', 'bob', 'cat', 'dan'] as const;
    const worker = fc.integer({ min: 0, max: 2 });
    const step = fc.oneof(
      fc.record({
        ...{ do: fc.constant('move' as const), worker },
        ...{ user: fc.constantFrom(...users), version: fc.integer({ min: 1, max: 4 }) },
        // A log that begins anew: what is told of another epoch says nothing of this one.
        epoch: fc.constantFrom('e', 'e', 'e', 'e2'),
      }),
      fc.record({ do: fc.constant('ask' as const), worker, users: fc.subarray([...users], { minLength: 1 }) }),
      fc.record({ do: fc.constant('look' as const), worker }),
    );
    const fault = fc.constantFrom('before', 'after', 'none', 'none', 'none');
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.array(fault, { maxLength: 40 }),
        fc.boolean(),
        async (steps, faults, isAtOnce) => {
          const pending = [...faults];
          const { worker } = setUp((records) => ({
            get: (owner, fields) => records.get(owner, fields),
            page: (owner, range) => records.page(owner, range),
            async write(owner, changes) {
              const next = pending.shift();
              if (next === 'before') throw new ImError('STORE_UNAVAILABLE');
              await records.write(owner, changes);
              if (next === 'after') throw new ImError('STORE_UNAVAILABLE');
            },
          }));
          const workers = [worker(), worker(), worker()];
          const asked = new Set<string>(['ann']);
          const has = new Set<string>();
          const persist = async (run: () => Promise<unknown>): Promise<void> => {
            while (await run().then(() => false, mayBeRepeated));
          };
          const [first] = workers;
          await persist(async () => first?.pushes.prepare(PUSH, [...users]));
          await persist(async () => first?.pushes.ask(PUSH, [entry('ann', 2)]));
          let before = 0;
          const run = async (each: (typeof steps)[number]): Promise<void> => {
            const { receipts, pushes } = workers[each.worker] as ReturnType<typeof worker>;
            if (each.do === 'move') {
              if (each.epoch === 'e' && each.version >= 2) has.add(each.user);
              return persist(() => receipts.moved([at(each.user, each.version, each.epoch)]));
            }
            if (each.do === 'ask') {
              for (const user of each.users) asked.add(user);
              return persist(() =>
                pushes.ask(
                  PUSH,
                  each.users.map((user) => entry(user, 2)),
                ),
              );
            }
            await persist(async () => {
              const { of, delivered } = await pushes.sums(PUSH);
              expect(delivered).toBeLessThanOrEqual(of);
              expect(delivered).toBeLessThanOrEqual([...asked].filter((user) => has.has(user)).length);
              if (isAtOnce) return;
              expect(delivered).toBeGreaterThanOrEqual(before);
              before = delivered;
            });
          };
          if (isAtOnce) await Promise.all(steps.map(run));
          else for (const each of steps) await run(each);
          pending.length = 0;
          const delivered = [...asked].filter((user) => has.has(user)).length;
          expect(await workers[1]?.pushes.sums(PUSH)).toEqual({ of: asked.size, delivered });
        },
      ),
      { numRuns: 200 },
    );
  });
});

function mayBeRepeated(error: unknown): boolean {
  if (error instanceof ImError && error.retryable) return true;
  throw error;
}
