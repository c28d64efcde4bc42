import { type Delivery, ImError, MAX_BODY_BYTES, type Position, type Publication } from '@im/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRun, encodeVersioned, type PubSubMessageHandler, readPubSubMessage } from './delivery-codec.js';
import { anyTerms } from './packs.fixture.js';

const wholeNumber = fc.maxSafeNat();
const event = fc.constantFrom('chat', 'gift', 'room.info');
const body = fc.uint8Array({ maxLength: 300 });
const id = fc.option(fc.string({ unit: 'binary', minLength: 1, maxLength: 64 }), { nil: undefined });
const terms = fc.option(anyTerms, { nil: undefined });

function publications(lane: Publication['lane']) {
  return fc
    .record({ event, body, id, time: wholeNumber, terms: lane === 'normal' ? terms : fc.constant(undefined) })
    .map(
      ({ id: named, terms: said, ...rest }): Publication => ({
        lane,
        ...rest,
        ...(named !== undefined && { id: named }),
        ...(said !== undefined && { terms: said }),
      }),
    );
}

interface Read {
  readonly runs: { sender: number; first: number; lost: number; count: number }[];
  readonly deliveries: Delivery[];
  readonly heads: Position[];
}

function read(bytes: Buffer): Read {
  const found: Read = { runs: [], deliveries: [], heads: [] };
  const handler: PubSubMessageHandler = {
    onRun: (run) => void found.runs.push(run),
    onDelivery: (delivery) => void found.deliveries.push(delivery),
    onHead: (position) => void found.heads.push(position),
  };
  readPubSubMessage(bytes, 'r:1', handler);
  return found;
}

/** Views and buffers of the same bytes are the same to users, not to `toEqual`. */
function plain({ body: bytes, ...rest }: Publication | Delivery): object {
  return { ...rest, body: [...bytes] };
}

describe('bus messages', () => {
  it('of the normal lane come out as they went in', () => {
    fc.assert(
      fc.property(
        wholeNumber,
        wholeNumber,
        wholeNumber,
        fc.array(publications('normal'), { maxLength: 20 }),
        (sender, first, lost, messages) => {
          const found = read(encodeRun({ sender, first, lost, messages }));
          expect(found.runs).toEqual([{ sender, first, lost, count: messages.length }]);
          expect(found.deliveries.map(plain)).toEqual(messages.map((each) => ({ ...plain(each), group: 'r:1' })));
        },
      ),
    );
  });

  it('of the priority lane come out with their positions, whatever runs these make, and the head after them', () => {
    const position = fc.record({ epoch: fc.constantFrom('', 'e1', 'e2-longer'), version: fc.nat({ max: 9 }) });
    fc.assert(
      fc.property(
        fc.array(fc.record({ publication: publications('priority'), position }), { maxLength: 20 }),
        fc.option(position, { nil: undefined }),
        (messages, head) => {
          const found = read(encodeVersioned(messages, head));
          expect(found.deliveries.map(plain)).toEqual(
            messages.map((each) => ({ ...plain(each.publication), group: 'r:1', ...each.position })),
          );
          expect(found.heads).toEqual(head === undefined ? [] : [head]);
        },
      ),
    );
  });

  it('share their memory with the bodies that are read from them', () => {
    const bytes = encodeRun({
      sender: 1,
      first: 0,
      lost: 0,
      messages: [{ lane: 'normal', event: 'chat', body: Buffer.from('hello'), time: 1 }],
    });
    expect(read(bytes).deliveries[0]?.body.buffer).toBe(bytes.buffer);
  });

  it('without an event are refused', () => {
    const bytes = encodeRun({
      sender: 1,
      first: 0,
      lost: 0,
      messages: [{ lane: 'normal', event: '', body: new Uint8Array(), time: 1 }],
    });
    expect(() => read(bytes)).toThrow(expect.objectContaining({ name: 'MALFORMED' }));
  });

  it('are read, or refused as MALFORMED, whatever the bytes are', () => {
    const made = fc
      .record({ messages: fc.array(publications('normal'), { maxLength: 3 }), sender: wholeNumber })
      .map((run) => encodeRun({ ...run, first: 7, lost: 1 }));
    const versioned = fc.array(publications('priority'), { maxLength: 3 }).map((all) =>
      encodeVersioned(
        all.map((publication, version) => ({ publication, position: { epoch: 'e', version } })),
        { epoch: 'e', version: 3 },
      ),
    );
    const broken = fc
      .record({
        bytes: fc.oneof(made, versioned),
        changes: fc.array(fc.record({ at: fc.nat(), to: fc.nat({ max: 255 }) }), { maxLength: 4 }),
        length: fc.nat({ max: 400 }),
      })
      .map(({ bytes, changes, length }) => {
        const copy = Buffer.from(bytes.subarray(0, length));
        for (const { at, to } of changes) if (copy.length > 0) copy[at % copy.length] = to;
        return copy;
      });
    const random = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    const formed = random.map((bytes) => Buffer.concat([Buffer.of(1), bytes]));
    fc.assert(
      fc.property(fc.oneof(broken, random, formed), (bytes) => {
        try {
          for (const { body: each } of read(bytes).deliveries) expect(each.length).toBeLessThanOrEqual(MAX_BODY_BYTES);
        } catch (error) {
          expect(error).toBeInstanceOf(ImError);
          expect(error).toMatchObject({ name: 'MALFORMED' });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
