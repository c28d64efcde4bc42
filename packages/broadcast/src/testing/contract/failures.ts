/** The part of the contract about what goes wrong. */
import { ImError, MAX_BODY_BYTES, type Publication } from '@im/protocol';
import { describe, expect, it, vi } from 'vitest';
import { subscribeRecording } from '../recording-subscriber.js';
import { type ContractSetting, normal, priority } from './setting.js';

export function describeFailures(setting: ContractSetting): void {
  describe('failures', () => {
    it('tells the publisher why the log did not take a message, and delivers nothing of it', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      const publisher = setting.broadcast.createPublisher();
      setting.sequencer.failOnce(new ImError('STORE_UNAVAILABLE'));
      await expect(publisher.publish('r:1', priority('1'))).rejects.toMatchObject({
        name: 'STORE_UNAVAILABLE',
        retryable: true,
      });
      await publisher.publish('r:1', priority('2'));
      await vi.waitFor(() => expect(subscriber.texts()).toEqual(['2']));
      expect(subscriber.versions('r:1')).toEqual([1]);
    });

    it('tells the head of a message that was versioned without having gone out, once its publisher repeats it', async () => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      const publisher = setting.broadcast.createPublisher();
      setting.sequencer.failOnce(new ImError('STORE_UNAVAILABLE'), { afterAppending: true });
      await expect(publisher.publish('r:1', priority('1', { id: 'm1' }))).rejects.toThrow();
      expect(await publisher.publish('r:1', priority('1', { id: 'm1' }))).toMatchObject({
        version: 1,
        duplicate: true,
      });
      await setting.quiet();
      setting.clock.advance(300);
      await vi.waitFor(() =>
        expect(subscriber.heads[0]).toEqual({ group: 'r:1', position: { epoch: 'e1', version: 1 } }),
      );
      expect(subscriber.deliveries).toEqual([]);
    });

    it.each<[string, Publication]>([
      ['terms', priority('1', { terms: { sender: 'ann' } })],
      ['terms.sender', normal('1', { terms: { sender: '' } })],
      ['terms.sender', normal('1', { terms: { sender: '\ud800' } })],
      ['terms.conflate.key', normal('1', { terms: { conflate: { mode: 'latest', key: 'x'.repeat(65) } } })],
      ['terms.conflate.amount', normal('1', { terms: { conflate: { mode: 'sum', key: 'like', amount: 0.5 } } })],
    ])(
      'names %s where the terms of a publication are at fault, and delivers nothing of it (%#)',
      async (field, wrong) => {
        const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
        const publisher = setting.broadcast.createPublisher();
        const refusal = { name: 'INVALID_ARGUMENT', details: { field } };
        await expect(publisher.publish('r:1', wrong)).rejects.toMatchObject(refusal);
        await expect(publisher.publishMany(['r:1'], wrong)).rejects.toMatchObject(refusal);
        await setting.quiet();
        expect(subscriber.deliveries).toEqual([]);
        expect(setting.sequencer.calls).toEqual([]);
      },
    );

    it.each([
      ['GROUP_INVALID', 'r:', normal('1')],
      ['INVALID_ARGUMENT', 'r:1', normal('1', { body: new ArrayBuffer(1) as never })],
      ['INVALID_ARGUMENT', 'r:1', priority('1', { body: '1' as never })],
      ['INVALID_ARGUMENT', 'r:1', normal('1', { event: 'no event' })],
      ['INVALID_ARGUMENT', 'r:1', priority('1', { event: '' })],
      ['INVALID_ARGUMENT', 'r:1', normal('1', { id: '' })],
      ['INVALID_ARGUMENT', 'r:1', normal('1', { id: 'x'.repeat(65) })],
      ['INVALID_ARGUMENT', 'r:1', normal('1', { id: '\ud800' })],
      ['INVALID_ARGUMENT', 'r:1', normal('1', { time: Number.NaN })],
      ['BODY_TOO_LARGE', 'r:1', { ...normal(''), body: new Uint8Array(MAX_BODY_BYTES + 1) }],
      ['BODY_TOO_LARGE', 'r:1', { ...priority(''), body: new Uint8Array(MAX_BODY_BYTES + 1) }],
    ])('[PR-81] answers %s to group %j with such a publication (%#)', async (name, group, publication) => {
      const subscriber = await subscribeRecording(setting.broadcast, 'r:1');
      const publisher = setting.broadcast.createPublisher();
      await expect(publisher.publish(group, publication)).rejects.toMatchObject({ name });
      await setting.quiet();
      expect(subscriber.deliveries).toEqual([]);
      expect(setting.sequencer.calls).toEqual([]);
    });
  });
}
