/** The part of the contract about publishing to many groups at once. */
import { ImError } from '@im/protocol';
import { describe, expect, it, vi } from 'vitest';
import { subscribeRecording } from '../recording-subscriber.js';
import { type ContractSetting, normal, priority } from './setting.js';

export function describeManyGroups(setting: ContractSetting): void {
  describe('many groups at once', () => {
    it.each(['normal', 'priority'] as const)('delivers one body to all of them on the %s lane', async (lane) => {
      const groups = Array.from({ length: 150 }, (_, index) => `u:${index}`);
      const subscriber = await subscribeRecording(setting.broadcast, ...groups);
      const publication = lane === 'normal' ? normal('x') : priority('x');
      const { published, failed } = await setting.broadcast
        .createPublisher()
        .publishMany([...groups, 'u:0'], publication);
      expect(failed.size).toBe(0);
      expect(published.map(({ group }) => group).sort()).toEqual([...groups].sort());
      await vi.waitFor(() =>
        expect(subscriber.deliveries.map(({ group }) => group).sort()).toEqual([...groups].sort()),
      );
      expect(new Set(subscriber.deliveries.map(({ version }) => version))).toEqual(
        new Set([lane === 'normal' ? undefined : 1]),
      );
    });

    it('tells publishers and subscribers of each group its own version', async () => {
      const groups = Array.from({ length: 150 }, (_, index) => `u:${index}`);
      const some = groups.filter((_, index) => index % 3 === 1);
      const subscriber = await subscribeRecording(setting.broadcast, ...groups);
      const publisher = setting.broadcast.createPublisher();
      await publisher.publishMany(some, priority('before'));
      const { published } = await publisher.publishMany(groups, priority('x'));
      const expected = new Map(groups.map((group) => [group, some.includes(group) ? 2 : 1]));
      expect(new Map(published.map(({ group, version }) => [group, version]))).toEqual(expected);
      await vi.waitFor(() => expect(subscriber.deliveries).toHaveLength(groups.length + some.length));
      expect(new Map(subscriber.deliveries.map(({ group, version }) => [group, version]))).toEqual(expected);
    });

    it('tries all, tells which failed, and completes them when repeated with the same id', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'u:1', 'u:2', 'u:3');
      const publisher = setting.broadcast.createPublisher();
      const publication = priority('x', { id: 'm1' });
      setting.sequencer.failOnce(new ImError('STORE_UNAVAILABLE'), { group: 'u:2' });
      const first = await publisher.publishMany(['u:1', 'u:2', 'no group', 'u:3'], publication);
      expect(first.published).toEqual([
        { group: 'u:1', epoch: 'e1', version: 1 },
        { group: 'u:3', epoch: 'e1', version: 1 },
      ]);
      expect([...first.failed].map(([group, error]) => [group, error.name]).sort()).toEqual([
        ['no group', 'GROUP_INVALID'],
        ['u:2', 'STORE_UNAVAILABLE'],
      ]);
      const second = await publisher.publishMany(['u:1', 'u:2', 'u:3'], publication);
      expect(second.failed.size).toBe(0);
      expect(second.published.filter(({ duplicate }) => duplicate).map(({ group }) => group)).toEqual(['u:1', 'u:3']);
      await setting.quiet();
      expect(subscriber.deliveries.map(({ group }) => group).sort()).toEqual(['u:1', 'u:2', 'u:3']);
    });

    it('keeps the order with single messages of the same groups', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'u:1', 'u:2');
      const publisher = setting.broadcast.createPublisher();
      setting.sequencer.hold();
      const published = [
        publisher.publish('u:1', priority('1')),
        publisher.publishMany(['u:1', 'u:2'], priority('2')),
        publisher.publish('u:1', priority('3')),
      ];
      await vi.waitFor(() => expect(setting.sequencer.held).toBe(3));
      setting.sequencer.release(2);
      setting.sequencer.release(0);
      setting.sequencer.release();
      await Promise.all(published);
      await vi.waitFor(() => expect(subscriber.texts('u:1')).toEqual(['1', '2', '3']));
      expect(subscriber.texts('u:2')).toEqual(['2']);
    });
  });
}
