import type { Broadcast, SubscriberHandlers } from '@im/broadcast';
import type { Position } from '@im/protocol';
import { FakeClock, RecordingMetrics } from '@im/protocol/testing';
import type { Entry } from '@im/timeline';
import { describe, expect, it } from 'vitest';
import { GroupFeeds } from './group-feeds.js';
import { LogAccess } from './log-access.js';

const turn = (): Promise<void> => new Promise(setImmediate);

/** A bus and a log that the test plays. */
function setUp() {
  const clock = new FakeClock();
  const metrics = new RecordingMetrics();
  const subscribed = new Set<string>();
  const versions = new Map<string, number>();
  const published: string[] = [];
  const lost: [string, number | undefined][] = [];
  let handlers: SubscriberHandlers | undefined;
  let asked = 0;
  let closed = false;
  let settle: () => Promise<void> = () => Promise.resolve();
  const broadcast = {
    createSubscriber: (given: SubscriberHandlers) => {
      handlers = given;
      return {
        subscribe: (group: string) => void subscribed.add(group),
        unsubscribe: (group: string) => void subscribed.delete(group),
        settled: () => {
          asked++;
          return settle();
        },
        close: async () => {
          closed = true;
        },
      };
    },
  } as unknown as Broadcast;
  const position = (group: string): Position => ({ epoch: 'e', version: versions.get(group) ?? 0 });
  const log = {
    head: async (group: string) => ({ ...position(group), first: 1 }),
    read: async (group: string, range: { after?: number }) => {
      const after = range.after ?? 0;
      const length = position(group).version - after;
      const entries: Entry[] = Array.from({ length }, (_, i) => ({
        version: after + 1 + i,
        event: 'x',
        body: new Uint8Array(0),
        time: 0,
      }));
      return { ...position(group), first: 1, entries };
    },
  };
  const feeds = new GroupFeeds({
    broadcast,
    log: new LogAccess(log as never, { clock, timeoutMs: 1_000, afterTurn: setImmediate }),
    clock,
    settleTimeoutMs: 500,
    publish: ({ group, version }) => published.push(`${group}/${version}`),
    lost: (group, count) => lost.push([group, count]),
    pulled: metrics.counter('pulled', { help: '' }),
    lostVersions: metrics.counter('lost', { help: '' }),
  });
  return {
    ...{ clock, metrics, feeds, subscribed, versions, published, lost },
    handlers: handlers as SubscriberHandlers,
    asked: () => asked,
    isClosed: () => closed,
    settleWith: (how: typeof settle) => {
      settle = how;
    },
  };
}

describe('GroupFeeds', () => {
  it('subscribes from the first member to the last', async () => {
    const { feeds, subscribed, handlers, published } = setUp();
    feeds.open('r:1');
    await feeds.get('r:1')?.ready;
    expect([...subscribed]).toEqual(['r:1']);
    const delivery = {
      group: 'r:1',
      lane: 'priority',
      event: 'x',
      body: new Uint8Array(0),
      time: 0,
      epoch: 'e',
    } as const;
    handlers.onDelivery({ ...delivery, version: 1 });
    feeds.close('r:1');
    handlers.onDelivery({ ...delivery, version: 2 });
    expect([published, [...subscribed], feeds.size]).toEqual([['r:1/1'], [], 0]);
  });

  it('asks the bus once for all groups that are opened in a turn', async () => {
    const { feeds, asked } = setUp();
    for (let i = 0; i < 100; i++) feeds.open(`r:${i}`);
    await feeds.get('r:99')?.ready;
    expect(asked()).toBe(1);
  });

  it('does not wait for ever until a subscription is in force', async () => {
    const { feeds, clock, settleWith } = setUp();
    settleWith(() => new Promise(() => {}));
    feeds.open('r:1');
    await turn();
    clock.advance(500);
    await feeds.get('r:1')?.ready;
    expect(feeds.get('r:1')?.position).toEqual({ epoch: 'e', version: 0 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('compares all groups with the log when subscriptions are in force again', async () => {
    const { feeds, versions, handlers, published, metrics } = setUp();
    for (let i = 0; i < 100; i++) feeds.open(`r:${i}`);
    await feeds.get('r:99')?.ready;
    versions.set('r:7', 2).set('r:93', 1);
    handlers.onRestored?.();
    await expect.poll(() => [...published].sort(), { interval: 1 }).toEqual(['r:7/1', 'r:7/2', 'r:93/1']);
    expect(metrics.value('pulled')).toBe(3);
  });

  it('pulls the tail of a group whose head is told, and passes on what the bus has lost', async () => {
    const { feeds, versions, handlers, published, lost } = setUp();
    feeds.open('r:1');
    await feeds.get('r:1')?.ready;
    versions.set('r:1', 1);
    handlers.onHead?.('r:1', { epoch: 'e', version: 1 });
    handlers.onHead?.('r:2', { epoch: 'e', version: 1 });
    handlers.onLoss?.('r:1', 3);
    await expect.poll(() => published, { interval: 1 }).toEqual(['r:1/1']);
    expect(lost).toEqual([['r:1', 3]]);
  });

  it('lets go of everything', async () => {
    const { feeds, isClosed } = setUp();
    feeds.open('r:1');
    await feeds.stop();
    expect([feeds.size, isClosed()]).toEqual([0, true]);
  });
});
