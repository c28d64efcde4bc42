/**
 * What every log store promises, as a vitest suite that each of them runs. Needs vitest and fast-check where it is
 * imported. Names of tests are the contract.
 */
import { MAX_BODY_BYTES } from '@im/protocol';
import { FakeClock } from '@im/protocol/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Appended, Entry, LogStore, NewEntry } from '../log-store.js';
import type { Retention, RetentionPolicy } from '../retention.js';
import { arbitraryCommands, LogStoreModel } from './log-store-model.js';

export interface LogStoreSetup {
  readonly retention: RetentionPolicy;
  /** The store's clock: decides what is too old. */
  readonly clock: FakeClock;
}

const AMPLE: Retention = { maxEntries: 10_000, maxBytes: 100_000_000, maxAgeMs: 1_000_000_000 };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function entryOf(body: string, rest: Partial<NewEntry> = {}): NewEntry {
  return { event: 'message', body: encoder.encode(body), time: 1_790_000_000_000, ...rest };
}

function textsOf(entries: readonly Entry[]): string[] {
  return entries.map(({ body }) => decoder.decode(body));
}

/**
 * @param name of the store
 * @param open makes a fresh, empty store, which the suite closes
 */
export function describeLogStoreContract(name: string, open: (setup: LogStoreSetup) => Promise<LogStore>): void {
  describe(`log store contract: ${name}`, () => {
    const opened: LogStore[] = [];
    let clock: FakeClock;
    let store: LogStore;

    async function openWith(retention: RetentionPolicy): Promise<LogStore> {
      const fresh = await open({ retention, clock });
      opened.push(fresh);
      return fresh;
    }

    beforeEach(async () => {
      clock = new FakeClock();
      store = await openWith({ default: AMPLE });
    });

    afterEach(async () => {
      await Promise.all(opened.splice(0).map((each) => each.close()));
      expect(clock.pendingTimers, 'timers left after close').toBe(0);
    });

    async function appendAll(group: string, ...bodies: string[]): Promise<Appended[]> {
      return Promise.all(bodies.map((body) => store.append(group, entryOf(body))));
    }

    describe('appending', () => {
      it('gives each log its own versions 1, 2, 3 in the order of the calls', async () => {
        const [a, b] = await Promise.all([appendAll('d:a', '1', '2', '3'), appendAll('d:b', '1', '2')]);
        expect(a.map(({ version }) => version)).toEqual([1, 2, 3]);
        expect(b.map(({ version }) => version)).toEqual([1, 2]);
        expect([...a, ...b].every(({ duplicate }) => !duplicate)).toBe(true);
      });

      it('settles the appends of one log in the order of the calls', async () => {
        const settled: number[] = [];
        await Promise.all(
          Array.from({ length: 50 }, async (_, index) => {
            const entry = index % 7 === 3 ? entryOf('x', { id: 'same' }) : entryOf(`${index}`);
            await store.append('d:a', entry);
            settled.push(index);
          }),
        );
        expect(settled).toEqual(Array.from({ length: 50 }, (_, index) => index));
      });

      it('keeps what an entry says', async () => {
        const full = entryOf('"hi"', { id: 'm-1', event: 'chat.text', time: 1_234_567_890_123 });
        await store.append('d:a', full);
        await store.append('d:a', entryOf(''));
        const { entries } = await store.read('d:a', { after: 0, limit: 10 });
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
        await store.append('d:a', entryOf('', { body }));
        await store.appendMany(['d:a', 'd:b'], entryOf('', { body }));
        for (const group of ['d:a', 'd:b']) {
          const { entries } = await store.read(group, { after: 0, limit: 10 });
          expect(entries.length).toBeGreaterThan(0);
          for (const entry of entries) expect(Buffer.compare(entry.body, body)).toBe(0);
        }
      });

      it('does not see what becomes of a body once its append has settled', async () => {
        const body = Buffer.from('before');
        await store.append('d:a', entryOf('', { body }));
        await store.appendMany(['d:b', 'd:c'], entryOf('', { body }));
        body.fill('x');
        for (const group of ['d:a', 'd:b', 'd:c']) {
          expect(textsOf((await store.read(group, { after: 0, limit: 1 })).entries)).toEqual(['before']);
        }
      });

      it('shows an entry to readers once its append has settled', async () => {
        for (let version = 1; version <= 20; version += 1) {
          const { epoch } = await store.append('d:a', entryOf(`${version}`));
          expect(await store.head('d:a')).toEqual({ epoch, version, first: 1 });
          const { entries } = await store.read('d:a', { before: version + 1, limit: 1 });
          expect(textsOf(entries)).toEqual([`${version}`]);
        }
      });
    });

    describe('message ids', () => {
      it('answer with the first version when appended again, storing nothing', async () => {
        const first = await store.append('d:a', entryOf('1', { id: 'm1' }));
        await store.append('d:a', entryOf('2', { id: 'm2' }));
        const again = await store.append('d:a', entryOf('other', { id: 'm1' }));
        expect(again).toEqual({ ...first, duplicate: true });
        expect(textsOf((await store.read('d:a', { after: 0, limit: 10 })).entries)).toEqual(['1', '2']);
      });

      it('are recognised while the first append is still under way', async () => {
        const appended = await Promise.all(
          ['m1', 'm2', 'm1', 'm2', 'm1'].map((id) => store.append('d:a', entryOf(id, { id }))),
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
          await store.append('d:a', entryOf('1', { id: 'm1' })),
          await store.append('d:b', entryOf('1', { id: 'm1' })),
          await store.append('p1/d:a', entryOf('1', { id: 'm1' })),
        ];
        expect(appended.map(({ duplicate }) => duplicate)).toEqual([false, false, false]);
      });

      it('may be any well-formed text of up to 64 characters', async () => {
        const ids = ['x'.repeat(64), 'é😀\u0000\n', '日本語'.repeat(21), ' '];
        for (const id of ids) await store.append('d:a', entryOf(id, { id }));
        for (const id of ids) expect(await store.append('d:a', entryOf(id, { id }))).toMatchObject({ duplicate: true });
        const { entries } = await store.read('d:a', { after: 0, limit: 10 });
        expect(entries.map(({ id }) => id)).toEqual(ids);
      });

      it('are forgotten with their entry', async () => {
        store = await openWith({ default: { ...AMPLE, maxEntries: 2 } });
        for (const id of ['m1', 'm2', 'm3']) await store.append('d:a', entryOf(id, { id }));
        expect(await store.append('d:a', entryOf('m1', { id: 'm1' }))).toMatchObject({ version: 4, duplicate: false });
        expect(await store.append('d:a', entryOf('m3', { id: 'm3' }))).toMatchObject({ version: 3, duplicate: true });
      });
    });

    describe('one body to many logs', () => {
      it('appends to each, once, and answers by group', async () => {
        await store.append('u:2', entryOf('earlier'));
        const appended = await store.appendMany(['u:1', 'u:2', 'u:1'], entryOf('all', { id: 'm1' }));
        const [one, two] = [await store.head('u:1'), await store.head('u:2')];
        expect([...appended]).toEqual([
          ['u:1', { epoch: one.epoch, version: 1, duplicate: false }],
          ['u:2', { epoch: two.epoch, version: 2, duplicate: false }],
        ]);
        expect(textsOf((await store.read('u:1', { after: 0, limit: 10 })).entries)).toEqual(['all']);
        expect(textsOf((await store.read('u:2', { after: 0, limit: 10 })).entries)).toEqual(['earlier', 'all']);
      });

      it('is completed by repeating it with the same id', async () => {
        await store.append('u:1', entryOf('all', { id: 'm1' }));
        const appended = await store.appendMany(['u:1', 'u:2'], entryOf('all', { id: 'm1' }));
        expect(appended.get('u:1')).toMatchObject({ version: 1, duplicate: true });
        expect(appended.get('u:2')).toMatchObject({ version: 1, duplicate: false });
      });

      it('tells which groups failed and tries the others', async () => {
        const appended = await store.appendMany(['u:1', 'no group', 'u:2'], entryOf('all'));
        expect(appended.get('no group')).toMatchObject({ name: 'GROUP_INVALID' });
        expect(appended.get('u:1')).toMatchObject({ version: 1 });
        expect(appended.get('u:2')).toMatchObject({ version: 1 });
      });

      it('takes its versions in the order of the calls, among single appends too', async () => {
        const [one, many, two] = await Promise.all([
          store.append('u:1', entryOf('1')),
          store.appendMany(['u:1', 'u:2'], entryOf('2')),
          store.append('u:1', entryOf('3')),
        ]);
        expect([one.version, many.get('u:1'), two.version]).toEqual([1, expect.objectContaining({ version: 2 }), 3]);
      });

      it('outlives the trimming of some of its logs', async () => {
        store = await openWith({ default: { ...AMPLE, maxEntries: 1 } });
        const body = 'shared '.repeat(100);
        await store.appendMany(['u:1', 'u:2', 'u:3'], entryOf(body));
        await store.append('u:1', entryOf('1'));
        await store.append('u:3', entryOf('3'));
        expect(textsOf((await store.read('u:2', { after: 0, limit: 1 })).entries)).toEqual([body]);
      });
    });

    describe('reading', () => {
      beforeEach(async () => {
        await appendAll('d:a', ...Array.from({ length: 10 }, (_, index) => `${index + 1}`));
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
        const page = await store.read('d:a', range);
        expect(textsOf(page.entries)).toEqual(bodies);
        expect({ ...page, entries: [] }).toEqual({ epoch: page.epoch, version: 10, first: 1, entries: [] });
      });

      it('ends before maxBytes of bodies, but never before one entry', async () => {
        await store.append('d:b', entryOf('a'.repeat(10)));
        for (const body of ['b'.repeat(4), 'c'.repeat(4), 'd']) await store.append('d:b', entryOf(body));
        const lengths = async (range: Parameters<LogStore['read']>[1]) =>
          (await store.read('d:b', range)).entries.map(({ body }) => body.byteLength);
        expect(await lengths({ after: 0, limit: 9, maxBytes: 0 })).toEqual([10]);
        expect(await lengths({ after: 0, limit: 9, maxBytes: 13 })).toEqual([10]);
        expect(await lengths({ after: 0, limit: 9, maxBytes: 14 })).toEqual([10, 4]);
        expect(await lengths({ before: 5, limit: 9, maxBytes: 8 })).toEqual([1, 4]);
        expect(await lengths({ before: 5, limit: 9, maxBytes: 9 })).toEqual([1, 4, 4]);
      });

      it('finds a log that was never written empty, at version 0', async () => {
        const { epoch } = await store.head('d:never');
        expect(await store.head('d:never')).toEqual({ epoch, version: 0, first: 1 });
        expect(await store.read('d:never', { after: 0, limit: 1 })).toEqual({
          epoch,
          version: 0,
          first: 1,
          entries: [],
        });
        expect(await store.read('d:never', { before: 5, limit: 1 })).toMatchObject({ entries: [] });
      });

      it('does not mix up logs whose names begin alike', async () => {
        for (const group of ['d:a0', 'd:a-', 'dd:a', 'p1/d:a', 'd:A']) await store.append(group, entryOf(group));
        for (const group of ['d:a0', 'd:a-', 'dd:a', 'p1/d:a', 'd:A']) {
          expect(textsOf((await store.read(group, { after: 0, limit: 9 })).entries)).toEqual([group]);
          expect(textsOf((await store.read(group, { before: 9, limit: 9 })).entries)).toEqual([group]);
        }
        expect((await store.head('d:a')).version).toBe(10);
      });
    });

    describe('epochs', () => {
      it('of a log that was never written is the one its first entry gets', async () => {
        const { epoch } = await store.head('d:a');
        expect(epoch).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
        expect((await store.append('d:a', entryOf('1'))).epoch).toBe(epoch);
        expect((await store.read('d:a', { after: 0, limit: 1 })).epoch).toBe(epoch);
      });

      it('differ between stores', async () => {
        const other = await openWith({ default: AMPLE });
        expect((await other.head('d:a')).epoch).not.toBe((await store.head('d:a')).epoch);
      });
    });

    describe('retention', () => {
      const versionsOf = (entries: readonly Entry[]) => entries.map(({ version }) => version);

      it('keeps the newest entries by number', async () => {
        store = await openWith({ default: { ...AMPLE, maxEntries: 3 } });
        await appendAll('d:a', '1', '2', '3', '4', '5');
        expect(await store.head('d:a')).toMatchObject({ version: 5, first: 3 });
        const forward = await store.read('d:a', { after: 0, limit: 10 });
        expect([forward.first, versionsOf(forward.entries)]).toEqual([3, [3, 4, 5]]);
        expect(versionsOf((await store.read('d:a', { before: 6, limit: 10 })).entries)).toEqual([5, 4, 3]);
        expect((await store.append('d:a', entryOf('6'))).version).toBe(6);
      });

      it('keeps the newest entries by bytes of bodies, the last one whatever its size', async () => {
        store = await openWith({ default: { ...AMPLE, maxBytes: 10 } });
        await appendAll('d:a', '1234', '1234', '12');
        expect(await store.head('d:a')).toMatchObject({ version: 3, first: 1 });
        await appendAll('d:a', '1');
        expect(await store.head('d:a')).toMatchObject({ version: 4, first: 2 });
        await appendAll('d:a', 'x'.repeat(100));
        expect(await store.head('d:a')).toMatchObject({ version: 5, first: 5 });
        expect(versionsOf((await store.read('d:a', { after: 0, limit: 10 })).entries)).toEqual([5]);
        await appendAll('d:a', '1');
        expect(await store.head('d:a')).toMatchObject({ version: 6, first: 6 });
      });

      it('keeps entries by age, and the versions of those that went', async () => {
        store = await openWith({ default: { ...AMPLE, maxAgeMs: 1_000 } });
        await store.append('d:a', entryOf('1', { id: 'm1' }));
        clock.advance(600);
        await store.append('d:a', entryOf('2'));
        clock.advance(401);
        expect(await store.head('d:a')).toMatchObject({ version: 2, first: 2 });
        expect(versionsOf((await store.read('d:a', { before: 9, limit: 9 })).entries)).toEqual([2]);
        clock.advance(600);
        expect(await store.head('d:a')).toMatchObject({ version: 2, first: 3 });
        expect(await store.read('d:a', { after: 0, limit: 9 })).toMatchObject({ version: 2, first: 3, entries: [] });
        expect(await store.append('d:a', entryOf('1', { id: 'm1' }))).toMatchObject({ version: 3, duplicate: false });
        expect(versionsOf((await store.read('d:a', { after: 0, limit: 9 })).entries)).toEqual([3]);
      });

      it('is each kind’s own, under any product', async () => {
        store = await openWith({ default: AMPLE, kinds: { r: { ...AMPLE, maxEntries: 1 } } });
        for (const group of ['r:1', 'p1/r:1', 'u:1', 'rr:1']) await appendAll(group, '1', '2');
        const firsts = await Promise.all(['r:1', 'p1/r:1', 'u:1', 'rr:1'].map((group) => store.head(group)));
        expect(firsts.map(({ first }) => first)).toEqual([2, 2, 1, 1]);
      });

      it('lets entries of each kind go at their own age, with their ids, and no log begin anew by that', async () => {
        const kinds = { r: { ...AMPLE, maxAgeMs: 600_000 }, u: { ...AMPLE, maxAgeMs: 3_600_000 } };
        store = await openWith({ default: AMPLE, kinds });
        const groups = ['r:1', 'u:1', 'p1/u:1', 'd:1'];
        const append = () => Promise.all(groups.map((group) => store.append(group, entryOf('x', { id: 'm1' }))));
        const before = await append();
        const firsts = async () =>
          (await Promise.all(groups.map((group) => store.head(group)))).map(({ first }) => first);
        clock.advance(600_000);
        expect(await firsts()).toEqual([1, 1, 1, 1]);
        clock.advance(1);
        expect(await firsts()).toEqual([2, 1, 1, 1]);
        clock.advance(3_000_000);
        expect(await firsts()).toEqual([2, 2, 2, 1]);
        expect(await append()).toEqual(
          before.map((each, index) => (index < 3 ? { ...each, version: 2 } : { ...each, duplicate: true })),
        );
      });
    });

    describe('refusing', () => {
      it.each([
        ['BODY_TOO_LARGE', entryOf('', { body: new Uint8Array(MAX_BODY_BYTES + 1) })],
        ['INVALID_ARGUMENT', entryOf('1', { event: '' })],
        ['INVALID_ARGUMENT', entryOf('1', { event: 'no event' })],
        ['INVALID_ARGUMENT', entryOf('1', { id: '' })],
        ['INVALID_ARGUMENT', entryOf('1', { id: 'x'.repeat(65) })],
        ['INVALID_ARGUMENT', entryOf('1', { id: '\ud800' })],
        ['INVALID_ARGUMENT', entryOf('1', { time: -1 })],
        ['INVALID_ARGUMENT', entryOf('1', { time: Number.NaN })],
      ])('%s: gives no version to such an entry (%#)', async (error, entry) => {
        await expect(store.append('d:a', entry)).rejects.toMatchObject({ name: error });
        await expect(store.appendMany(['d:a'], entry)).rejects.toMatchObject({ name: error });
        expect((await store.head('d:a')).version).toBe(0);
      });

      it.each(['', 'r:', 'no group', 'r:1\u0000', 'R:1', `r:${'x'.repeat(65)}`])(
        'GROUP_INVALID: %j is no group id',
        async (group) => {
          const refused = expect.objectContaining({ name: 'GROUP_INVALID' });
          await expect(store.append(group, entryOf('1'))).rejects.toEqual(refused);
          await expect(store.head(group)).rejects.toEqual(refused);
          await expect(store.read(group, { after: 0, limit: 1 })).rejects.toEqual(refused);
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
        await expect(store.read('d:a', range)).rejects.toMatchObject({ name: 'INVALID_ARGUMENT' });
      });
    });

    describe('closing', () => {
      it('settles the appends made before', async () => {
        const appended = appendAll('d:a', '1', '2', '3');
        await store.close();
        expect((await appended).map(({ version }) => version)).toEqual([1, 2, 3]);
      });

      it('refuses everything afterwards, and may be repeated', async () => {
        await store.close();
        await store.close();
        const refused = expect.objectContaining({ name: 'CLOSED' });
        await expect(store.append('d:a', entryOf('1'))).rejects.toEqual(refused);
        await expect(store.appendMany(['d:a'], entryOf('1'))).rejects.toEqual(refused);
        await expect(store.head('d:a')).rejects.toEqual(refused);
        await expect(store.read('d:a', { after: 0, limit: 1 })).rejects.toEqual(refused);
      });
    });

    it('behaves like a list per group under any interleaving of calls', async () => {
      const retention = { maxEntries: 5, maxBytes: 100, maxAgeMs: 1_000 };
      await fc.assert(
        fc.asyncProperty(arbitraryCommands(60), async (commands) => {
          const fresh = await openWith({ default: retention });
          const model = new LogStoreModel(retention);
          await model.compare(fresh, clock, commands);
          await fresh.close();
        }),
        { numRuns: 40 },
      );
    }, 60_000);
  });
}
