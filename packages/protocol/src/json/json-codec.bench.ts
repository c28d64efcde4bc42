/**
 * The hot paths of the JSON codec: `vitest bench --project unit:@im/protocol`. A push is encoded once per delivery,
 * whatever the size of the audience; a call is decoded once per command.
 */
import { bench, describe } from 'vitest';
import { DEFAULT_LIMITS } from '../limits.js';
import type { Push } from '../messages.js';
import { jsonClientCodec } from './client-codec.js';
import { jsonServerCodec } from './server-codec.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const data = bytes(JSON.stringify({ from: 'bob', text: 'x'.repeat(120) }));
const chat: Push<Uint8Array> = { type: 'push', group: 'r:10000', event: 'chat', data, time: 1_790_000_000_000 };
const gift: Push<Uint8Array> = { ...chat, event: 'gift', lane: 'priority', version: 18, id: '01J9ZK3X' };
const encoded = Array.from({ length: 8 }, () => jsonServerCodec.encode(chat));

describe('encode', () => {
  bench('push, normal lane, 150 B body', () => void jsonServerCodec.encode(chat));
  bench('push, priority lane with id, 150 B body', () => void jsonServerCodec.encode(gift));
  bench('join 8 pushes', () => void jsonServerCodec.join(encoded));
});

const call = bytes(
  jsonClientCodec.encode({ type: 'call', id: 7, method: 'chat.send', data: { text: 'x'.repeat(120) } }),
);
const ping = bytes('{"type":"ping"}');
const { messagesPerFrame } = DEFAULT_LIMITS;

describe('decode', () => {
  bench('call, 150 B body', () => void jsonServerCodec.decode(call, messagesPerFrame));
  bench('ping', () => void jsonServerCodec.decode(ping, messagesPerFrame));
});
