/** Every golden vector, in both directions. */
import { describe, expect, it } from 'vitest';
import packed from '../../vectors/packed.json' with { type: 'json' };
import plain from '../../vectors/plain.json' with { type: 'json' };
import { DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS } from '../rpc-limits.js';
import { write } from '../testing/wire-peer.js';
import { type Message, type MessageKind, readMessage } from './message.js';
import { PackReader } from './pack-reader.js';
import { PackWriter } from './pack-writer.js';
import { decodePlain, encodePlain } from './plain-codec.js';
import { KIND, NO_ID } from './record.js';

interface PlainVector {
  readonly name: string;
  readonly frames: readonly string[];
  readonly message: Readonly<Record<string, unknown>> | null;
  readonly body: string | null;
  readonly malformed?: boolean;
  readonly id?: number;
  readonly sentAtMs?: number;
  readonly decodeOnly?: boolean;
}

interface PackedVector {
  readonly name: string;
  readonly frames: readonly string[];
  readonly sentAtMs?: number;
  readonly records: readonly Readonly<Record<string, unknown>>[];
  readonly malformed?: boolean;
  readonly decodeOnly?: boolean;
}

const plainVectors = plain as readonly PlainVector[];
const packedVectors = packed as readonly PackedVector[];

function fromHex(text: unknown): Buffer {
  return Buffer.from(text as string, 'hex');
}

/** What a receiver makes of the members: defaults filled in. */
function completed({ kind, id, ...members }: Readonly<Record<string, unknown>>): Omit<Message, 'body'> {
  const timeoutMs = Math.min((members.timeoutMs as number | undefined) ?? DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS);
  return {
    kind: kind as MessageKind,
    id: (id as number | undefined) ?? (kind === 'error' ? NO_ID : 0),
    members: kind === 'call' ? { ...members, timeoutMs } : members,
  };
}

function toMessage({ body, ...rest }: Readonly<Record<string, unknown>>): Message {
  const { kind, id, ...members } = rest;
  return { kind: kind as MessageKind, id: id as number, members, body: fromHex(body) };
}

describe('vectors of the plain form', () => {
  it('show every kind', () => {
    expect(new Set(plainVectors.map(({ message }) => message?.kind ?? 'call'))).toEqual(new Set(Object.keys(KIND)));
  });

  it.each(plainVectors)('[RP-10] [RP-11] decode: $name', ({ frames, message, body, malformed, id, sentAtMs }) => {
    const sent = frames[0] === '' && frames.length > 1 ? frames.slice(1) : frames;
    const decoded = decodePlain(sent.map((frame) => Buffer.from(frame)));
    if (malformed) expect(decoded).toEqual({ kind: 'malformed', id, reason: expect.any(String) });
    else if (message === null) expect(decoded).toEqual({ kind: 'unknown' });
    else expect(decoded).toEqual({ ...completed(message), body: Buffer.from(body ?? ''), sentAtMs });
  });

  it.each(plainVectors.filter(({ message, decodeOnly }) => message !== null && !decodeOnly))(
    '[RP-11] encode: $name',
    ({ message, body }) => {
      const complete = completed(message as Readonly<Record<string, unknown>>);
      const [json, ...bodies] = encodePlain({ ...complete, body: Buffer.from(body ?? '') });
      const { kind, id, members } = complete;
      expect(JSON.parse(String(json))).toEqual({
        kind,
        ...(kind === 'error' && id === NO_ID ? {} : { id }),
        ...members,
      });
      expect(bodies.map(String)).toEqual(body === null || body === '' ? [] : [body]);
    },
  );
});

describe('vectors of the packed form', () => {
  it('show every kind', () => {
    const kinds = packedVectors.flatMap(({ records }) => records.map(({ kind }) => kind));
    expect(new Set(kinds)).toEqual(new Set(Object.keys(KIND)));
  });

  it.each(packedVectors)('[RP-15] [RP-16] [RP-17] [RP-19] decode: $name', (vector) => {
    const reader = new PackReader();
    const isPack = reader.open(vector.frames.map(fromHex));
    expect(isPack).toBe(vector.sentAtMs !== undefined);
    if (isPack) expect(reader.sentAtMs).toBe(vector.sentAtMs);
    const messages: Message[] = [];
    while (reader.next()) {
      const message = readMessage(reader);
      if (message !== undefined) messages.push({ ...message, body: Buffer.from(message.body) });
    }
    expect(reader.malformed).toBe(vector.malformed === true);
    expect(messages).toEqual(vector.records.map(toMessage));
  });

  it.each(packedVectors.filter(({ malformed, decodeOnly }) => !malformed && !decodeOnly))(
    '[RP-15] [RP-16] [RP-17] encode: $name',
    ({ frames, sentAtMs, records }) => {
      const writer = new PackWriter();
      for (const record of records) write(writer, toMessage(record));
      expect(writer.take(sentAtMs ?? 0).map((frame) => frame.toString('hex'))).toEqual(frames);
    },
  );
});
