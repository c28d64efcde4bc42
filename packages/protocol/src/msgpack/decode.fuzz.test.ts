/** Golden vectors in MessagePack, mutated. */
import { decodeMulti } from '@msgpack/msgpack';
import type { ClientMessage, ServerMessage } from '../messages.js';
import { describeMutatedFrames, type Fields } from '../testing/describe-mutated-frames.js';
import { vectorsTo } from '../testing/vectors.js';
import { msgpackClientCodec } from './client-codec.js';
import { MEMBER_NAMES } from './member-numbers.js';
import { msgpackServerCodec } from './server-codec.js';

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

/** Before names that were numbers on the wire. */
const NUMBER = '\0';
const mapKeyConverter = (key: unknown) => (typeof key === 'number' ? `${NUMBER}${key}` : String(key));

/** Members by name; undefined where one is there by name and by number, whose order a general reader does not keep. */
function named(map: Fields): Fields | undefined {
  const fields: Record<string, unknown> = {};
  for (const [given, value] of Object.entries(map)) {
    const name = given.startsWith(NUMBER) ? (MEMBER_NAMES[given.slice(1) as never] ?? given) : given;
    if (Object.hasOwn(fields, name)) return undefined;
    fields[name] = value;
  }
  return fields;
}

/** What the library reads; undefined where it does not say. */
function read(frame: Buffer): readonly Fields[] | undefined {
  let maps: (Fields | undefined)[];
  try {
    maps = Array.from(decodeMulti(frame, { mapKeyConverter }), (map) => named(map as Fields));
  } catch (error) {
    // It refuses one name that is none of ours.
    if (String(error).includes('__proto__') && frame.includes('__proto__')) return undefined;
    throw error;
  }
  return maps.every((fields) => fields !== undefined) ? maps : undefined;
}

describeMutatedFrames({
  corpus,
  spices: SPICES,
  separator: '',
  leastChanges: 0,
  server: msgpackServerCodec,
  receive: (frame) => msgpackClientCodec.decode(frame),
  title: '[PR-131] are what a general reader reads, or MALFORMED, to the gateway',
  read,
  sameData: (text, data) => text === data && typeof JSON.stringify(JSON.parse(text)) === 'string',
});
