import type { Publication, Terms } from '@im/protocol';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areMessages, endOfMessage, MessageReader, messageBytes, writeMessage } from './message.js';
import { PackBuffer } from './pack-buffer.js';
import { anyPublication, anyTerms } from './packs.fixture.js';

const plain: Publication = { lane: 'normal', event: 'like', body: Buffer.from('1'), time: 1 };
const sum: Terms = { conflate: { mode: 'sum', key: 'k', amount: 2 } };

function write(...publications: readonly Publication[]): Buffer {
  const pack = new PackBuffer();
  for (const publication of publications) writeMessage(pack, publication);
  return pack.take(0);
}

/** The parts of a message of these terms, to be put together otherwise. */
function parts(terms: Terms): { head: Buffer; terms: Buffer; rest: Buffer } {
  const bytes = write({ ...plain, terms });
  const rest = bytes.length - 'like1'.length;
  return { head: bytes.subarray(0, 14), terms: bytes.subarray(14, rest), rest: bytes.subarray(rest) };
}

describe('messages', () => {
  it('take no more bytes than before when they have no terms', () => {
    const bytes = write({ ...plain, id: 'm1' });
    expect(bytes.toString('hex')).toBe(`01000000${'000000000000f03f'}0402${Buffer.from('likem11').toString('hex')}`);
  });

  it('take no more bytes than is said beforehand', () => {
    fc.assert(
      fc.property(anyPublication('normal'), (publication) => {
        expect(write(publication).length).toBeLessThanOrEqual(messageBytes(publication));
      }),
    );
  });

  it('are whole only when all of their bytes are there', () => {
    fc.assert(
      fc.property(anyPublication('normal'), (publication) => {
        const bytes = write(publication);
        expect(endOfMessage(bytes, 0, bytes.length)).toBe(bytes.length);
        for (let end = 0; end < bytes.length; end++) expect(endOfMessage(bytes, 0, end)).toBe(-1);
      }),
      { numRuns: 30 },
    );
  });

  it('keep their terms apart from those of the messages around them', () => {
    fc.assert(
      fc.property(fc.array(fc.option(anyTerms, { nil: undefined }), { maxLength: 10 }), (all) => {
        const published = all.map((terms) => (terms === undefined ? plain : { ...plain, terms }));
        const bytes = write(...published);
        expect(areMessages(bytes, 0, bytes.length, all.length)).toBe(true);
        const reader = new MessageReader();
        let at = 0;
        const read = all.map(() => {
          at = reader.read(bytes, at);
          return reader.publication('normal');
        });
        expect(read.map(({ terms }) => terms)).toEqual(all);
      }),
    );
  });

  it('are read as they lie there, again and again, in one pack and in another with others at the same place', () => {
    const texts = ['one', 'two'];
    const packs = texts.map((text) =>
      write({ ...plain, event: 'a', body: Buffer.from(text) }, { ...plain, event: 'b' }),
    );
    const reader = new MessageReader();
    for (const index of [0, 0, 1, 0, 1, 1]) {
      const bytes = packs[index] as Buffer;
      const next = reader.read(bytes, 0);
      expect(reader.read(bytes, 0)).toBe(next);
      expect(reader.delivery('r:1')).toMatchObject({
        event: 'a',
        body: new Uint8Array(Buffer.from(texts[index] as string)),
      });
      expect(reader.read(bytes, next)).toBe(bytes.length);
      expect(reader.delivery('r:1').event).toBe('b');
    }
  });

  it('of the same terms one after the other share them', () => {
    const bytes = write({ ...plain, terms: sum }, { ...plain, terms: sum });
    const reader = new MessageReader();
    const next = reader.read(bytes, 0);
    const { terms } = reader;
    reader.read(bytes, next);
    expect(terms).toEqual(sum);
    expect(reader.terms).toBe(terms);
  });

  it('may have terms of which a later release says more', () => {
    const { head, terms, rest } = parts(sum);
    const longer = Buffer.concat([terms, Buffer.from('more')]);
    longer.writeUInt16LE(longer.length - 2, 0);
    const bytes = Buffer.concat([head, longer, rest]);
    expect(endOfMessage(bytes, 0, bytes.length)).toBe(bytes.length);
    const reader = new MessageReader();
    reader.read(bytes, 0);
    expect(reader.delivery('r:1')).toMatchObject({ event: 'like', group: 'r:1', terms: sum });
  });

  it.each<[string, (terms: Buffer) => void]>([
    ['an amount that is no integer', (terms) => terms.writeDoubleLE(0.5, 5)],
    ['an amount that is no number', (terms) => terms.writeDoubleLE(Number.NaN, 5)],
    ['a key longer than the terms', (terms) => terms.writeUInt8(200, 4)],
    ['no key', (terms) => terms.writeUInt8(0, 4)],
    ['a sender longer than the terms', (terms) => terms.writeUInt8(1, 3)],
    ['terms shorter than their head', (terms) => terms.writeUInt16LE(0, 0)],
    ['terms longer than the message', (terms) => terms.writeUInt16LE(60_000, 0)],
  ])('are none with %s', (_, spoil) => {
    const { head, terms, rest } = parts(sum);
    const bytes = Buffer.concat([head, terms, rest]);
    expect(endOfMessage(bytes, 0, bytes.length)).toBe(bytes.length);
    spoil(bytes.subarray(14, 14 + terms.length));
    expect(endOfMessage(bytes, 0, bytes.length)).toBe(-1);
  });
});
