/** The part of the contract about pushes that ask how many have them. */
import { ImError } from '@im/protocol';
import { describe, expect, it, vi } from 'vitest';
import type { PushMessage } from '../../push-client.js';
import { type ContractSetting, hello } from './setting.js';

export function describeReceipts(setting: ContractSetting): void {
  describe('receipts', () => {
    const news: PushMessage = { event: 'news', lane: 'priority', id: 'news 1/ö' };
    const id = 'news 1/ö';
    const receipt = true;

    /** Lets time go on until it settles. */
    async function settled<Result>(waiting: Promise<Result>): Promise<Result> {
      let isSettled = false;
      const settle = () => {
        isSettled = true;
      };
      waiting.then(settle, settle);
      await vi.waitFor(
        () => {
          setting.clock.advance(100);
          expect(isSettled).toBe(true);
        },
        { interval: 5, timeout: 5_000 },
      );
      return waiting;
    }

    it('say how many have a push, of how many; those who wait are told when enough have it', async () => {
      await setting.client.toUsers(['ann', 'bob', 'ann'], news, { receipt });
      expect((await setting.arrived(2)).map((delivery) => delivery.id)).toEqual([`?${id}`, `?${id}`]);
      expect(setting.counted.prepared).toEqual([['ann', 'bob']]);
      expect(await setting.client.receiptOf(id)).toEqual({ of: 2, delivered: 0, isComplete: false });
      const enough = setting.client.waitDelivered(id, { atLeast: 1 });
      setting.counted.confirm('ann');
      expect(await settled(enough)).toEqual({ of: 2, delivered: 1, isComplete: true });
      expect(await setting.client.receiptOf(id)).toEqual({ of: 2, delivered: 1, isComplete: false });
      const all = setting.client.waitDelivered(id);
      setting.counted.confirm('bob');
      expect(await settled(all)).toEqual({ of: 2, delivered: 2, isComplete: true });
    });

    it('say how many have it by the end of the time, when those are not enough', async () => {
      await setting.client.toUsers(['ann', 'bob'], news, { receipt });
      setting.counted.confirm('bob');
      expect(await settled(setting.client.waitDelivered(id, { timeoutMs: 250 }))).toEqual({
        ...{ of: 2, delivered: 1, isComplete: false },
      });
    });

    it('are one for a push to one user, a repetition, and one that completes what failed', async () => {
      setting.sequencer.failOnce(new ImError('STORE_FULL', { retryable: false }), { group: 'u:ann' });
      expect((await setting.client.toUsers(['ann', 'bob'], news, { receipt })).failed.size).toBe(1);
      expect(await setting.client.receiptOf(id)).toMatchObject({ of: 1 });
      expect(await setting.client.toUser('bob', news, { receipt })).toMatchObject({ duplicate: true });
      expect(await setting.client.receiptOf(id)).toMatchObject({ of: 1 });
      expect((await setting.client.toUsers(['ann', 'bob'], news, { receipt })).failed.size).toBe(0);
      expect(await setting.client.receiptOf(id)).toMatchObject({ of: 2 });
      await setting.arrived(2);
    });

    it('belong to a product', async () => {
      const own = await setting.openFor('p1');
      await own.toUser('ann', news, { receipt });
      setting.counted.confirm('p1/ann');
      expect(await own.receiptOf(id)).toEqual({ of: 1, delivered: 1, isComplete: true });
      expect(await setting.client.receiptOf(id, { product: 'p1' })).toMatchObject({ delivered: 1 });
      await expect(setting.client.receiptOf(id)).rejects.toMatchObject({ name: 'RECEIPT_UNKNOWN', retryable: false });
      await expect(own.receiptOf(id, { product: 'p2' })).rejects.toMatchObject({ details: { field: 'product' } });
      await own.close();
    });

    it('fail a push that cannot be counted before anything is published', async () => {
      setting.counted.failOnce(new ImError('TOO_MANY_RECORDS'));
      await expect(setting.client.toUser('ann', news, { receipt })).rejects.toMatchObject({ name: 'TOO_MANY_RECORDS' });
      await setting.client.toUser('ann', hello);
      await setting.arrived(1);
    });

    it.each<[string, Partial<PushMessage>, Record<string, unknown>, string]>([
      ['on the normal lane', { lane: 'normal' }, {}, 'receipt'],
      ['without an id', { id: undefined }, {}, 'id'],
      ['under an id that has no room for the mark', { id: 'x'.repeat(64) }, {}, 'id'],
      ['that is not acknowledged', {}, { acknowledge: 'none' }, 'acknowledge'],
      ['neither with nor without', {}, { receipt: 'yes' }, 'receipt'],
    ])('are refused for a push %s', async (_, message, options, field) => {
      const push = setting.client.toUser('ann', { ...news, ...message }, { receipt, ...options });
      await expect(push).rejects.toMatchObject({ name: 'INVALID_ARGUMENT', details: { field } });
    });

    it('are for users alone, and for those who know what they wait for', async () => {
      const refusal = (field: string) => ({ name: 'INVALID_ARGUMENT', details: { field } });
      await expect(setting.client.toRoom('1', news, { receipt })).rejects.toMatchObject(refusal('receipt'));
      await expect(setting.client.toAll(news, { receipt })).rejects.toMatchObject(refusal('receipt'));
      expect(await setting.client.toGroup('u:ann', news, { receipt })).toMatchObject({ group: 'u:ann' });
      await expect(setting.client.receiptOf('')).rejects.toMatchObject(refusal('id'));
      await expect(setting.client.waitDelivered(id, { atLeast: 0 })).rejects.toMatchObject(refusal('atLeast'));
      await expect(setting.client.waitDelivered(id, { timeoutMs: 0 })).rejects.toMatchObject(refusal('timeoutMs'));
      await expect(setting.client.waitDelivered('other')).rejects.toMatchObject({ name: 'RECEIPT_UNKNOWN' });
    });

    it('are waited for no more once the client is closed, or whoever waits has enough of it', async () => {
      await setting.client.toUser('ann', news, { receipt });
      const controller = new AbortController();
      const ended = expect(setting.client.waitDelivered(id, { signal: controller.signal })).rejects.toMatchObject({
        name: 'CANCELLED',
      });
      controller.abort();
      await ended;
      const waiting = expect(setting.client.waitDelivered(id)).rejects.toMatchObject({ name: 'CLOSED' });
      await setting.client.close();
      await waiting;
      await expect(setting.client.receiptOf(id)).rejects.toMatchObject({ name: 'CLOSED' });
    });
  });
}
