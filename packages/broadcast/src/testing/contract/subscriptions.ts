/** The part of the contract about subscribing and subscribers. */
import { describe, expect, it, vi } from 'vitest';
import { subscribeRecording } from '../recording-subscriber.js';
import { type ContractSetting, normal, priority } from './setting.js';

export function describeSubscriptions(setting: ContractSetting): void {
  describe('subscriptions', () => {
    it('delivers once to a subscriber that subscribed twice', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1', 'r:1');
      await setting.broadcast.createPublisher().publish('r:1', normal('1'));
      await setting.quiet();
      expect(subscriber.texts()).toEqual(['1']);
    });

    it('delivers nothing of a group after unsubscribe, and goes on with the others', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1', 'r:2');
      const publisher = setting.broadcast.createPublisher();
      subscriber.unsubscribe('r:1');
      subscriber.unsubscribe('r:never-subscribed');
      await subscriber.settled();
      await publisher.publish('r:1', normal('1'));
      await publisher.publish('r:1', priority('2'));
      await publisher.publish('r:2', normal('3'));
      await setting.quiet();
      expect(subscriber.texts()).toEqual(['3']);
    });

    it('delivers again after subscribing again', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      subscriber.unsubscribe('r:1');
      subscriber.subscribe('r:1');
      await subscriber.settled();
      await setting.broadcast.createPublisher().publish('r:1', normal('1'));
      await vi.waitFor(() => expect(subscriber.texts()).toEqual(['1']));
    });

    it('keeps two subscribers with the same handlers apart', async () => {
      const texts: string[] = [];
      const handlers = {
        onDelivery: ({ body }: { body: Uint8Array }) => void texts.push(new TextDecoder().decode(body)),
      };
      const [first, second] = [
        setting.broadcast.createSubscriber(handlers),
        setting.broadcast.createSubscriber(handlers),
      ];
      for (const subscriber of [first, second]) {
        subscriber.subscribe('r:1');
        await subscriber.settled();
      }
      await first.close();
      await setting.broadcast.createPublisher().publish('r:1', normal('1'));
      await vi.waitFor(() => expect(texts).toEqual(['1']));
    });

    it('refuses what is not a group id', async () => {
      const subscriber = await subscribeRecording(setting.broadcast);
      expect(() => subscriber.subscribe('r:')).toThrow(expect.objectContaining({ name: 'GROUP_INVALID' }));
    });

    it('keeps a failing subscriber from hurting the others', async () => {
      const failing = setting.broadcast.createSubscriber({
        onDelivery: () => {
          throw new Error('boom');
        },
      });
      failing.subscribe('r:1');
      await failing.settled();
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      const publisher = setting.broadcast.createPublisher();
      for (const body of ['1', '2']) {
        await publisher.publish('r:1', normal(body));
        await publisher.publish('r:1', priority(body));
      }
      await vi.waitFor(() => {
        expect(subscriber.texts('r:1', 'normal')).toEqual(['1', '2']);
        expect(subscriber.texts('r:1', 'priority')).toEqual(['1', '2']);
      });
    });
  });
}
