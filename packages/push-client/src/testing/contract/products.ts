/** The part of the contract about products: a push stays in its own. */
import { ImError } from '@im/protocol';
import { describe, expect, it } from 'vitest';
import type { PushMessage } from '../../push-client.js';
import { type ContractSetting, hello } from './setting.js';

export function describeProducts(setting: ContractSetting): void {
  describe('products', () => {
    it('reaches only its product, and shows groups without it', async () => {
      const own = await setting.openFor('p1');
      expect(await own.toRoom('1', hello)).toMatchObject({ group: 'r:1' });
      expect(await own.toAll(hello)).toMatchObject({ group: 'r:0' });
      setting.sequencer.failOnce(new ImError('STORE_FULL', { retryable: false }), { group: 'p1/u:ann' });
      const { published, failed } = await own.toUsers(['ann', 'bob'], { ...hello, lane: 'priority' });
      expect([...failed.keys()]).toEqual(['u:ann']);
      expect(published).toMatchObject([{ group: 'u:bob' }]);
      expect((await setting.arrived(3)).map(({ group }) => group).sort()).toEqual(['p1/r:0', 'p1/r:1', 'p1/u:bob']);
      await expect(own.toGroup('p2/r:1', hello)).rejects.toMatchObject({ name: 'GROUP_INVALID' });
      await own.close();
    });

    it('reaches the product that a push names, each with logs of its own, and shows groups without it', async () => {
      const gift: PushMessage = { event: 'gift', lane: 'priority', id: 'g-1' };
      const product = 'p1';
      expect(await setting.client.toRoom('1', gift, { product })).toMatchObject({ group: 'r:1', version: 1 });
      expect(await setting.client.toGroup('r:1', gift)).not.toHaveProperty('duplicate');
      expect(await setting.client.toAll(hello, { product })).toMatchObject({ group: 'r:0' });
      expect(await setting.client.toUser('ann', hello, { product })).toMatchObject({ group: 'u:ann' });
      setting.sequencer.failOnce(new ImError('STORE_FULL', { retryable: false }), { group: 'p1/u:ann' });
      const { published, failed } = await setting.client.toUsers(['ann', 'bob'], gift, { product });
      expect([...failed.keys()]).toEqual(['u:ann']);
      expect(published).toMatchObject([{ group: 'u:bob', version: 1 }]);
      const groups = (await setting.arrived(5)).map(({ group }) => group);
      expect(groups.sort()).toEqual(['p1/r:0', 'p1/r:1', 'p1/u:ann', 'p1/u:bob', 'r:1']);
    });

    it('refuses another product than its own, and sends nothing', async () => {
      const own = await setting.openFor('p1');
      for (const push of [own.toRoom('1', hello, { product: 'p2' }), own.toUsers(['ann'], hello, { product: 'p2' })]) {
        await expect(push).rejects.toMatchObject({ name: 'INVALID_ARGUMENT', details: { field: 'product' } });
      }
      await own.toRoom('1', hello, { product: 'p1' });
      await setting.arrived(1);
      await own.close();
    });

    it.each(['', 'P1', '1p', 'p1/r', 'a'.repeat(17), null])('refuses the product %j', async (product) => {
      const options = { product: product as string };
      const refusal = { name: 'INVALID_ARGUMENT', details: { field: 'product' } };
      await expect(setting.client.toRoom('1', hello, options)).rejects.toMatchObject(refusal);
      await expect(setting.client.toUsers(['ann'], hello, options)).rejects.toMatchObject(refusal);
    });
  });
}
