import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { FakeClock, RecordingLogger, RecordingMetrics } from '@im/protocol/testing';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type IdSourceOptions, openIdSource } from './id-source.js';
import { createMemoryRecordStore } from './memory/memory-record-store.js';
import type { RecordStore } from './record-store.js';

/** A store whose next calls may fail, before or after they were carried out. */
function failing(store: RecordStore): RecordStore & { fail: 'never' | 'before' | 'after' } {
  const wrapped = {
    fail: 'never' as 'never' | 'before' | 'after',
    get: async (owner: string, fields: readonly string[]) => {
      if (wrapped.fail === 'before') throw new ImError('STORE_UNAVAILABLE');
      return store.get(owner, fields);
    },
    page: store.page.bind(store),
    write: async (...args: Parameters<RecordStore['write']>) => {
      if (wrapped.fail !== 'before') await store.write(...args);
      if (wrapped.fail !== 'never') throw new ImError('STORE_UNAVAILABLE');
    },
  };
  return wrapped;
}

describe('ids', () => {
  const clock = new FakeClock();

  function options(records: RecordStore, rest: Partial<IdSourceOptions> = {}): IdSourceOptions {
    return { records, segment: 8, clock, ...rest };
  }

  it('are 64-bit decimals, each higher than the one before, through many segments', async () => {
    const source = await openIdSource(options(createMemoryRecordStore()));
    let before = 0n;
    for (let count = 0; count < 500; count += 1) {
      const id = source.next();
      expect(id).toMatch(/^[1-9]\d{0,18}$/);
      expect(BigInt(id)).toBeGreaterThan(before);
      expect(BigInt(id)).toBeLessThan(2n ** 63n);
      before = BigInt(id);
      if (count % 3 === 0) await new Promise(setImmediate);
    }
    source.close();
  });

  it('are never given twice, and grow in each process, whoever is killed when, and though the store fails', async () => {
    const step = fc.record({
      process: fc.nat({ max: 3 }),
      what: fc.oneof(
        { weight: 8, arbitrary: fc.constant('take' as const) },
        fc.constantFrom('kill', 'fail before', 'fail after', 'mend', 'lose the store', 'pass time'),
      ),
      count: fc.integer({ min: 1, max: 10 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const time = new FakeClock();
        let inner = createMemoryRecordStore({ clock: time });
        const records = failing({
          get: (...args) => inner.get(...args),
          page: (...args) => inner.page(...args),
          write: (...args) => inner.write(...args),
        });
        const open = () => openIdSource({ records, segment: 4, clock: time });
        const processes = await Promise.all(Array.from({ length: 4 }, open));
        const last = processes.map(() => 0n);
        const given = new Set<string>();
        for (const { process, what, count } of steps) {
          if (what === 'take') {
            for (let taken = 0; taken < count; taken += 1) {
              const id = idOf(() => processes[process]?.next() ?? '');
              await new Promise(setImmediate);
              if (id === undefined) continue;
              expect(given.has(id), `${id} given twice`).toBe(false);
              expect(BigInt(id)).toBeGreaterThan(last[process] ?? 0n);
              given.add(id);
              last[process] = BigInt(id);
            }
          } else if (what === 'kill') {
            processes[process]?.close();
            processes[process] = await open();
          } else if (what === 'lose the store') {
            // The clock has gone on by the time that a store is replaced.
            time.advance(1);
            inner = createMemoryRecordStore({ clock: time });
          } else if (what === 'pass time') {
            time.advance(count * 100);
            await new Promise(setImmediate);
          } else {
            records.fail = what === 'mend' ? 'never' : what === 'fail before' ? 'before' : 'after';
          }
        }
        for (const process of processes) process.close();
        expect(time.pendingTimers).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it('are taken ahead: a store that goes away is noticed only when they are used up, and again when it is back', async () => {
    const time = new FakeClock();
    const logger = new RecordingLogger();
    const metrics = new RecordingMetrics();
    const records = failing(createMemoryRecordStore());
    const source = await openIdSource(options(records, { clock: time, logger, metrics }));
    records.fail = 'before';
    const given = Array.from({ length: 8 }, () => source.next());
    expect(() => source.next()).toThrow(expect.objectContaining({ name: 'STORE_UNAVAILABLE', retryable: true }));
    expect(metrics.value('im_timeline_ids_refused_total')).toBe(1);
    await vi.waitFor(() => expect(logger.records).toHaveLength(1));
    records.fail = 'never';
    time.advance(500);
    await vi.waitFor(() => expect(metrics.value('im_timeline_ids')).toBe(8));
    expect(given).not.toContain(source.next());
    expect(metrics.value('im_timeline_id_segments_total')).toBe(2);
    source.close();
    expect(time.pendingTimers).toBe(0);
  });

  it('can be opened while the store is away', async () => {
    const time = new FakeClock();
    const records = failing(createMemoryRecordStore());
    records.fail = 'before';
    const source = await openIdSource(options(records, { clock: time }));
    expect(() => source.next()).toThrow(expect.objectContaining({ name: 'STORE_UNAVAILABLE' }));
    records.fail = 'never';
    time.advance(500);
    await vi.waitFor(() => expect(source.next()).toMatch(/^\d+$/));
    source.close();
    expect(() => source.next()).toThrow(expect.objectContaining({ name: 'CLOSED' }));
  });

  it('do not keep anybody waiting for a store that does not answer, and come when it does', async () => {
    const time = new FakeClock();
    const store = createMemoryRecordStore();
    let answer = () => {};
    const answering = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const get: RecordStore['get'] = (...args) => answering.then(() => store.get(...args));
    const opening = openIdSource({ records: { ...failing(store), get }, clock: time });
    time.advance(1_000);
    const source = await opening;
    expect(() => source.next()).toThrow(expect.objectContaining({ name: 'STORE_UNAVAILABLE' }));
    answer();
    await vi.waitFor(() => expect(source.next()).toMatch(/^\d+$/));
    source.close();
    expect(time.pendingTimers).toBe(0);
  });

  it('grow also when the record is lost and the clock is set back', async () => {
    let inner = createMemoryRecordStore();
    const records: RecordStore = {
      get: (...args) => inner.get(...args),
      page: (...args) => inner.page(...args),
      write: (...args) => inner.write(...args),
    };
    let now = 1_790_000_000_000;
    const time = { ...systemClock, now: () => now };
    const source = await openIdSource({ records, segment: 4, clock: time });
    inner = createMemoryRecordStore();
    now -= 86_400_000;
    let before = 0n;
    for (let count = 0; count < 20; count += 1) {
      const id = BigInt(source.next());
      expect(id).toBeGreaterThan(before);
      before = id;
      await new Promise(setImmediate);
    }
    source.close();
  });

  it.each(['many', `${2n ** 63n - 4n}`])('are not given where the record says %s', async (text) => {
    const records = createMemoryRecordStore();
    await records.write('id:message', [{ field: 'next', body: Buffer.from(text) }]);
    const source = await openIdSource(options(records, { clock: new FakeClock(), segment: 8 }));
    expect(() => source.next()).toThrow(expect.objectContaining({ name: 'STORE_UNAVAILABLE' }));
    source.close();
  });
});

function idOf(take: () => string): string | undefined {
  try {
    return take();
  } catch (error) {
    expect(error).toMatchObject({ name: 'STORE_UNAVAILABLE' });
    return undefined;
  }
}
