/** The part of the contract about what is kept of a log. */
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../log-store.js';
import { AMPLE, appendAll, type ContractSetting, entryOf } from './setting.js';

export function describeRetention(setting: ContractSetting): void {
  describe('retention', () => {
    const versionsOf = (entries: readonly Entry[]) => entries.map(({ version }) => version);

    it('keeps the newest entries by number', async () => {
      const store = await setting.openWith({ default: { ...AMPLE, maxEntries: 3 } });
      await appendAll(store, 'd:a', '1', '2', '3', '4', '5');
      expect(await store.head('d:a')).toMatchObject({ version: 5, first: 3 });
      const forward = await store.read('d:a', { after: 0, limit: 10 });
      expect([forward.first, versionsOf(forward.entries)]).toEqual([3, [3, 4, 5]]);
      expect(versionsOf((await store.read('d:a', { before: 6, limit: 10 })).entries)).toEqual([5, 4, 3]);
      expect((await store.append('d:a', entryOf('6'))).version).toBe(6);
    });

    it('keeps the newest entries by bytes of bodies, the last one whatever its size', async () => {
      const store = await setting.openWith({ default: { ...AMPLE, maxBytes: 10 } });
      await appendAll(store, 'd:a', '1234', '1234', '12');
      expect(await store.head('d:a')).toMatchObject({ version: 3, first: 1 });
      await appendAll(store, 'd:a', '1');
      expect(await store.head('d:a')).toMatchObject({ version: 4, first: 2 });
      await appendAll(store, 'd:a', 'x'.repeat(100));
      expect(await store.head('d:a')).toMatchObject({ version: 5, first: 5 });
      expect(versionsOf((await store.read('d:a', { after: 0, limit: 10 })).entries)).toEqual([5]);
      await appendAll(store, 'd:a', '1');
      expect(await store.head('d:a')).toMatchObject({ version: 6, first: 6 });
    });

    it('keeps entries by age, and the versions of those that went', async () => {
      const store = await setting.openWith({ default: { ...AMPLE, maxAgeMs: 1_000 } });
      await store.append('d:a', entryOf('1', { id: 'm1' }));
      setting.clock.advance(600);
      await store.append('d:a', entryOf('2'));
      setting.clock.advance(401);
      expect(await store.head('d:a')).toMatchObject({ version: 2, first: 2 });
      expect(versionsOf((await store.read('d:a', { before: 9, limit: 9 })).entries)).toEqual([2]);
      setting.clock.advance(600);
      expect(await store.head('d:a')).toMatchObject({ version: 2, first: 3 });
      expect(await store.read('d:a', { after: 0, limit: 9 })).toMatchObject({ version: 2, first: 3, entries: [] });
      expect(await store.append('d:a', entryOf('1', { id: 'm1' }))).toMatchObject({ version: 3, duplicate: false });
      expect(versionsOf((await store.read('d:a', { after: 0, limit: 9 })).entries)).toEqual([3]);
    });

    it('is each kind’s own, under any product', async () => {
      const store = await setting.openWith({ default: AMPLE, kinds: { r: { ...AMPLE, maxEntries: 1 } } });
      for (const group of ['r:1', 'p1/r:1', 'u:1', 'rr:1']) await appendAll(store, group, '1', '2');
      const firsts = await Promise.all(['r:1', 'p1/r:1', 'u:1', 'rr:1'].map((group) => store.head(group)));
      expect(firsts.map(({ first }) => first)).toEqual([2, 2, 1, 1]);
    });

    it('lets entries of each kind go at their own age, with their ids, and no log begin anew by that', async () => {
      const kinds = { r: { ...AMPLE, maxAgeMs: 600_000 }, u: { ...AMPLE, maxAgeMs: 3_600_000 } };
      const store = await setting.openWith({ default: AMPLE, kinds });
      const groups = ['r:1', 'u:1', 'p1/u:1', 'd:1'];
      const append = () => Promise.all(groups.map((group) => store.append(group, entryOf('x', { id: 'm1' }))));
      const before = await append();
      const firsts = async () =>
        (await Promise.all(groups.map((group) => store.head(group)))).map(({ first }) => first);
      setting.clock.advance(600_000);
      expect(await firsts()).toEqual([1, 1, 1, 1]);
      setting.clock.advance(1);
      expect(await firsts()).toEqual([2, 1, 1, 1]);
      setting.clock.advance(3_000_000);
      expect(await firsts()).toEqual([2, 2, 2, 1]);
      expect(await append()).toEqual(
        before.map((each, index) => (index < 3 ? { ...each, version: 2 } : { ...each, duplicate: true })),
      );
    });
  });
}
