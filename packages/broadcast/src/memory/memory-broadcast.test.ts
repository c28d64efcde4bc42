import { ImError, type Publication } from '@im/protocol';
import { type LogFields, silentLogger } from '@im/protocol/ports';
import { FakeClock } from '@im/protocol/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Broadcast } from '../broadcast.js';
import { describeBroadcastContract } from '../testing/broadcast-contract.js';
import { FakeSequencer } from '../testing/fake-sequencer.js';
import { subscribeRecording } from '../testing/recording-subscriber.js';
import { createMemoryBroadcast, type MemoryBroadcastOptions } from './memory-broadcast.js';

describeBroadcastContract('memory', async (setup) => createMemoryBroadcast(setup));

const body = new TextEncoder().encode('"x"');
const normal: Publication = { lane: 'normal', event: 'chat', body, time: 1 };
const priority: Publication = { lane: 'priority', event: 'gift', body, time: 1 };

describe('memory broadcast', () => {
  let sequencer: FakeSequencer;
  let clock: FakeClock;
  const opened: Broadcast[] = [];

  function open(options: Partial<MemoryBroadcastOptions> = {}): Broadcast {
    const broadcast = createMemoryBroadcast({ sequencer, clock, ...options });
    opened.push(broadcast);
    return broadcast;
  }

  beforeEach(() => {
    sequencer = new FakeSequencer();
    clock = new FakeClock();
  });

  afterEach(async () => {
    sequencer.release();
    await Promise.all(opened.splice(0).map((broadcast) => broadcast.close()));
  });

  it('delivers priority messages before normal ones that were published earlier in the turn', async () => {
    const broadcast = open();
    const subscriber = await subscribeRecording(broadcast, 'r:1');
    const publisher = broadcast.createPublisher();
    await Promise.all([publisher.publish('r:1', normal), publisher.publish('r:1', priority)]);
    expect(subscriber.deliveries.map(({ lane }) => lane)).toEqual(['priority', 'normal']);
  });

  it('delivers priority messages before whatever waits for the turn', async () => {
    const broadcast = open();
    const subscriber = await subscribeRecording(broadcast, 'r:1');
    const publisher = broadcast.createPublisher();
    const before = new Promise<number>((resolve) => setImmediate(() => resolve(subscriber.deliveries.length)));
    await Promise.all([publisher.publish('r:1', priority), publisher.publish('r:1', priority)]);
    expect(await before).toBe(2);
  });

  it('shares one delivery object between all subscribers, and the body with the publisher', async () => {
    const broadcast = open();
    const subscribers = [await subscribeRecording(broadcast, 'r:1'), await subscribeRecording(broadcast, 'r:1')];
    await broadcast.createPublisher().publish('r:1', normal);
    expect(subscribers[0]?.deliveries[0]).toBe(subscribers[1]?.deliveries[0]);
    expect(subscribers[0]?.deliveries[0]?.body).toBe(body);
  });

  it('drops normal messages beyond its limit, tells how many of which group, and goes on', async () => {
    const broadcast = open({ maxNormalMessages: 3 });
    const subscriber = await subscribeRecording(broadcast, 'r:1', 'r:2');
    const publisher = broadcast.createPublisher();
    const groups = ['r:1', 'r:1', 'r:2', 'r:1', 'r:2', 'r:1'];
    await Promise.all(groups.map((group) => publisher.publish(group, normal)));
    expect(subscriber.deliveries.map(({ group }) => group)).toEqual(['r:1', 'r:1', 'r:2']);
    expect(subscriber.losses).toEqual([
      { group: 'r:1', count: 2 },
      { group: 'r:2', count: 1 },
    ]);
    await publisher.publish('r:1', normal);
    expect(subscriber.deliveries).toHaveLength(4);
    expect(subscriber.losses).toHaveLength(2);
  });

  it('drops normal messages beyond its limit on bytes, but not those nobody would get', async () => {
    const broadcast = open({ maxLaneBytes: 5 });
    const subscriber = await subscribeRecording(broadcast, 'r:1');
    const publisher = broadcast.createPublisher();
    await Promise.all(['r:1', 'r:1', 'r:9'].map((group) => publisher.publish(group, normal)));
    expect(subscriber.deliveries).toHaveLength(1);
    expect(subscriber.losses).toEqual([{ group: 'r:1', count: 1 }]);
  });

  it('refuses priority messages beyond its limit with QUEUE_FULL, taking nothing, until there is room again', async () => {
    const broadcast = open({ maxPriorityMessages: 2 });
    const subscriber = await subscribeRecording(broadcast, 'r:1', 'r:2', 'r:3');
    const publisher = broadcast.createPublisher();
    sequencer.hold();
    const taken = ['r:1', 'r:2'].map((group) => publisher.publish(group, priority));
    const refused = expect.objectContaining({ name: 'QUEUE_FULL', retryable: true });
    await expect(publisher.publish('r:3', priority)).rejects.toEqual(refused);
    await expect(publisher.publish('r:3', priority, { acknowledge: 'none' })).rejects.toEqual(refused);
    const many = await publisher.publishMany(['r:3'], priority, { acknowledge: 'none' });
    expect([...many.failed]).toEqual([['r:3', refused]]);
    expect(many.published).toEqual([]);
    expect(sequencer.calls).toEqual(['r:1', 'r:2']);
    sequencer.release();
    await Promise.all(taken);
    expect(await publisher.publish('r:3', priority)).toMatchObject({ version: 1 });
    expect(subscriber.deliveries.map(({ group }) => group)).toEqual(['r:1', 'r:2', 'r:3']);
  });

  it('counts the body of one publishMany once against its limit on bytes', async () => {
    const broadcast = open({ maxLaneBytes: 10 });
    const publisher = broadcast.createPublisher();
    sequencer.hold();
    const taken = publisher.publishMany(['u:1', 'u:2', 'u:3'], { ...priority, body: new Uint8Array(9) });
    const refused = await publisher.publishMany(
      ['u:4'],
      { ...priority, body: new Uint8Array(2) },
      { acknowledge: 'none' },
    );
    expect([...refused.failed.keys()]).toEqual(['u:4']);
    sequencer.release();
    expect((await taken).failed.size).toBe(0);
    expect(await publisher.publish('u:4', { ...priority, body: new Uint8Array(10) })).toMatchObject({ version: 1 });
  });

  it('lets I/O pass between slices when there is more than a slice of normal messages', async () => {
    const broadcast = open();
    let delivered = 0;
    const subscriber = broadcast.createSubscriber({
      onDelivery: () => {
        delivered += 1;
        clock.advance(0.1);
      },
    });
    subscriber.subscribe('r:1');
    const publisher = broadcast.createPublisher();
    const count = 500;
    await Promise.all(Array.from({ length: count }, () => publisher.publish('r:1', normal)));
    const afterOneTurn = delivered;
    expect(afterOneTurn).toBeGreaterThan(0);
    expect(afterOneTurn).toBeLessThan(count);
    await publisher.publish('r:1', priority);
    expect(delivered).toBeLessThan(count);
    await vi.waitFor(() => expect(delivered).toBe(count + 1));
  });

  it('lets I/O pass between slices of priority messages too, and no normal message before the last of them', async () => {
    const broadcast = open();
    const lanes: string[] = [];
    const subscriber = broadcast.createSubscriber({
      onDelivery: ({ lane }) => {
        lanes.push(lane);
        clock.advance(0.1);
      },
    });
    subscriber.subscribe('r:1');
    const publisher = broadcast.createPublisher();
    const count = 500;
    const published = Array.from({ length: count }, () => publisher.publish('r:1', priority));
    await Promise.all([publisher.publish('r:1', normal), ...published]);
    expect(lanes.length).toBeGreaterThan(0);
    expect(lanes.length).toBeLessThan(count);
    await vi.waitFor(() => expect(lanes).toHaveLength(count + 1));
    expect(lanes.indexOf('normal')).toBe(count);
  });

  it('leaves what a handler publishes to a later turn', async () => {
    const broadcast = open();
    const publisher = broadcast.createPublisher();
    let depth = 0;
    const order: string[] = [];
    const subscriber = broadcast.createSubscriber({
      onDelivery: ({ group }) => {
        depth += 1;
        order.push(`${group} ${depth}`);
        if (group === 'r:1') void publisher.publish('r:2', normal, { acknowledge: 'none' });
        depth -= 1;
      },
    });
    for (const group of ['r:1', 'r:2', 'r:3']) subscriber.subscribe(group);
    await Promise.all(['r:1', 'r:3'].map((group) => publisher.publish(group, normal)));
    expect(order).toEqual(['r:1 1', 'r:3 1']);
    await vi.waitFor(() => expect(order).toEqual(['r:1 1', 'r:3 1', 'r:2 1']));
  });

  it('gives others a turn while a handler answers every priority message with another', async () => {
    const broadcast = open();
    const publisher = broadcast.createPublisher();
    let delivered = 0;
    const subscriber = broadcast.createSubscriber({
      onDelivery: () => {
        delivered += 1;
        if (delivered < 100) void publisher.publish('r:1', priority, { acknowledge: 'none' });
      },
    });
    subscriber.subscribe('r:1');
    await publisher.publish('r:1', priority);
    const soFar = await new Promise<number>((resolve) => setImmediate(() => resolve(delivered)));
    expect(soFar).toBeLessThan(50);
    await vi.waitFor(() => expect(delivered).toBe(100));
  });

  it('logs a failing subscriber once a turn, whichever handler fails', async () => {
    const lines: LogFields[] = [];
    const logger = { ...silentLogger, error: (_: string, fields: LogFields = {}) => void lines.push(fields) };
    const broadcast = open({ logger, maxNormalMessages: 2 });
    const fail = (): never => {
      throw new ImError('INTERNAL');
    };
    const subscriber = broadcast.createSubscriber({ onDelivery: fail, onHead: fail, onLoss: fail });
    subscriber.subscribe('r:1');
    const publisher = broadcast.createPublisher();
    await Promise.all([normal, normal, normal, priority].map((publication) => publisher.publish('r:1', publication)));
    expect(lines).toEqual([{ error: expect.objectContaining({ name: 'INTERNAL' }) }]);
    clock.advance(250);
    expect(lines).toHaveLength(2);
  });

  it('delivers what it has taken before it closes', async () => {
    const broadcast = open();
    const subscriber = await subscribeRecording(broadcast, 'r:1');
    const publisher = broadcast.createPublisher();
    sequencer.hold();
    const published = publisher.publish('r:1', priority, { acknowledge: 'none' });
    await published;
    void publisher.publish('r:1', normal);
    const closed = broadcast.close();
    await new Promise(setImmediate);
    sequencer.release();
    await closed;
    expect(subscriber.deliveries.map(({ lane }) => lane)).toEqual(['normal', 'priority']);
  });
});
