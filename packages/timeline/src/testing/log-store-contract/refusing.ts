/** The part of the contract about what is malformed, and about a store that is closed. */
import { MAX_BODY_BYTES } from '@im/protocol';
import { describe, expect, it } from 'vitest';
import { appendAll, type ContractSetting, entryOf } from './setting.js';

export function describeRefusing(setting: ContractSetting): void {
  describe('refusing', () => {
    it.each([
      ['BODY_TOO_LARGE', entryOf('', { body: new Uint8Array(MAX_BODY_BYTES + 1) })],
      ['INVALID_ARGUMENT', entryOf('1', { body: new ArrayBuffer(1) as never })],
      ['INVALID_ARGUMENT', entryOf('1', { body: '1' as never })],
      ['INVALID_ARGUMENT', entryOf('1', { event: '' })],
      ['INVALID_ARGUMENT', entryOf('1', { event: 'no event' })],
      ['INVALID_ARGUMENT', entryOf('1', { id: '' })],
      ['INVALID_ARGUMENT', entryOf('1', { id: 'x'.repeat(65) })],
      ['INVALID_ARGUMENT', entryOf('1', { id: '\ud800' })],
      ['INVALID_ARGUMENT', entryOf('1', { time: -1 })],
      ['INVALID_ARGUMENT', entryOf('1', { time: Number.NaN })],
    ])('%s: gives no version to such an entry (%#)', async (error, entry) => {
      await expect(setting.store.append('d:a', entry)).rejects.toMatchObject({ name: error });
      await expect(setting.store.appendMany(['d:a'], entry)).rejects.toMatchObject({ name: error });
      expect((await setting.store.head('d:a')).version).toBe(0);
    });

    it.each(['', 'r:', 'no group', 'r:1\u0000', 'R:1', `r:${'x'.repeat(65)}`])(
      'GROUP_INVALID: %j is no group id',
      async (group) => {
        const refused = expect.objectContaining({ name: 'GROUP_INVALID' });
        await expect(setting.store.append(group, entryOf('1'))).rejects.toEqual(refused);
        await expect(setting.store.head(group)).rejects.toEqual(refused);
        await expect(setting.store.read(group, { after: 0, limit: 1 })).rejects.toEqual(refused);
      },
    );

    it.each([
      { after: -1, limit: 1 },
      { after: 0.5, limit: 1 },
      { before: Number.NaN, limit: 1 },
      { after: 0, limit: 0 },
      { before: 5, limit: 1.5 },
      { after: 0, limit: 1, maxBytes: -1 },
    ])('INVALID_ARGUMENT: %j is no range', async (range) => {
      await expect(setting.store.read('d:a', range)).rejects.toMatchObject({ name: 'INVALID_ARGUMENT' });
    });
  });

  describe('closing', () => {
    it('settles the appends made before', async () => {
      const appended = appendAll(setting.store, 'd:a', '1', '2', '3');
      await setting.store.close();
      expect((await appended).map(({ version }) => version)).toEqual([1, 2, 3]);
    });

    it('refuses everything afterwards, and may be repeated', async () => {
      await setting.store.close();
      await setting.store.close();
      const refused = expect.objectContaining({ name: 'CLOSED' });
      await expect(setting.store.append('d:a', entryOf('1'))).rejects.toEqual(refused);
      await expect(setting.store.appendMany(['d:a'], entryOf('1'))).rejects.toEqual(refused);
      await expect(setting.store.head('d:a')).rejects.toEqual(refused);
      await expect(setting.store.read('d:a', { after: 0, limit: 1 })).rejects.toEqual(refused);
    });
  });
}
