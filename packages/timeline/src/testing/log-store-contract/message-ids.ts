/** The part of the contract about what is appended again under its id. */
import { describe, expect, it } from 'vitest';
import { AMPLE, type ContractSetting, entryOf, textsOf } from './setting.js';

export function describeMessageIds(setting: ContractSetting): void {
  describe('message ids', () => {
    it('answer with the first version when appended again, storing nothing', async () => {
      const first = await setting.store.append('d:a', entryOf('1', { id: 'm1' }));
      await setting.store.append('d:a', entryOf('2', { id: 'm2' }));
      const again = await setting.store.append('d:a', entryOf('other', { id: 'm1' }));
      expect(again).toEqual({ ...first, duplicate: true });
      expect(textsOf((await setting.store.read('d:a', { after: 0, limit: 10 })).entries)).toEqual(['1', '2']);
    });

    it('are recognised while the first append is still under way', async () => {
      const appended = await Promise.all(
        ['m1', 'm2', 'm1', 'm2', 'm1'].map((id) => setting.store.append('d:a', entryOf(id, { id }))),
      );
      expect(appended.map(({ version, duplicate }) => [version, duplicate])).toEqual([
        [1, false],
        [2, false],
        [1, true],
        [2, true],
        [1, true],
      ]);
    });

    it('are each log’s own', async () => {
      const appended = [
        await setting.store.append('d:a', entryOf('1', { id: 'm1' })),
        await setting.store.append('d:b', entryOf('1', { id: 'm1' })),
        await setting.store.append('p1/d:a', entryOf('1', { id: 'm1' })),
      ];
      expect(appended.map(({ duplicate }) => duplicate)).toEqual([false, false, false]);
    });

    it('may be any well-formed text of up to 64 characters', async () => {
      const ids = ['x'.repeat(64), 'é😀\u0000\n', '日本語'.repeat(21), ' '];
      for (const id of ids) await setting.store.append('d:a', entryOf(id, { id }));
      for (const id of ids)
        expect(await setting.store.append('d:a', entryOf(id, { id }))).toMatchObject({ duplicate: true });
      const { entries } = await setting.store.read('d:a', { after: 0, limit: 10 });
      expect(entries.map(({ id }) => id)).toEqual(ids);
    });

    it('are forgotten with their entry', async () => {
      const store = await setting.openWith({ default: { ...AMPLE, maxEntries: 2 } });
      for (const id of ['m1', 'm2', 'm3']) await store.append('d:a', entryOf(id, { id }));
      expect(await store.append('d:a', entryOf('m1', { id: 'm1' }))).toMatchObject({ version: 4, duplicate: false });
      expect(await store.append('d:a', entryOf('m3', { id: 'm3' }))).toMatchObject({ version: 3, duplicate: true });
    });
  });
}
