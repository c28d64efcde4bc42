/** The part of the contract about appending, to one log and to many. */
import { MAX_BODY_BYTES } from '@im/protocol';
import { describe, expect, it } from 'vitest';
import { AMPLE, appendAll, type ContractSetting, entryOf, textsOf } from './setting.js';

const decoder = new TextDecoder();

export function describeAppending(setting: ContractSetting): void {
  describe('appending', () => {
    it('gives each log its own versions 1, 2, 3 in the order of the calls', async () => {
      const [a, b] = await Promise.all([
        appendAll(setting.store, 'd:a', '1', '2', '3'),
        appendAll(setting.store, 'd:b', '1', '2'),
      ]);
      expect(a.map(({ version }) => version)).toEqual([1, 2, 3]);
      expect(b.map(({ version }) => version)).toEqual([1, 2]);
      expect([...a, ...b].every(({ duplicate }) => !duplicate)).toBe(true);
    });

    it('settles the appends of one log in the order of the calls', async () => {
      const settled: number[] = [];
      await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const entry = index % 7 === 3 ? entryOf('x', { id: 'same' }) : entryOf(`${index}`);
          await setting.store.append('d:a', entry);
          settled.push(index);
        }),
      );
      expect(settled).toEqual(Array.from({ length: 50 }, (_, index) => index));
    });

    it('keeps what an entry says', async () => {
      const full = entryOf('"hi"', { id: 'm-1', event: 'chat.text', time: 1_234_567_890_123 });
      await setting.store.append('d:a', full);
      await setting.store.append('d:a', entryOf(''));
      const { entries } = await setting.store.read('d:a', { after: 0, limit: 10 });
      expect(entries.map((entry) => ({ ...entry, body: decoder.decode(entry.body) }))).toEqual([
        { version: 1, id: 'm-1', event: 'chat.text', time: 1_234_567_890_123, body: '"hi"' },
        { version: 2, event: 'message', time: 1_790_000_000_000, body: '' },
      ]);
    });

    it.each([
      ['an empty body', new Uint8Array()],
      ['bytes that are no text', Uint8Array.from({ length: 256 }, (_, index) => 255 - index)],
      ['the largest body allowed', Uint8Array.from({ length: MAX_BODY_BYTES }, (_, index) => index % 251)],
      ['a view into a larger buffer', Buffer.from('0123456789').subarray(3, 7)],
    ])('keeps %s byte by byte', async (_, body) => {
      await setting.store.append('d:a', entryOf('', { body }));
      await setting.store.appendMany(['d:a', 'd:b'], entryOf('', { body }));
      for (const group of ['d:a', 'd:b']) {
        const { entries } = await setting.store.read(group, { after: 0, limit: 10 });
        expect(entries.length).toBeGreaterThan(0);
        for (const entry of entries) expect(Buffer.compare(entry.body, body)).toBe(0);
      }
    });

    it('does not see what becomes of a body once its append has settled', async () => {
      const body = Buffer.from('before');
      await setting.store.append('d:a', entryOf('', { body }));
      await setting.store.appendMany(['d:b', 'd:c'], entryOf('', { body }));
      body.fill('x');
      for (const group of ['d:a', 'd:b', 'd:c']) {
        expect(textsOf((await setting.store.read(group, { after: 0, limit: 1 })).entries)).toEqual(['before']);
      }
    });

    it('shows an entry to readers once its append has settled', async () => {
      for (let version = 1; version <= 20; version += 1) {
        const { epoch } = await setting.store.append('d:a', entryOf(`${version}`));
        expect(await setting.store.head('d:a')).toEqual({ epoch, version, first: 1 });
        const { entries } = await setting.store.read('d:a', { before: version + 1, limit: 1 });
        expect(textsOf(entries)).toEqual([`${version}`]);
      }
    });
  });

  describe('one body to many logs', () => {
    it('appends to each, once, and answers by group', async () => {
      await setting.store.append('u:2', entryOf('earlier'));
      const appended = await setting.store.appendMany(['u:1', 'u:2', 'u:1'], entryOf('all', { id: 'm1' }));
      const [one, two] = [await setting.store.head('u:1'), await setting.store.head('u:2')];
      expect([...appended]).toEqual([
        ['u:1', { epoch: one.epoch, version: 1, duplicate: false }],
        ['u:2', { epoch: two.epoch, version: 2, duplicate: false }],
      ]);
      expect(textsOf((await setting.store.read('u:1', { after: 0, limit: 10 })).entries)).toEqual(['all']);
      expect(textsOf((await setting.store.read('u:2', { after: 0, limit: 10 })).entries)).toEqual(['earlier', 'all']);
    });

    it('is completed by repeating it with the same id', async () => {
      await setting.store.append('u:1', entryOf('all', { id: 'm1' }));
      const appended = await setting.store.appendMany(['u:1', 'u:2'], entryOf('all', { id: 'm1' }));
      expect(appended.get('u:1')).toMatchObject({ version: 1, duplicate: true });
      expect(appended.get('u:2')).toMatchObject({ version: 1, duplicate: false });
    });

    it('tells which groups failed and tries the others', async () => {
      const appended = await setting.store.appendMany(['u:1', 'no group', 'u:2'], entryOf('all'));
      expect(appended.get('no group')).toMatchObject({ name: 'GROUP_INVALID' });
      expect(appended.get('u:1')).toMatchObject({ version: 1 });
      expect(appended.get('u:2')).toMatchObject({ version: 1 });
    });

    it('takes its versions in the order of the calls, among single appends too', async () => {
      const [one, many, two] = await Promise.all([
        setting.store.append('u:1', entryOf('1')),
        setting.store.appendMany(['u:1', 'u:2'], entryOf('2')),
        setting.store.append('u:1', entryOf('3')),
      ]);
      expect([one.version, many.get('u:1'), two.version]).toEqual([1, expect.objectContaining({ version: 2 }), 3]);
    });

    it('outlives the trimming of some of its logs', async () => {
      const store = await setting.openWith({ default: { ...AMPLE, maxEntries: 1 } });
      const body = 'shared '.repeat(100);
      await store.appendMany(['u:1', 'u:2', 'u:3'], entryOf(body));
      await store.append('u:1', entryOf('1'));
      await store.append('u:3', entryOf('3'));
      expect(textsOf((await store.read('u:2', { after: 0, limit: 1 })).entries)).toEqual([body]);
    });
  });
}
