import { ImError } from '@im/protocol';
import { FakeClock, RecordingLogger, RecordingMetrics } from '@im/protocol/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OfflineQueue, type OfflineQueueOptions } from './offline-queue.js';

const AWAY = new ImError('UNAVAILABLE');
const settle = () => new Promise(setImmediate);

function setUp(options: Partial<OfflineQueueOptions<string>> = {}) {
  const clock = new FakeClock();
  const told: string[] = [];
  const metrics = new RecordingMetrics();
  const logger = new RecordingLogger();
  const queue = new OfflineQueue<string>({
    name: 'webhook',
    tell: async (event) => void told.push(event),
    ...{ clock, logger, metrics, random: () => 0.5 },
    ...options,
  });
  const done: string[] = [];
  const add = (user: string, event: string, at = clock.now()) =>
    queue.add(user, { event, at, done: () => done.push(event) });
  return { clock, told, done, metrics, logger, queue, add };
}

describe('the queue of offline events', () => {
  it('tells those of one user in order, each once, however often attempts fail; other users do not wait', async () => {
    const event = fc.record({ user: fc.constantFrom('ann', 'bob', 'cat'), failures: fc.integer({ min: 0, max: 4 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 30 }), async (events) => {
        const left = new Map(events.map(({ failures }, index) => [`${index}`, failures]));
        const told: string[] = [];
        const { queue, add, done, clock } = setUp({
          async tell(id) {
            await Promise.resolve();
            const failures = left.get(id) ?? 0;
            left.set(id, failures - 1);
            if (failures > 0) throw AWAY;
            told.push(id);
          },
        });
        for (const [index, { user }] of events.entries()) add(user, `${index}`);
        for (let round = 0; queue.size > 0 && round < 500; round++) {
          await settle();
          clock.advance(60_000);
        }
        expect(told).toHaveLength(events.length);
        expect(done).toEqual(told);
        for (const user of ['ann', 'bob', 'cat']) {
          const own = events.flatMap((one, index) => (one.user === user ? [`${index}`] : []));
          expect(told.filter((id) => own.includes(id))).toEqual(own);
        }
        expect(clock.pendingTimers).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it('does not let one user hold up the others', async () => {
    const told: string[] = [];
    const { add } = setUp({
      async tell(event) {
        if (event === 'poison') throw AWAY;
        told.push(event);
      },
    });
    add('ann', 'poison');
    add('ann', 'behind');
    add('bob', 'free');
    await settle();
    expect(told).toEqual(['free']);
  });

  it('waits longer from failure to failure, up to a minute, and gives up what is too old', async () => {
    const attempts: number[] = [];
    const { queue, add, done, clock, metrics, logger } = setUp({
      async tell() {
        attempts.push(clock.monotonic());
        throw AWAY;
      },
    });
    add('ann', 'a', clock.now() - 3_300_000);
    for (let second = 0; second < 400; second++) {
      await settle();
      clock.advance(1_000);
    }
    const waits = attempts.slice(1).map((at, index) => at - (attempts[index] as number));
    expect(waits.slice(0, 4).every((wait, index) => index === 0 || wait > (waits[index - 1] as number))).toBe(true);
    expect(Math.max(...waits)).toBeLessThanOrEqual(61_000);
    expect([queue.size, done]).toEqual([0, ['a']]);
    expect(metrics.value('im_workers_offline_lost_total', { sink: 'webhook', reason: 'expired' })).toBe(1);
    expect(logger.records).toMatchObject([{ level: 'warn' }]);
  });

  it('gives up at once what is refused for good, and goes on with the next', async () => {
    const told: string[] = [];
    const { add, done, metrics } = setUp({
      async tell(event) {
        if (event === 'bad') throw new ImError('FORBIDDEN');
        told.push(event);
      },
    });
    add('ann', 'bad');
    add('ann', 'good');
    await settle();
    expect([told, done]).toEqual([['good'], ['bad', 'good']]);
    expect(metrics.value('im_workers_offline_lost_total', { sink: 'webhook', reason: 'refused' })).toBe(1);
  });

  it('does not tell what was too old before its turn came', async () => {
    const { add, told, done, clock } = setUp();
    add('ann', 'old', clock.now() - 3_600_000);
    add('ann', 'new');
    await settle();
    expect([told, done]).toEqual([['new'], ['old', 'new']]);
  });

  it('forgets all when it is told to, what is being told too, and then begins anew', async () => {
    const signals: AbortSignal[] = [];
    let isAway = true;
    const { queue, add, done, clock } = setUp({
      async tell(event, signal) {
        signals.push(signal);
        if (event === 'hangs') await new Promise((_resolve, reject) => signal.addEventListener('abort', reject));
        if (isAway) throw AWAY;
      },
    });
    add('ann', 'hangs');
    add('bob', 'waits');
    await settle();
    queue.abandon();
    await settle();
    expect([queue.size, clock.pendingTimers, done, signals[0]?.aborted]).toEqual([0, 0, [], true]);
    isAway = false;
    add('ann', 'next');
    await settle();
    expect(done).toEqual(['next']);
  });

  it('tries once more when it closes; what is left is not done', async () => {
    let away = true;
    const told: string[] = [];
    const { queue, add, done, clock } = setUp({
      async tell(event, signal) {
        if (event === 'hangs') await new Promise((_resolve, reject) => signal.addEventListener('abort', reject));
        if (away) throw AWAY;
        told.push(event);
      },
    });
    add('ann', 'a');
    add('bob', 'hangs');
    add('bob', 'behind');
    await settle();
    away = false;
    const closing = queue.close(3_000);
    await settle();
    expect(told).toEqual(['a']);
    clock.advance(3_000);
    await closing;
    expect([queue.size, clock.pendingTimers, done]).toEqual([0, 0, ['a']]);
  });
});
