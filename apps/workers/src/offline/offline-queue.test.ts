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
  return { clock, told, metrics, logger, queue };
}

describe('the queue of offline events', () => {
  it('tells those of one user in order, each once, however often attempts fail; other users do not wait', async () => {
    const event = fc.record({ user: fc.constantFrom('ann', 'bob', 'cat'), failures: fc.integer({ min: 0, max: 4 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 30 }), async (events) => {
        const left = new Map(events.map(({ failures }, index) => [`${index}`, failures]));
        const told: string[] = [];
        const { queue, clock } = setUp({
          async tell(id) {
            await Promise.resolve();
            const failures = left.get(id) ?? 0;
            left.set(id, failures - 1);
            if (failures > 0) throw AWAY;
            told.push(id);
          },
        });
        for (const [index, { user }] of events.entries()) queue.add(user, `${index}`);
        for (let round = 0; queue.size > 0 && round < 500; round++) {
          await settle();
          clock.advance(60_000);
        }
        expect(told).toHaveLength(events.length);
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
    const { queue } = setUp({
      async tell(event) {
        if (event === 'poison') throw AWAY;
        told.push(event);
      },
    });
    queue.add('ann', 'poison');
    queue.add('ann', 'behind');
    queue.add('bob', 'free');
    await settle();
    expect(told).toEqual(['free']);
  });

  it('waits longer from failure to failure, up to a minute, and gives up what is too old', async () => {
    const attempts: number[] = [];
    const { queue, clock, metrics, logger } = setUp({
      maxAgeMs: 300_000,
      async tell() {
        attempts.push(clock.monotonic());
        throw AWAY;
      },
    });
    queue.add('ann', 'a');
    for (let second = 0; second < 400; second++) {
      await settle();
      clock.advance(1_000);
    }
    const waits = attempts.slice(1).map((at, index) => at - (attempts[index] as number));
    expect(waits.slice(0, 4).every((wait, index) => index === 0 || wait > (waits[index - 1] as number))).toBe(true);
    expect(Math.max(...waits)).toBeLessThanOrEqual(61_000);
    expect(queue.size).toBe(0);
    expect(metrics.value('im_workers_offline_lost_total', { sink: 'webhook', reason: 'expired' })).toBe(1);
    expect(logger.records).toMatchObject([{ level: 'warn' }]);
  });

  it('gives up at once what is refused for good, and goes on with the next', async () => {
    const told: string[] = [];
    const { queue, metrics } = setUp({
      async tell(event) {
        if (event === 'bad') throw new ImError('FORBIDDEN');
        told.push(event);
      },
    });
    queue.add('ann', 'bad');
    queue.add('ann', 'good');
    await settle();
    expect(told).toEqual(['good']);
    expect(metrics.value('im_workers_offline_lost_total', { sink: 'webhook', reason: 'refused' })).toBe(1);
  });

  it('takes no more than it has room for, and says so', async () => {
    const { queue, metrics } = setUp({ maxWaiting: 2, tell: () => new Promise(() => {}) });
    for (const event of ['a', 'b', 'c']) queue.add('ann', event);
    expect(queue.size).toBe(2);
    expect(metrics.value('im_workers_offline_lost_total', { sink: 'webhook', reason: 'full' })).toBe(1);
  });

  it('tries once more when it closes, and loses what is left, counted', async () => {
    let away = true;
    const told: string[] = [];
    const { queue, clock, metrics } = setUp({
      async tell(event, signal) {
        if (event === 'hangs') await new Promise((_resolve, reject) => signal.addEventListener('abort', reject));
        if (away) throw AWAY;
        told.push(event);
      },
    });
    queue.add('ann', 'a');
    queue.add('bob', 'hangs');
    queue.add('bob', 'behind');
    await settle();
    away = false;
    const closing = queue.close(3_000);
    await settle();
    expect(told).toEqual(['a']);
    clock.advance(3_000);
    await closing;
    expect([queue.size, clock.pendingTimers]).toEqual([0, 0]);
    expect(metrics.value('im_workers_offline_lost_total', { sink: 'webhook', reason: 'closed' })).toBe(2);
    queue.add('ann', 'late');
    expect(queue.size).toBe(0);
  });
});
