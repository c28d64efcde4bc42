import { MAX_GROUP_ID_LENGTH } from '@im/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFacts, decodeRow, emptiedRow, type RowFacts, rowBound, writeRow } from './entry-row.js';
import { readBatch, writeBatch } from './journal-batch.js';
import { entryKey, idKey, numberKey, parseEntryKey, parseNumberKey } from './keys.js';
import type { RecentEntry } from './lmdb-log.js';
import { shareBody } from './shared-body.js';

const arbitraryGroup = fc.stringMatching(/^([a-z][a-z0-9]{0,15}\/)?[a-z]{1,8}:[A-Za-z0-9_-]{1,64}$/);
const arbitraryNumber = fc.maxSafeNat();
const arbitraryId = fc.string({ minLength: 1, maxLength: 64, unit: 'binary' });
const arbitraryEntry = fc.record(
  {
    id: arbitraryId,
    event: fc.stringMatching(/^[A-Za-z$][A-Za-z0-9_.:-]{0,63}$/),
    body: fc.uint8Array({ maxLength: 300 }),
    time: arbitraryNumber,
  },
  { requiredKeys: ['event', 'body', 'time'] },
);

function recentOf(
  version: number,
  source: RecentEntry['source'] & object,
  facts: Omit<RowFacts, 'bodyLength' | 'emptied'>,
  shared: boolean,
): RecentEntry {
  const sharedBody = shared ? shareBody(source.body, facts.storedAt) : undefined;
  const bodyLength = source.body.length;
  const place = { batch: undefined, start: 0, end: 0 };
  return { version, id: source.id, sharedBody, ...facts, bodyLength, emptied: false, source, ...place };
}

describe('keys', () => {
  it('order entries by group and version, and never mix groups', () => {
    const position = fc.tuple(fc.constantFrom('d:a', 'd:a0', 'd:a-', 'p1/d:a', 'd:A'), arbitraryNumber);
    fc.assert(
      fc.property(position, position, ([groupA, versionA], [groupB, versionB]) => {
        const order = Math.sign(entryKey(groupA, versionA).compare(entryKey(groupB, versionB)));
        const expected = groupA === groupB ? versionA - versionB : Buffer.from(groupA).compare(Buffer.from(groupB));
        expect(order).toBe(Math.sign(expected));
      }),
    );
  });

  it('give back what they were made of', () => {
    fc.assert(
      fc.property(arbitraryGroup, arbitraryNumber, (group, version) => {
        expect(parseEntryKey(entryKey(group, version))).toEqual({ group, version });
        expect(parseNumberKey(numberKey(version))).toBe(version);
      }),
    );
  });

  it('of ids differ when the ids or the groups do, and fit into LMDB', () => {
    fc.assert(
      fc.property(arbitraryGroup, arbitraryId, arbitraryGroup, arbitraryId, (groupA, idA, groupB, idB) => {
        expect(idKey(groupA, idA).equals(idKey(groupB, idB))).toBe(groupA === groupB && idA === idB);
      }),
    );
    expect(idKey('x'.repeat(MAX_GROUP_ID_LENGTH), '日'.repeat(64)).byteLength).toBeLessThan(511);
  });
});

describe('rows', () => {
  it('give back the entry and what retention needs to know', () => {
    fc.assert(
      fc.property(
        arbitraryEntry,
        arbitraryNumber,
        arbitraryNumber,
        fc.boolean(),
        (entry, storedAt, bytesBefore, shared) => {
          const facts = { storedAt, bytesBefore, bodyLength: entry.body.length, emptied: false };
          const key = shared ? shareBody(entry.body, storedAt).key : undefined;
          const target = Buffer.alloc(rowBound(entry, shared) + 7);
          const end = writeRow(target, 7, entry, facts, key);
          expect(end).toBeLessThanOrEqual(target.length);
          const { body, sharedBodyKey, ...rest } = decodeRow(target.subarray(7, end));
          const { id, event, time } = entry;
          expect(rest).toEqual({ ...facts, id, event, time });
          expect(body && Buffer.from(body)).toEqual(shared ? undefined : Buffer.from(entry.body));
          expect(sharedBodyKey && Buffer.from(sharedBodyKey)).toEqual(key);
        },
      ),
    );
  });

  it('that were emptied keep only what their log needs to go on', () => {
    const facts = { storedAt: 5, bytesBefore: 2 ** 40, bodyLength: 65_536, emptied: false };
    expect(decodeFacts(emptiedRow(facts))).toEqual({ ...facts, emptied: true });
    expect(decodeRow(emptiedRow(facts))).toMatchObject({ id: undefined, body: undefined, sharedBodyKey: undefined });
  });
});

describe('journal batches', () => {
  it('give back every entry in its order, and tell each where its row lies', () => {
    const part = fc.tuple(arbitraryGroup, arbitraryNumber, arbitraryEntry, fc.boolean());
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const entries = parts.map(([group, version, source, shared]) => ({
          log: { group },
          entry: recentOf(version, source, { storedAt: 3, bytesBefore: 4 }, shared),
        }));
        const batch = writeBatch(9, entries);
        expect(batch.remaining).toBe(parts.length);
        const read = [...readBatch(batch.bytes)];
        expect(read.map(({ group, version }) => [group, version])).toEqual(
          parts.map(([group, version]) => [group, version]),
        );
        for (const [index, { entry }] of entries.entries()) {
          expect([entry.start, entry.end, entry.batch]).toEqual([read[index]?.start, read[index]?.end, batch]);
          expect(entry.source).toBeUndefined();
          expect(decodeRow(batch.bytes.subarray(entry.start, entry.end)).event).toBe(parts[index]?.[2].event);
        }
      }),
    );
  });
});
