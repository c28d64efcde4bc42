/** The hot paths of the MessagePack codec, beside those of json-codec.bench.ts: `vitest bench --project unit:@im/protocol`. */
import { bench, describe } from 'vitest';
import { jsonClientCodec } from '../json/client-codec.js';
import { jsonServerCodec } from '../json/server-codec.js';
import { DEFAULT_LIMITS } from '../limits.js';
import type { Call, Push } from '../messages.js';
import { msgpackClientCodec } from './client-codec.js';
import { msgpackServerCodec } from './server-codec.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const data = bytes(JSON.stringify({ from: 'bob', text: 'x'.repeat(120) }));
const chat: Push<Uint8Array> = { type: 'push', group: 'r:10000', event: 'chat', data, time: 1_790_000_000_000 };
const call: Call<unknown> = { type: 'call', id: 7, method: 'chat.send', data: { text: 'x'.repeat(120) } };
const { messagesPerFrame } = DEFAULT_LIMITS;

const codecs = { json: jsonServerCodec, msgpack: msgpackServerCodec };
const calls = { json: bytes(jsonClientCodec.encode(call)), msgpack: msgpackClientCodec.encode(call) };

for (const name of ['json', 'msgpack'] as const) {
  const codec = codecs[name];
  const encoded = Array.from({ length: 8 }, () => codec.encode(chat));
  describe(`${name}: ${encoded[0]?.length} bytes a push of ${data.length}`, () => {
    bench('encode a push', () => void codec.encode(chat));
    bench('join 8 pushes', () => void codec.join(encoded));
    bench('decode a call', () => void codec.decode(calls[name], messagesPerFrame));
  });
}

describe('a client reads 8 pushes', () => {
  const frames = Object.values(codecs).map((codec) => codec.join(Array.from({ length: 8 }, () => codec.encode(chat))));
  const [json, msgpack] = frames as [Uint8Array, Uint8Array];
  const text = new TextDecoder().decode(json);
  bench('json', () => void jsonClientCodec.decode(text));
  bench('msgpack', () => void msgpackClientCodec.decode(msgpack));
});
