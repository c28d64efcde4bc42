/** What tests of packs draw from. */
import { isLabel, type Lane, type Publication, type Terms } from '@im/protocol';
import * as fc from 'fast-check';

export const groupId = fc.stringMatching(/^([a-z][a-z0-9]{0,5}\/)?[a-z]{1,8}:[A-Za-z0-9_-]{1,20}$/);

const label = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter(isLabel);

export const anyTerms: fc.Arbitrary<Terms> = fc.record(
  {
    sender: label,
    reserved: fc.constant(true),
    conflate: fc.oneof(
      fc.record({ mode: fc.constant('latest' as const), key: label }),
      fc.record({ mode: fc.constant('sum' as const), key: label, amount: fc.maxSafeInteger() }),
    ),
  },
  { requiredKeys: [] },
);

export function anyPublication(lane: Lane): fc.Arbitrary<Publication> {
  return fc.record(
    {
      lane: fc.constant(lane),
      event: fc.stringMatching(/^[A-Za-z$][A-Za-z0-9_.:-]{0,20}$/),
      body: fc.uint8Array({ maxLength: 200 }),
      id: label,
      time: fc.maxSafeNat(),
      ...(lane === 'normal' && { terms: anyTerms }),
    },
    { requiredKeys: ['lane', 'event', 'body', 'time'] },
  );
}

/** Packs of which some bytes are others, or are gone. */
export function mutated(packs: fc.Arbitrary<Buffer>): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(packs, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }), fc.nat(40))
    .map(([pack, changes, cut]) => {
      const bytes = new Uint8Array(pack.subarray(0, cut % 2 === 0 ? pack.length : pack.length - cut));
      for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
      return bytes;
    });
}
