/**
 * Golden vectors in MessagePack, mutated: whatever comes, both decoders give messages or MALFORMED, and what the gateway takes is
 * what a general reader reads. `FUZZ_RUNS=5000000 vitest run …` looks longer; `FUZZ_SEED` repeats a run that failed.
 */
import { decodeMulti } from '@msgpack/msgpack';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../limits.js';
import type { ClientMessage, ReceivedCommand, ServerMessage } from '../messages.js';
import type { Random } from '../ports.js';
import { seededRandom } from '../testing/seeded-random.js';
import { vectorsTo } from '../testing/vectors.js';
import { msgpackClientCodec } from './client-codec.js';
import { MEMBER_NAMES } from './member-numbers.js';
import { msgpackServerCodec } from './server-codec.js';

const RUNS = Number(process.env.FUZZ_RUNS ?? 20_000);
const SEED = Number(process.env.FUZZ_SEED ?? 1);

/** What breaks parsers: heads of every form, claims, nesting, text that is none. */
const SPICES = [
  ...Array.from({ length: 0x20 }, (_, i) => [0xc0 + i]),
  [0xdb, 0xff, 0xff, 0xff, 0xff],
  [0xdd, 0x00, 0x00, 0xff, 0xff],
  [0xdf, 0x80, 0x00, 0x00, 0x00],
  [0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0xcb, 0x7f, 0xf8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
  [0xa1, 0xff],
  [0xa9, 0x5f, 0x5f, 0x70, 0x72, 0x6f, 0x74, 0x6f, 0x5f, 0x5f],
  [0x05, 0xa1, 0x31],
  [0x01, 0xa4, 0x63, 0x61, 0x6c, 0x6c],
  [0x02, 0x01],
  [0xa1, 0x32, 0x09],
  [0x80],
  Array<number>(200).fill(0x91),
].map((bytes) => Buffer.from(bytes));

const corpus: readonly Buffer[] = [
  ...vectorsTo('to-gateway').flatMap(({ messages = [] }) =>
    messages.map((message) => msgpackClientCodec.encode(message as unknown as ClientMessage<unknown>)),
  ),
  ...vectorsTo('to-client').flatMap(({ messages = [] }) =>
    messages.map((message) => {
      const data = 'data' in message ? { data: Buffer.from(JSON.stringify(message.data)) } : {};
      return msgpackServerCodec.encode({ ...message, ...data } as unknown as ServerMessage<Uint8Array>);
    }),
  ),
].map((frame) => Buffer.from(frame));

function mutate(random: Random): Buffer {
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[]) => items[below(items.length)] as T;
  let bytes = Buffer.from(pick(corpus));
  for (let change = below(4); change > 0; change--) {
    const at = below(bytes.length + 1);
    const until = Math.min(bytes.length, at + below(12));
    const [head, middle, tail] = [bytes.subarray(0, at), bytes.subarray(at, until), bytes.subarray(until)];
    switch (below(6)) {
      case 0: // put something nasty in
        bytes = Buffer.concat([head, pick(SPICES), middle, tail]);
        break;
      case 1: // cut something out
        bytes = Buffer.concat([head, tail]);
        break;
      case 2: // say something twice
        bytes = Buffer.concat([head, middle, middle, tail]);
        break;
      case 3: // flip a bit
        if (until > at) bytes[at] = (bytes[at] as number) ^ (1 << below(8));
        break;
      case 4: // go on as another frame does
        bytes = Buffer.concat([head, pick(corpus).subarray(at)]);
        break;
      default: // the same map among others
        bytes = Buffer.concat([bytes, pick(corpus)]);
    }
  }
  return bytes;
}

/** The messages, or undefined when refused; anything else that is thrown fails the test. */
function attempt<Message>(decode: () => Message[]): Message[] | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof Error && error.name === 'MALFORMED') return undefined;
    throw error;
  }
}

const KNOWN = ['hello', 'call', 'sync', 'cancel', 'ping', 'pong'];

type Fields = Record<string, unknown>;

/** Before names that were numbers on the wire. */
const NUMBER = '\0';
const mapKeyConverter = (key: unknown) => (typeof key === 'number' ? `${NUMBER}${key}` : String(key));

/** Members by name; undefined where one is there by name and by number, whose order a general reader does not keep. */
function named(map: Fields): Fields | undefined {
  const fields: Fields = {};
  for (const [given, value] of Object.entries(map)) {
    const name = given.startsWith(NUMBER) ? (MEMBER_NAMES[given.slice(1) as never] ?? given) : given;
    if (Object.hasOwn(fields, name)) return undefined;
    fields[name] = value;
  }
  return fields;
}

/** Whether the commands are what the library reads, without those that PR-7 ignores. */
function agree(frame: Buffer, commands: ReceivedCommand<Uint8Array>[]): boolean {
  let maps: (Fields | undefined)[];
  try {
    maps = Array.from(decodeMulti(frame, { mapKeyConverter }), (map) => named(map as Fields));
  } catch (error) {
    // It refuses one name that is none of ours.
    return String(error).includes('__proto__') && frame.includes('__proto__');
  }
  if (maps.includes(undefined)) return true;
  const values = maps.filter(
    (fields): fields is Fields =>
      fields !== undefined &&
      (KNOWN.includes(String(fields.type)) || (Number.isSafeInteger(fields.id) && Number(fields.id) > 0)),
  );
  return (
    values.length === commands.length &&
    commands.every((command, index) => {
      const { type, id, data } = values[index] as Fields;
      if (('kind' in command ? command.kind : command.type) !== type) return false;
      if ('id' in command && command.id !== id) return false;
      if (command.type !== 'call') return true;
      if (command.data === undefined) return data === undefined;
      return Buffer.from(command.data).toString() === data && typeof JSON.stringify(JSON.parse(data)) === 'string';
    })
  );
}

describe(`${RUNS} mutated frames, seed ${SEED}`, () => {
  it('[PR-131] are what a general reader reads, or MALFORMED, to the gateway', { timeout: 0 }, () => {
    const random = seededRandom(SEED);
    let taken = 0;
    for (let run = 0; run < RUNS; run++) {
      const frame = mutate(random);
      const commands = attempt(() => msgpackServerCodec.decode(frame, DEFAULT_LIMITS.messagesPerFrame));
      if (!commands) continue;
      taken++;
      if (!agree(frame, commands)) expect.fail(`run ${run}: ${frame.toString('hex')}`);
    }
    // Both outcomes must have been common, or the mutations prove nothing.
    expect(taken).toBeGreaterThan(RUNS / 20);
    expect(taken).toBeLessThan((RUNS * 19) / 20);
  });

  it('are messages or MALFORMED to the client', { timeout: 0 }, () => {
    const random = seededRandom(SEED + 1);
    let taken = 0;
    for (let run = 0; run < RUNS; run++) {
      const frame = mutate(random);
      const messages = attempt(() => msgpackClientCodec.decode(frame));
      if (!messages) continue;
      taken++;
      if (!messages.every(({ type }) => typeof type === 'string')) expect.fail(`run ${run}: ${frame.toString('hex')}`);
    }
    expect(taken).toBeGreaterThan(RUNS / 20);
    expect(taken).toBeLessThan((RUNS * 19) / 20);
  });
});
