/** The part of the contract about what reaches whom, and how it is answered. */
import { ImError, type Terms } from '@im/protocol';
import { describe, expect, it } from 'vitest';
import type { PushMessage } from '../../push-client.js';
import { type ContractSetting, hello } from './setting.js';

export function describePushing(setting: ContractSetting): void {
  describe('pushing', () => {
    it('reaches a user, a room, a group and everyone, and says which group it was', async () => {
      const published = [
        await setting.client.toUser('ann', hello),
        await setting.client.toRoom('1', hello),
        await setting.client.toGroup('g:team', hello),
        await setting.client.toAll(hello),
      ];
      expect(published.map(({ group }) => group)).toEqual(['u:ann', 'r:1', 'g:team', 'r:0']);
      expect((await setting.arrived(4)).map(({ group }) => group)).toEqual(['u:ann', 'r:1', 'g:team', 'r:0']);
    });

    it('publishes event, body, lane, id and time', async () => {
      await setting.client.toRoom('1', { event: 'gift', data: { n: 'é\n"' }, lane: 'priority', id: 'g-1' });
      const [delivery] = await setting.arrived(1);
      expect(delivery).toMatchObject({
        event: 'gift',
        lane: 'priority',
        id: 'g-1',
        time: setting.clock.now(),
        version: 1,
      });
      expect(setting.members.texts()).toEqual([JSON.stringify({ n: 'é\n"' })]);
    });

    it.each<[string, Terms]>([
      ['sender and reservation', { sender: 'ann 🎤', reserved: true }],
      ['latest', { conflate: { mode: 'latest', key: 'seat-1' } }],
      ['sum', { sender: 'bob', conflate: { mode: 'sum', key: 'like', amount: -3 } }],
    ])('publishes the terms of a normal push: %s', async (_, terms) => {
      await setting.client.toRoom('1', { ...hello, ...terms });
      await setting.client.toUsers(['ann', 'bob'], { ...hello, ...terms });
      await setting.client.toRoom('1', hello);
      expect((await setting.arrived(4)).map((delivery) => delivery.terms)).toEqual([terms, terms, terms, undefined]);
    });

    it('takes any JSON value as data, and null when there is none', async () => {
      for (const data of [[1, [2]], 'text', 0, false, null, undefined])
        await setting.client.toRoom('1', { event: 'e', data });
      await setting.arrived(6);
      expect(setting.members.texts()).toEqual(['[1,[2]]', '"text"', '0', 'false', 'null', 'null']);
    });

    it('answers a version on the priority lane, the same for the same id, and sends that once', async () => {
      const gift: PushMessage = { event: 'gift', lane: 'priority', id: 'g-1' };
      const first = await setting.client.toRoom('1', gift, { acknowledge: 'durable' });
      expect(first).toMatchObject({ group: 'r:1', epoch: 'e1', version: 1 });
      expect(await setting.client.toRoom('1', gift)).toMatchObject({ group: 'r:1', version: 1, duplicate: true });
      expect(await setting.client.toRoom('1', { ...gift, id: 'g-2' })).toMatchObject({ version: 2 });
      await setting.arrived(2);
    });

    it('sends pushes to one group in the order of the calls', async () => {
      const count = 50;
      await Promise.all(
        Array.from({ length: count }, (_, data) => setting.client.toRoom('1', { event: 'n', data, lane: 'priority' })),
      );
      await setting.arrived(count);
      expect(setting.members.versions('r:1')).toEqual(Array.from({ length: count }, (_, i) => i + 1));
    });

    it('reaches many users, each once', async () => {
      const { published, failed } = await setting.client.toUsers(['ann', 'bob', 'ann'], { ...hello, lane: 'priority' });
      expect(published).toMatchObject([
        { group: 'u:ann', version: 1 },
        { group: 'u:bob', version: 1 },
      ]);
      expect(failed.size).toBe(0);
      await setting.arrived(2);
    });

    it('tells which users it did not reach and why, and reaches the others', async () => {
      setting.sequencer.failOnce(new ImError('STORE_UNAVAILABLE'), { group: 'u:ann' });
      const { published, failed } = await setting.client.toUsers(['ann', 'bob'], {
        ...hello,
        lane: 'priority',
        id: 'm-1',
      });
      expect(published).toMatchObject([{ group: 'u:bob', version: 1 }]);
      expect([...failed.keys()]).toEqual(['u:ann']);
      expect(failed.get('u:ann')).toBeInstanceOf(ImError);
      expect(failed.get('u:ann')).toMatchObject({ name: 'STORE_UNAVAILABLE', retryable: true });
      const again = await setting.client.toUsers(['ann', 'bob'], { ...hello, lane: 'priority', id: 'm-1' });
      expect(again.published).toMatchObject([
        { group: 'u:ann', version: 1 },
        { group: 'u:bob', duplicate: true },
      ]);
    });

    it('fails by code when the only group fails', async () => {
      setting.sequencer.failOnce(new ImError('STORE_FULL', { retryable: false, details: { group: 'r:1' } }));
      await expect(setting.client.toRoom('1', { event: 'gift', lane: 'priority' })).rejects.toMatchObject({
        name: 'STORE_FULL',
        retryable: false,
        details: { group: 'r:1' },
      });
    });
  });
}
