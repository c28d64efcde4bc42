/** A record store as simple as can be, to compare real ones with. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { RecordChange, RecordStore } from '../record-store.js';

/** What is expected of a record: nothing, that it is as last seen, or that it is as it never was. */
type Expectation = 'any' | 'seen' | 'other';

interface ModelChange {
  readonly field: string;
  readonly body: string | undefined;
  readonly expected: Expectation;
}

export type RecordCommand =
  | { readonly kind: 'write'; readonly owner: string; readonly changes: readonly ModelChange[] }
  | { readonly kind: 'page'; readonly owner: string; readonly prefix: string; readonly limit: number };

const owner = fc.constantFrom('u:a', 'u:b', 'p1/u:a');
const field = fc.constantFrom('a', 'a.', 'a.1', 'a.2', 'b', 'B-1');
const change = fc.record({
  field,
  body: fc.option(fc.string({ maxLength: 20 }), { nil: undefined }),
  expected: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<Expectation>('any', 'seen') },
    fc.constant('other' as const),
  ),
});

export function arbitraryRecordCommands(maxLength: number): fc.Arbitrary<RecordCommand[]> {
  const changes = fc.uniqueArray(change, { selector: (each) => each.field, maxLength: 4 });
  return fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('write' as const), owner, changes }) },
      fc.record({
        kind: fc.constant('page' as const),
        owner,
        prefix: fc.constantFrom('', 'a', 'a.', 'x'),
        limit: fc.integer({ min: 1, max: 4 }),
      }),
    ),
    { maxLength },
  );
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class RecordStoreModel {
  readonly #owners = new Map<string, Map<string, string>>();

  /** Carries out what is asked, one after the other, and compares every answer; at the end everything. */
  async compare(store: RecordStore, commands: readonly RecordCommand[]): Promise<void> {
    for (const command of commands) {
      if (command.kind === 'write') await this.#write(store, command.owner, command.changes);
      else await this.#page(store, command.owner, command.prefix, command.limit);
    }
    for (const each of this.#owners.keys()) await this.#page(store, each, '', 100);
  }

  async #write(store: RecordStore, each: string, changes: readonly ModelChange[]): Promise<void> {
    const records = this.#owners.get(each) ?? new Map<string, string>();
    this.#owners.set(each, records);
    const known = await store.get(
      each,
      changes.map((one) => one.field),
    );
    const asked = changes.map((one): RecordChange => {
      const seen = known.get(one.field)?.revision ?? 0;
      return {
        field: one.field,
        body: one.body === undefined ? undefined : encoder.encode(one.body),
        ...(one.expected !== 'any' && { revision: one.expected === 'seen' ? seen : seen + 1 }),
      };
    });
    const unmet = changes.find(({ expected }) => expected === 'other');
    if (unmet !== undefined) {
      await expect(store.write(each, asked)).rejects.toMatchObject({ details: { field: unmet.field } });
      return;
    }
    await store.write(each, asked);
    for (const one of changes) {
      if (one.body === undefined) records.delete(one.field);
      else records.set(one.field, one.body);
    }
  }

  async #page(store: RecordStore, each: string, prefix: string, limit: number): Promise<void> {
    const all = [...(this.#owners.get(each) ?? [])].filter(([name]) => name.startsWith(prefix));
    const sorted = all.sort(([a], [b]) => (a < b ? -1 : 1));
    const { records, more } = await store.page(each, { prefix, limit });
    expect(records.map((record) => [record.field, decoder.decode(record.body)])).toEqual(sorted.slice(0, limit));
    expect(more).toBe(sorted.length > limit);
  }
}
