/** The part of the contract about order, and about message ids. */
import { describe, expect, it, vi } from 'vitest';
import { subscribeRecording } from '../recording-subscriber.js';
import { type ContractSetting, normal, priority } from './setting.js';

export function describeOrder(setting: ContractSetting): void {
  describe('order', () => {
    it("keeps each publisher's order within a group and lane", async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1', 'r:2');
      const publishers = [setting.broadcast.createPublisher(), setting.broadcast.createPublisher()];
      const count = 200;
      await Promise.all(
        Array.from({ length: count }, (_, index) =>
          publishers.flatMap((publisher, who) =>
            ['r:1', 'r:2'].flatMap((group) => [
              publisher.publish(group, normal(`${who} ${index}`)),
              publisher.publish(group, priority(`${who} ${index}`)),
            ]),
          ),
        ).flat(),
      );
      await vi.waitFor(() => expect(subscriber.deliveries).toHaveLength(count * 8));
      for (const group of ['r:1', 'r:2']) {
        expect(subscriber.versions(group)).toEqual(Array.from({ length: count * 2 }, (_, index) => index + 1));
        for (const lane of ['normal', 'priority'] as const) {
          for (const who of [0, 1]) {
            expect(subscriber.texts(group, lane).filter((body) => body.startsWith(`${who} `))).toEqual(
              Array.from({ length: count }, (_, index) => `${who} ${index}`),
            );
          }
        }
      }
    });

    it('delivers in the order of versions even when appends settle in another', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      setting.sequencer.hold();
      const publisher = setting.broadcast.createPublisher();
      const published = ['a', 'b', 'c'].map((body) => publisher.publish('r:1', priority(body)));
      await vi.waitFor(() => expect(setting.sequencer.held).toBe(3));
      setting.sequencer.release(2);
      setting.sequencer.release(1);
      await setting.quiet();
      expect(subscriber.deliveries).toEqual([]);
      setting.sequencer.release();
      await Promise.all(published);
      await vi.waitFor(() => expect(subscriber.texts()).toEqual(['a', 'b', 'c']));
      expect(subscriber.versions('r:1')).toEqual([1, 2, 3]);
    });

    it('lets other groups pass while one waits for its log', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1', 'r:2');
      setting.sequencer.hold();
      const publisher = setting.broadcast.createPublisher();
      const slow = publisher.publish('r:1', priority('slow'));
      const fast = publisher.publish('r:2', priority('fast'));
      await vi.waitFor(() => expect(setting.sequencer.held).toBe(2));
      setting.sequencer.release(1);
      await fast;
      await publisher.publish('r:1', normal('normal'));
      // Groups and lanes have no order among each other.
      await vi.waitFor(() => expect(subscriber.texts().sort()).toEqual(['fast', 'normal']));
      setting.sequencer.release();
      await slow;
      await vi.waitFor(() => expect(subscriber.texts()[2]).toBe('slow'));
    });
  });

  describe('message ids', () => {
    it('answers a known id with the first version and does not deliver it again', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      const publisher = setting.broadcast.createPublisher();
      await publisher.publish('r:1', priority('1', { id: 'm1' }));
      await publisher.publish('r:1', priority('2', { id: 'm2' }));
      const again = await publisher.publish('r:1', priority('1', { id: 'm1' }));
      expect(again).toEqual({ group: 'r:1', epoch: 'e1', version: 1, duplicate: true });
      await setting.quiet();
      expect(subscriber.texts()).toEqual(['1', '2']);
    });

    it('delivers normal messages of the same id each time', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      const publisher = setting.broadcast.createPublisher();
      await publisher.publish('r:1', normal('1', { id: 'm1' }));
      await publisher.publish('r:1', normal('2', { id: 'm1' }));
      await vi.waitFor(() => expect(subscriber.texts()).toEqual(['1', '2']));
    });
  });
}
