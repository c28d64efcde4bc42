/** The part of the contract about what reaches whom. */
import { MAX_BODY_BYTES, type Terms } from '@im/protocol';
import { describe, expect, it, vi } from 'vitest';
import { subscribeRecording } from '../recording-subscriber.js';
import { type ContractSetting, normal, priority } from './setting.js';

export function describeDelivering(setting: ContractSetting): void {
  describe('delivering', () => {
    it('hands a normal message to the subscribers of its group as it was published, without a version', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      const published = await setting.broadcast.createPublisher().publish('r:1', normal('"hi"', { id: 'm1' }));
      await vi.waitFor(() => expect(subscriber.deliveries).toHaveLength(1));
      expect(published).toEqual({ group: 'r:1' });
      expect({ ...subscriber.deliveries[0], body: subscriber.texts() }).toEqual({
        group: 'r:1',
        lane: 'normal',
        event: 'chat',
        id: 'm1',
        time: 1_790_000_000_000,
        body: ['"hi"'],
      });
    });

    it.each<[string, Terms]>([
      ['sender and reservation', { sender: 'ann 🎤', reserved: true }],
      ['latest', { conflate: { mode: 'latest', key: 'seat-1' } }],
      ['sum', { sender: 'bob', conflate: { mode: 'sum', key: 'like ♥', amount: -7 } }],
    ])('hands out the terms of a normal message: %s', async (_, terms) => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1', 'r:2');
      const publisher = setting.broadcast.createPublisher();
      await publisher.publish('r:1', normal('1', { id: 'm1', terms }));
      await publisher.publish('r:1', normal('2'));
      await publisher.publishMany(['r:1', 'r:2'], normal('3', { terms }));
      await vi.waitFor(() => expect(subscriber.deliveries).toHaveLength(4));
      const delivered = (group: string) => subscriber.deliveries.filter((delivery) => delivery.group === group);
      expect(delivered('r:1').map((delivery) => [delivery.id, delivery.terms])).toEqual([
        ['m1', terms],
        [undefined, undefined],
        [undefined, terms],
      ]);
      expect(delivered('r:2').map((delivery) => delivery.terms)).toEqual([terms]);
      expect(subscriber.texts('r:1')).toEqual(['1', '2', '3']);
    });

    it('hands a priority message out with the epoch and version that the publisher is told', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      const published = await setting.broadcast.createPublisher().publish('r:1', priority('"rocket"'));
      await vi.waitFor(() => expect(subscriber.deliveries).toHaveLength(1));
      expect(published).toEqual({ group: 'r:1', epoch: 'e1', version: 1 });
      expect(subscriber.deliveries[0]).toMatchObject({ lane: 'priority', epoch: 'e1', version: 1 });
      expect(subscriber.texts()).toEqual(['"rocket"']);
    });

    it('never calls a subscriber from within a call of a publisher', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      const publisher = setting.broadcast.createPublisher();
      const published = [publisher.publish('r:1', normal('1')), publisher.publish('r:1', priority('2'))];
      expect(subscriber.deliveries).toEqual([]);
      await Promise.all(published);
      await vi.waitFor(() => expect(subscriber.deliveries).toHaveLength(2));
    });

    it('reaches every subscriber of a group, once each, and nobody else', async () => {
      const [first, second, other] = [
        await subscribeRecording(setting.broadcast, 'r:1', 'r:2'),
        await subscribeRecording(setting.broadcast, 'r:1'),
        await subscribeRecording(setting.broadcast, 'r:11', 'p1/r:1', 'u:1'),
      ];
      const publisher = setting.broadcast.createPublisher();
      await publisher.publish('r:1', normal('1'));
      await publisher.publish('r:1', priority('2'));
      await setting.quiet();
      expect(first.texts().sort()).toEqual(['1', '2']);
      expect(second.texts().sort()).toEqual(['1', '2']);
      expect(other.deliveries).toEqual([]);
    });

    it('answers publishers of groups that nobody subscribed', async () => {
      const publisher = setting.broadcast.createPublisher();
      expect(await publisher.publish('r:1', normal('1'))).toEqual({ group: 'r:1' });
      expect(await publisher.publish('r:1', priority('2'))).toEqual({ group: 'r:1', epoch: 'e1', version: 1 });
    });

    it('answers at once when no acknowledgement is asked for, and delivers all the same', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      const publisher = setting.broadcast.createPublisher();
      expect(await publisher.publish('r:1', normal('1'), { acknowledge: 'none' })).toEqual({ group: 'r:1' });
      expect(await publisher.publish('r:1', priority('2'), { acknowledge: 'none' })).toEqual({ group: 'r:1' });
      await vi.waitFor(() => expect(subscriber.texts().sort()).toEqual(['1', '2']));
    });

    it('acknowledges a durable publish only when the log has it', async () => {
      setting.sequencer.hold();
      let settled = false;
      const published = setting.broadcast
        .createPublisher()
        .publish('r:1', priority('1'), { acknowledge: 'durable' })
        .finally(() => {
          settled = true;
        });
      await vi.waitFor(() => expect(setting.sequencer.held).toBe(1));
      await setting.quiet();
      expect(settled).toBe(false);
      setting.sequencer.release();
      expect(await published).toEqual({ group: 'r:1', epoch: 'e1', version: 1 });
    });

    it.each([
      ['nothing', 0],
      ['one byte', 1],
      ['the largest body allowed', MAX_BODY_BYTES],
    ])('carries %s unchanged on both lanes', async (_, length) => {
      const body = Uint8Array.from({ length }, (__, index) => index % 256);
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      const publisher = setting.broadcast.createPublisher();
      await publisher.publish('r:1', { ...normal(''), body });
      await publisher.publish('r:1', { ...priority(''), body });
      await vi.waitFor(() => expect(subscriber.deliveries).toHaveLength(2));
      for (const delivery of subscriber.deliveries) expect(Buffer.compare(delivery.body, body)).toBe(0);
    });

    it('accounts for every normal message of a burst: delivered in order, refused, or told as lost', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      const publisher = setting.broadcast.createPublisher();
      const count = 30_000;
      const published = Array.from({ length: count }, (_, index) => publisher.publish('r:1', normal(`${index}`)));
      const refused = (await Promise.allSettled(published)).filter(({ status }) => status === 'rejected').length;
      await vi.waitFor(
        () => {
          const told = subscriber.losses.reduce((sum, loss) => sum + (loss.count ?? count), refused);
          expect(subscriber.deliveries.length + told).toBeGreaterThanOrEqual(count);
        },
        { timeout: 10_000 },
      );
      await setting.quiet();
      expect(subscriber.deliveries.length).toBeLessThanOrEqual(count);
      const known = subscriber.losses.every((loss) => loss.count !== undefined);
      const told = subscriber.losses.reduce((sum, loss) => sum + (loss.count ?? 0), refused);
      if (known) expect(subscriber.deliveries.length + told).toBe(count);
      const order = subscriber.texts().map(Number);
      expect(order).toEqual([...order].sort((a, b) => a - b));
      expect(new Set(order).size).toBe(order.length);
    }, 20_000);
  });
}
