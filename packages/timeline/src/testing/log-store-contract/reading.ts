/** The part of the contract about reading, and the epochs that readers see. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { LogStore } from '../../log-store.js';
import { AMPLE, appendAll, type ContractSetting, entryOf, textsOf } from './setting.js';

export function describeReading(setting: ContractSetting): void {
  describe('reading', () => {
    beforeEach(async () => {
      await appendAll(setting.store, 'd:a', ...Array.from({ length: 10 }, (_, index) => `${index + 1}`));
    });

    it.each([
      ['forward from the start', { after: 0, limit: 3 }, ['1', '2', '3']],
      ['forward from the middle', { after: 7, limit: 10 }, ['8', '9', '10']],
      ['forward from the head', { after: 10, limit: 10 }, []],
      ['forward from beyond the head', { after: 99, limit: 10 }, []],
      ['backward from the end', { before: 11, limit: 3 }, ['10', '9', '8']],
      ['backward from beyond the end', { before: 1_000_000, limit: 2 }, ['10', '9']],
      ['backward from the middle', { before: 4, limit: 10 }, ['3', '2', '1']],
      ['backward from the start', { before: 1, limit: 10 }, []],
      ['backward from nowhere', { before: 0, limit: 10 }, []],
      ['as far as the largest limit', { after: 0, limit: Number.MAX_SAFE_INTEGER }, '12345678910'.match(/10|\d/g)],
    ])('goes %s', async (_, range, bodies) => {
      const page = await setting.store.read('d:a', range);
      expect(textsOf(page.entries)).toEqual(bodies);
      expect({ ...page, entries: [] }).toEqual({ epoch: page.epoch, version: 10, first: 1, entries: [] });
    });

    it('ends before maxBytes of bodies, but never before one entry', async () => {
      await setting.store.append('d:b', entryOf('a'.repeat(10)));
      for (const body of ['b'.repeat(4), 'c'.repeat(4), 'd']) await setting.store.append('d:b', entryOf(body));
      const lengths = async (range: Parameters<LogStore['read']>[1]) =>
        (await setting.store.read('d:b', range)).entries.map(({ body }) => body.length);
      expect(await lengths({ after: 0, limit: 9, maxBytes: 0 })).toEqual([10]);
      expect(await lengths({ after: 0, limit: 9, maxBytes: 13 })).toEqual([10]);
      expect(await lengths({ after: 0, limit: 9, maxBytes: 14 })).toEqual([10, 4]);
      expect(await lengths({ before: 5, limit: 9, maxBytes: 8 })).toEqual([1, 4]);
      expect(await lengths({ before: 5, limit: 9, maxBytes: 9 })).toEqual([1, 4, 4]);
    });

    it('finds a log that was never written empty, at version 0', async () => {
      const { epoch } = await setting.store.head('d:never');
      expect(await setting.store.head('d:never')).toEqual({ epoch, version: 0, first: 1 });
      expect(await setting.store.read('d:never', { after: 0, limit: 1 })).toEqual({
        epoch,
        version: 0,
        first: 1,
        entries: [],
      });
      expect(await setting.store.read('d:never', { before: 5, limit: 1 })).toMatchObject({ entries: [] });
    });

    it('does not mix up logs whose names begin alike', async () => {
      for (const group of ['d:a0', 'd:a-', 'dd:a', 'p1/d:a', 'd:A']) await setting.store.append(group, entryOf(group));
      for (const group of ['d:a0', 'd:a-', 'dd:a', 'p1/d:a', 'd:A']) {
        expect(textsOf((await setting.store.read(group, { after: 0, limit: 9 })).entries)).toEqual([group]);
        expect(textsOf((await setting.store.read(group, { before: 9, limit: 9 })).entries)).toEqual([group]);
      }
      expect((await setting.store.head('d:a')).version).toBe(10);
    });
  });

  describe('epochs', () => {
    it('of a log that was never written is the one its first entry gets', async () => {
      const { epoch } = await setting.store.head('d:a');
      expect(epoch).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
      expect((await setting.store.append('d:a', entryOf('1'))).epoch).toBe(epoch);
      expect((await setting.store.read('d:a', { after: 0, limit: 1 })).epoch).toBe(epoch);
    });

    it('differ between stores', async () => {
      const other = await setting.openWith({ default: AMPLE });
      expect((await other.head('d:a')).epoch).not.toBe((await setting.store.head('d:a')).epoch);
    });
  });
}
