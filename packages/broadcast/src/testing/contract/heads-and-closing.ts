/** The part of the contract about the tail of active groups, and about the end. */
import { describe, expect, it, vi } from 'vitest';
import { subscribeRecording } from '../recording-subscriber.js';
import { type ContractSetting, normal, priority } from './setting.js';

export function describeHeadsAndClosing(setting: ContractSetting): void {
  describe('heads of active groups', () => {
    it('are told 200 ms after the last message, then each second for some seconds', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      const publisher = setting.broadcast.createPublisher();
      await publisher.publish('r:1', priority('1'));
      setting.clock.advance(150);
      await publisher.publish('r:1', priority('2'));
      setting.clock.advance(190);
      await setting.quiet();
      expect(subscriber.heads).toEqual([]);
      setting.clock.advance(30);
      const head = { group: 'r:1', position: { epoch: 'e1', version: 2 } };
      await vi.waitFor(() => expect(subscriber.heads).toEqual([head]));
      setting.clock.advance(1_050);
      await vi.waitFor(() => expect(subscriber.heads).toEqual([head, head]));
      // Step by step: an engine may tell one head for all that fall due before it comes to send.
      for (let step = 0; step < 10; step += 1) {
        setting.clock.advance(1_050);
        await setting.quiet();
      }
      const told = subscriber.heads.length;
      expect(told).toBeGreaterThan(3);
      setting.clock.advance(60_000);
      await setting.quiet();
      expect(subscriber.heads.length).toBe(told);
    });

    it('name the new epoch once the log began anew', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      const publisher = setting.broadcast.createPublisher();
      await publisher.publish('r:1', priority('1'));
      await publisher.publish('r:1', priority('2'));
      setting.sequencer.restart('e2');
      await publisher.publish('r:1', priority('3'));
      setting.clock.advance(300);
      await vi.waitFor(() => expect(subscriber.heads[0]?.position).toEqual({ epoch: 'e2', version: 1 }));
      expect(subscriber.deliveries.map(({ epoch, version }) => [epoch, version])).toEqual([
        ['e1', 1],
        ['e1', 2],
        ['e2', 1],
      ]);
    });
  });

  describe('closing', () => {
    it('answers what was published before, and refuses what comes after', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      const publisher = setting.broadcast.createPublisher();
      setting.sequencer.hold();
      const published = publisher.publish('r:1', priority('1'));
      await vi.waitFor(() => expect(setting.sequencer.held).toBe(1));
      const closed = publisher.close();
      await expect(publisher.publish('r:1', normal('2'))).rejects.toMatchObject({ name: 'CLOSED' });
      await expect(publisher.publishMany(['r:1'], normal('2'))).rejects.toMatchObject({ name: 'CLOSED' });
      setting.sequencer.release();
      expect(await published).toMatchObject({ version: 1 });
      await closed;
      await vi.waitFor(() => expect(subscriber.texts()).toEqual(['1']));
    });

    it('calls no handler of a closed subscriber', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      const publisher = setting.broadcast.createPublisher();
      const published = [publisher.publish('r:1', normal('1')), publisher.publish('r:1', priority('2'))];
      await subscriber.close();
      const deliveries = subscriber.deliveries.length;
      await Promise.all(published);
      await setting.quiet();
      setting.clock.advance(5_000);
      expect(subscriber.deliveries.length).toBe(deliveries);
      expect(subscriber.heads).toEqual([]);
      expect(() => subscriber.subscribe('r:2')).toThrow(expect.objectContaining({ name: 'CLOSED' }));
      subscriber.unsubscribe('r:1');
    });

    it('of the engine closes what it created', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      const publisher = setting.broadcast.createPublisher();
      await publisher.publish('r:1', priority('1'));
      await setting.broadcast.close();
      await setting.broadcast.close();
      await expect(publisher.publish('r:1', normal('2'))).rejects.toMatchObject({ name: 'CLOSED' });
      expect(() => subscriber.subscribe('r:2')).toThrow(expect.objectContaining({ name: 'CLOSED' }));
      expect(() => setting.broadcast.createPublisher()).toThrow(expect.objectContaining({ name: 'CLOSED' }));
      expect(() => setting.broadcast.createSubscriber({ onDelivery: () => {} })).toThrow(
        expect.objectContaining({ name: 'CLOSED' }),
      );
    });
  });
}
