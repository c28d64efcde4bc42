/**
 * What every record store promises, as a vitest suite that each of them runs. Needs vitest and fast-check where it is
 * imported. Names of tests are the contract.
 */
import { MAX_BODY_BYTES } from '@im/protocol';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_RECORD_BYTES, MAX_RECORD_FIELDS, MAX_RECORD_PAGE, MAX_RECORDS } from '../record-limits.js';
import type { RecordChange, RecordRange, RecordStore } from '../record-store.js';
import { arbitraryRecordCommands, RecordStoreModel } from './record-store-model.js';

export interface OpenRecordStore {
  readonly records: RecordStore;
  close(): Promise<void>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** @param revision as of {@link RecordChange} */
function put(field: string, body: string, revision?: number): RecordChange {
  return { field, body: encoder.encode(body), ...(revision !== undefined && { revision }) };
}

function remove(field: string, revision?: number): RecordChange {
  return { field, body: undefined, ...(revision !== undefined && { revision }) };
}

/**
 * @param name of the store
 * @param open makes a fresh, empty store, which the suite closes
 */
export function describeRecordStoreContract(name: string, open: () => Promise<OpenRecordStore>): void {
  describe(`record store contract: ${name}`, () => {
    let opened: OpenRecordStore;
    let store: RecordStore;

    beforeEach(async () => {
      opened = await open();
      store = opened.records;
    });

    afterEach(() => opened.close());

    async function textOf(owner: string, field: string): Promise<string | undefined> {
      const record = (await store.get(owner, [field])).get(field);
      return record && decoder.decode(record.body);
    }

    async function revisionOf(owner: string, field: string): Promise<number> {
      return (await store.get(owner, [field])).get(field)?.revision ?? 0;
    }

    async function fieldsOf(owner: string, range: Partial<RecordRange> = {}): Promise<string> {
      const { records, more } = await store.page(owner, { prefix: '', limit: 100, ...range });
      return records.map(({ field }) => field).join(' ') + (more ? ' …' : '');
    }

    describe('writing', () => {
      it('shows what was written once it has settled, to its owner alone', async () => {
        await store.write('u:ann', [put('c.1', 'one'), put('c.2', 'two')]);
        expect(await textOf('u:ann', 'c.1')).toBe('one');
        expect((await store.get('u:ann', ['c.2', 'c.3', 'c.1'])).size).toBe(2);
        expect((await store.get('u:an', ['c.1'])).size).toBe(0);
        expect((await store.get('p1/u:ann', ['c.1'])).size).toBe(0);
        expect(await fieldsOf('u:an')).toBe('');
      });

      it('replaces and deletes', async () => {
        await store.write('u:ann', [put('a', '1'), put('b', '1')]);
        await store.write('u:ann', [put('a', '2'), remove('b'), remove('never')]);
        expect(await textOf('u:ann', 'a')).toBe('2');
        expect(await textOf('u:ann', 'b')).toBeUndefined();
        expect(await fieldsOf('u:ann')).toBe('a');
      });

      it.each([
        ['an empty body', new Uint8Array()],
        ['bytes that are no text', Uint8Array.from({ length: 256 }, (_, index) => 255 - index)],
        ['the largest body allowed', Uint8Array.from({ length: MAX_BODY_BYTES }, (_, index) => index % 251)],
        ['a view into a larger buffer', Buffer.from('0123456789').subarray(3, 7)],
      ])('keeps %s byte by byte', async (_, body) => {
        await store.write('u:ann', [{ field: 'a', body }]);
        expect(Buffer.compare((await store.get('u:ann', ['a'])).get('a')?.body ?? Buffer.from('?'), body)).toBe(0);
        const [record] = (await store.page('u:ann', { prefix: '', limit: 1 })).records;
        expect(Buffer.compare(record?.body ?? Buffer.from('?'), body)).toBe(0);
      });

      it('does not see what becomes of a body once its write has settled', async () => {
        const body = Buffer.from('before');
        await store.write('u:ann', [{ field: 'a', body }]);
        body.fill('x');
        expect(await textOf('u:ann', 'a')).toBe('before');
      });

      it('of nothing does nothing', async () => {
        await store.write('u:ann', []);
        expect(await fieldsOf('u:ann')).toBe('');
      });
    });

    describe('revisions', () => {
      it('grow with every write of a record, and never come again, also when it was deleted in between', async () => {
        const seen: number[] = [];
        for (let round = 0; round < 5; round += 1) {
          await store.write('u:ann', [put('a', 'same')]);
          seen.push(await revisionOf('u:ann', 'a'));
          await store.write('u:ann', [put('a', 'same')]);
          seen.push(await revisionOf('u:ann', 'a'));
          await store.write('u:ann', [remove('a')]);
        }
        expect(seen.every(Number.isSafeInteger)).toBe(true);
        expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
        expect(seen[0]).toBeGreaterThan(0);
      });

      it('let a write through that knows them, and no other', async () => {
        await store.write('u:ann', [put('a', '1', 0)]);
        const revision = await revisionOf('u:ann', 'a');
        const changed = expect.objectContaining({ name: 'RECORD_CHANGED', retryable: true, details: { field: 'a' } });
        await expect(store.write('u:ann', [put('a', '2', 0)])).rejects.toEqual(changed);
        await expect(store.write('u:ann', [put('a', '2', revision + 1)])).rejects.toEqual(changed);
        await expect(store.write('u:ann', [remove('a', 0)])).rejects.toEqual(changed);
        await store.write('u:ann', [put('a', '2', revision)]);
        await expect(store.write('u:ann', [remove('a', revision)])).rejects.toEqual(changed);
        await store.write('u:ann', [remove('a', await revisionOf('u:ann', 'a'))]);
        await expect(store.write('u:ann', [put('a', '3', revision)])).rejects.toEqual(changed);
        expect(await textOf('u:ann', 'a')).toBeUndefined();
      });

      it('let one through of several who know the same', async () => {
        await store.write('u:ann', [put('a', '0')]);
        const revision = await revisionOf('u:ann', 'a');
        const outcomes = await Promise.allSettled(
          ['1', '2', '3', '4'].map((body) => store.write('u:ann', [put('a', body, revision)])),
        );
        expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected']);
        expect(await textOf('u:ann', 'a')).toBe('1');
      });

      it('keep a write whole: all changes or none', async () => {
        await store.write('u:ann', [put('a', '1'), put('b', '1')]);
        const changes = [put('a', '2'), remove('b'), put('c', '2', 7), put('d', '2')];
        await expect(store.write('u:ann', changes)).rejects.toMatchObject({
          name: 'RECORD_CHANGED',
          details: { field: 'c' },
        });
        expect([await textOf('u:ann', 'a'), await fieldsOf('u:ann')]).toEqual(['1', 'a b']);
      });

      it('count, where everybody tries again, what each added', async () => {
        async function add(): Promise<void> {
          for (;;) {
            const record = (await store.get('u:ann', ['n'])).get('n');
            const value = Number(record === undefined ? 0 : decoder.decode(record.body)) + 1;
            try {
              return await store.write('u:ann', [put('n', `${value}`, record?.revision ?? 0)]);
            } catch (error) {
              expect(error).toMatchObject({ name: 'RECORD_CHANGED' });
            }
          }
        }
        await Promise.all(Array.from({ length: 12 }, add));
        expect(await textOf('u:ann', 'n')).toBe('12');
      });
    });

    describe('pages', () => {
      beforeEach(async () => {
        await store.write(
          'g:1',
          ['m.bob', 'm.Zoe', 'm.', 'm', 'info', 'm.ann', 'n.1', 'm-1', 'm.a_b'].map((field) => put(field, field)),
        );
        await store.write('g:10', [put('m.other', '')]);
        await store.write('g:0', [put('m.other', '')]);
      });

      it('are in the order of the fields’ characters', async () => {
        expect(await fieldsOf('g:1')).toBe('info m m-1 m. m.Zoe m.a_b m.ann m.bob n.1');
        const { records } = await store.page('g:1', { prefix: 'm.b', limit: 10 });
        expect(records).toMatchObject([{ field: 'm.bob', revision: await revisionOf('g:1', 'm.bob') }]);
        expect(decoder.decode(records[0]?.body)).toBe('m.bob');
      });

      it('hold fields of a prefix, behind one, up to a limit, and say whether there are more', async () => {
        expect(await fieldsOf('g:1', { prefix: 'm.' })).toBe('m. m.Zoe m.a_b m.ann m.bob');
        expect(await fieldsOf('g:1', { prefix: 'm.', limit: 2 })).toBe('m. m.Zoe …');
        expect(await fieldsOf('g:1', { prefix: 'm.', limit: 2, after: 'm.Zoe' })).toBe('m.a_b m.ann …');
        expect(await fieldsOf('g:1', { prefix: 'm.', limit: 1, after: 'm.ann' })).toBe('m.bob');
        expect(await fieldsOf('g:1', { prefix: 'm.', after: 'm.gone' })).toBe('');
        expect(await fieldsOf('g:1', { prefix: 'm.', after: 'a' })).toBe('m. m.Zoe m.a_b m.ann m.bob');
        expect(await fieldsOf('g:1', { prefix: 'm.', after: 'z' })).toBe('');
        expect(await fieldsOf('g:1', { prefix: 'x' })).toBe('');
      });

      it('end early when their bodies are too many bytes for one, but have at least one record', async () => {
        const body = new Uint8Array(MAX_BODY_BYTES);
        for (let count = 0; count < 12; count += 1) await store.write('g:2', [{ field: `f${10 + count}`, body }]);
        const { records, more } = await store.page('g:2', { prefix: '', limit: 100 });
        expect([records.length, more]).toEqual([MAX_RECORD_BYTES / MAX_BODY_BYTES, true]);
        const after = records.at(-1)?.field ?? '';
        const rest = await store.page('g:2', { prefix: '', after, limit: 100 });
        expect([rest.records.length, rest.more]).toEqual([4, false]);
        // Who names fields gets all of them.
        const named = Array.from({ length: 13 }, (_, count) => `f${10 + count}`);
        expect([...(await store.get('g:2', named)).keys()].sort()).toEqual(named.slice(0, 12));
      });
    });

    describe('refusals', () => {
      const many = (count: number) => Array.from({ length: count }, (_, index) => `f${index}`);

      it.each([
        ['an owner that is no group', () => store.get('ann', ['a']), 'GROUP_INVALID'],
        ['a page of what is no group', () => store.page('', { prefix: '', limit: 1 }), 'GROUP_INVALID'],
        ['a write to what is no group', () => store.write('u:', [put('a', '')]), 'GROUP_INVALID'],
        ['an empty field', () => store.write('u:ann', [put('', '')]), 'INVALID_ARGUMENT'],
        ['a field with a space', () => store.get('u:ann', ['a b']), 'INVALID_ARGUMENT'],
        ['a field that is too long', () => store.get('u:ann', ['a'.repeat(129)]), 'INVALID_ARGUMENT'],
        ['a field named twice', () => store.write('u:ann', [put('a', '1'), remove('a')]), 'INVALID_ARGUMENT'],
        ['a revision below 0', () => store.write('u:ann', [put('a', '1', -1)]), 'INVALID_ARGUMENT'],
        ['a prefix with a zero', () => store.page('u:ann', { prefix: 'a\0', limit: 1 }), 'INVALID_ARGUMENT'],
        [
          'a place that is no field',
          () => store.page('u:ann', { prefix: '', after: '', limit: 1 }),
          'INVALID_ARGUMENT',
        ],
        ['no limit', () => store.page('u:ann', { prefix: '', limit: 0 }), 'INVALID_ARGUMENT'],
        ['too large a page', () => store.page('u:ann', { prefix: '', limit: MAX_RECORD_PAGE + 1 }), 'INVALID_ARGUMENT'],
        ['too many fields', () => store.get('u:ann', many(MAX_RECORD_FIELDS + 1)), 'INVALID_ARGUMENT'],
        [
          'too many changes',
          () =>
            store.write(
              'u:ann',
              many(MAX_RECORD_FIELDS + 1).map((field) => put(field, '')),
            ),
          'INVALID_ARGUMENT',
        ],
        [
          'too large a body',
          () => store.write('u:ann', [{ field: 'a', body: new Uint8Array(MAX_BODY_BYTES + 1) }]),
          'BODY_TOO_LARGE',
        ],
        [
          'bodies that are too large together',
          () =>
            store.write(
              'u:ann',
              many(9).map((field) => ({ field, body: new Uint8Array(MAX_BODY_BYTES) })),
            ),
          'BODY_TOO_LARGE',
        ],
      ])('tell %s', async (_, call, code) => {
        await expect(call()).rejects.toMatchObject({ name: code });
        expect(await fieldsOf('u:ann')).toBe('');
      });

      it('meet who wants more records than an owner may have; changing and deleting goes on', async () => {
        const fields = many(MAX_RECORDS);
        for (let from = 0; from < fields.length; from += 250) {
          await store.write(
            'g:1',
            fields.slice(from, from + 250).map((field) => put(field, '')),
          );
        }
        await expect(store.write('g:1', [put('one-more', '')])).rejects.toMatchObject({ name: 'TOO_MANY_RECORDS' });
        await store.write('g:1', [put('f0', 'changed'), remove('f1'), put('one-more', '')]);
        await expect(store.write('g:1', [put('f1', '')])).rejects.toMatchObject({ name: 'TOO_MANY_RECORDS' });
        await store.write('g:1', [remove('f0')]);
        await store.write('g:1', [put('f1', '')]);
      });
    });

    it('is what a simple model says, for every order of writes and reads', async () => {
      await fc.assert(
        fc.asyncProperty(arbitraryRecordCommands(60), async (commands) => {
          const fresh = await open();
          try {
            await new RecordStoreModel().compare(fresh.records, commands);
          } finally {
            await fresh.close();
          }
        }),
        { numRuns: 20 },
      );
    });
  });
}
