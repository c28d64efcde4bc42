/** One room, seen through every codec: JSON and MessagePack, plain and compressed, over real sockets. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Client, type ClientOptions, createClient } from '@im/client-sdk';
import { msgpack } from '@im/client-sdk/msgpack';
import { effects, GatewayFixture } from '@im/gateway/testing';
import { jsonServerCodec, type ServerCodec } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { msgpackServerCodec } from '@im/protocol/msgpack';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';

const WAIT = { timeout: 10_000, interval: 10 };
const ROOM = 'r:1';

/** `ws` offers compression unless told otherwise. */
class PlainWebSocket extends WebSocket {
  constructor(address: string, subprotocol: string) {
    super(address, subprotocol, { perMessageDeflate: false });
  }
}

const KINDS: Readonly<Record<string, Pick<ClientOptions, 'WebSocket' | 'codec'>>> = {
  json: { WebSocket: PlainWebSocket },
  'json compressed': { WebSocket },
  msgpack: { WebSocket: PlainWebSocket, codec: msgpack },
  'msgpack compressed': { WebSocket, codec: msgpack },
};

interface Seen {
  readonly chats: unknown[];
  readonly gifts: unknown[];
}

describe('one room through every codec', () => {
  let fixture: GatewayFixture;
  let server: Server;
  let url: string;
  const clients: Client[] = [];

  beforeEach(async () => {
    fixture = await new GatewayFixture({ clock: systemClock }).serve();
    server = createServer();
    fixture.gateway.attach(server, { origins: 'any' });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/im`;
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    for (const client of clients.splice(0)) client.close();
    await fixture.close();
    await new Promise((resolve) => server.close(resolve));
  });

  async function watch(kind: string, user = kind.replace(' ', '-')): Promise<{ client: Client; seen: Seen }> {
    const client = createClient({ url, token: `user:${user}`, ...KINDS[kind] });
    clients.push(client);
    const seen: Seen = { chats: [], gifts: [] };
    const room = client.group<{ chat: unknown; gift: unknown }>(ROOM);
    room.on('chat', (data, { lane, time }) => seen.chats.push({ data, lane, time: typeof time }));
    room.on('gift', (data, { lane, version }) => seen.gifts.push({ data, lane, version }));
    client.connect();
    const { method, data } = effects({ type: 'join', group: ROOM });
    await client.call(method, data);
    return { client, seen };
  }

  /** How many chunks a codec makes. */
  const chunksOf = (codec: ServerCodec) => vi.spyOn(codec, 'join');

  it('[PR-1] [PR-128] all get the same, and each chunk is made once for each way of sending, whatever the audience', async () => {
    const all: { client: Client; seen: Seen }[] = [];
    for (const kind of Object.keys(KINDS)) all.push(await watch(kind), await watch(kind, `${kind.length}-too`));
    const [json, maps] = [chunksOf(jsonServerCodec), chunksOf(msgpackServerCodec)];
    const data = { text: '你好, everybody 🎉 '.repeat(40), list: [1, 2.5, null, true, { deep: [] }] };
    for (let i = 1; i <= 5; i++) {
      await fixture.chat(ROOM, { i, ...data });
      await fixture.gift(ROOM, { i, ...data });
      await vi.waitFor(() => {
        for (const { seen } of all) expect([seen.chats.length, seen.gifts.length]).toEqual([i, i]);
      }, WAIT);
    }
    const expected = {
      chats: [1, 2, 3, 4, 5].map((i) => ({ data: { i, ...data }, lane: undefined, time: 'number' })),
      gifts: [1, 2, 3, 4, 5].map((i) => ({ data: { i, ...data }, lane: 'priority', version: i })),
    };
    for (const { seen } of all) expect(seen).toEqual(expected);
    // Eight viewers: a chunk a message and way, plain and compressed.
    expect([json.mock.calls.length, maps.mock.calls.length]).toEqual([20, 20]);
  });

  it('[PR-51] [PR-131] calls are answered with what the worker got, through every codec', async () => {
    for (const kind of Object.keys(KINDS)) {
      const { client } = await watch(kind);
      const data = { kind, text: '"\\ü🚀'.repeat(500), numbers: [-0.5, 2 ** 40], none: null };
      expect(await client.call('test.echo', data)).toEqual(data);
      expect(await client.call('test.echo', null)).toBe(null);
      await expect(client.call('test.nothing')).rejects.toMatchObject({ name: 'METHOD_UNKNOWN', retryable: false });
    }
  });

  it('[PR-128] a text frame where maps are spoken is malformed', async () => {
    const socket = new WebSocket(url, 'im.msgpack.v1');
    await new Promise((resolve) => socket.once('open', resolve));
    expect(socket.protocol).toBe('im.msgpack.v1');
    const closed = new Promise((resolve) => socket.once('close', (code, reason) => resolve([code, String(reason)])));
    socket.send('{"type":"ping"}');
    expect(await closed).toEqual([4500, 'MALFORMED: a text frame']);
  });
});
