/** permessage-deflate over real sockets. */
import { deflateRawSync } from 'node:zlib';
import { RecordingMetrics } from '@im/protocol/testing';
import { afterEach, describe, expect, it } from 'vitest';
import type { GatewayFixture, WebSocketClient } from '../../testing/index.js';
import { handshake, helloOf, type RawSocket, ServedGateway } from '../../testing/served-gateway.js';
import type { AttachOptions } from './ws-transport.js';

const ROOM = 'r:1';
/** What bare sockets must say: a masked frame, its mask of zeros. */
const frame = (first: number, payload: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([first, 0x80 | 126, payload.length >> 8, payload.length & 255, 0, 0, 0, 0]), payload]);
const TEXT = 0x81;
const COMPRESSED_TEXT = 0xc1;

describe('permessage-deflate', () => {
  let served: ServedGateway;
  let fixture: GatewayFixture;
  let metrics: RecordingMetrics;

  async function start(attach: Partial<AttachOptions> = {}): Promise<void> {
    metrics = new RecordingMetrics();
    served = await ServedGateway.start({ attach, gateway: { metrics } });
    ({ fixture } = served);
  }
  afterEach(() => served.close());

  /** @param perMessageDeflate as the client offers it; false: not at all */
  const inRoom = (user: string, perMessageDeflate: boolean | object, resume = {}): Promise<WebSocketClient> =>
    served.member(ROOM, user, { perMessageDeflate }, resume);
  /** A socket after its handshake. */
  async function raw(): Promise<RawSocket> {
    const made = served.raw();
    made.socket.write(handshake('Sec-WebSocket-Extensions: permessage-deflate\r\n'));
    await expect.poll(() => made.received().includes('\r\n\r\n')).toBe(true);
    return made;
  }
  const text = (length: number): string => 'what a day it is today, '.repeat(length / 24);
  const chatsOf = (client: WebSocketClient): unknown[] => client.all('push').map(({ data }) => data);

  it('[PR-19] is agreed on without context takeover, in both directions, and with no smaller window', async () => {
    await start();
    const { received } = await raw();
    expect(String(received())).toContain(
      '\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n',
    );
    const small = await inRoom('small', { serverMaxWindowBits: 9 });
    expect(small.webSocket.extensions).toBe('');
    await fixture.chat(ROOM, text(24_000));
    await expect.poll(() => chatsOf(small)).toEqual([text(24_000)]);
  });

  it('[PR-19] gives those with it and those without the same, each chunk deflated once for all who have it', async () => {
    await start();
    const viewers = [await inRoom('a', true), await inRoom('b', true), await inRoom('c', true)];
    const plain = await inRoom('plain', false);
    expect(plain.webSocket.extensions).toBe('');
    const said = Array.from({ length: 20 }, (_, i) => `${i} ${text(2_400)}`);
    for (const each of said) await fixture.chat(ROOM, each);
    for (const viewer of [...viewers, plain]) await expect.poll(() => chatsOf(viewer)).toEqual(said);
    const before = metrics.value('im_gateway_deflate_input_bytes_total');
    const after = metrics.value('im_gateway_deflate_output_bytes_total');
    const bytes = said.reduce((sum, each) => sum + each.length, 0);
    expect(before).toBeGreaterThan(bytes);
    expect(before).toBeLessThan(bytes * 1.2);
    expect(after).toBeLessThan(before / 5);
  });

  it('[PR-19] compresses nothing that is for one connection, and nothing short', async () => {
    await start();
    const ann = await inRoom('ann', true);
    ann.say({ type: 'call', id: 3, method: 'test.echo', data: text(24_000) });
    expect(await ann.answerTo(3)).toEqual({ type: 'reply', id: 3, data: text(24_000) });
    await fixture.chat(ROOM, 'hi');
    await expect.poll(() => chatsOf(ann)).toEqual(['hi']);
    expect(metrics.value('im_gateway_deflate_input_bytes_total')).toBe(0);
  });

  it('[PR-19] compresses neither replays nor pages of a log nor what is for one user', async () => {
    await start();
    const deflated = (): number => metrics.value('im_gateway_deflate_input_bytes_total');
    const ann = await inRoom('ann', true);
    await fixture.gift('u:ann', text(2_400));
    await expect.poll(() => chatsOf(ann)).toEqual([text(2_400)]);
    expect(deflated()).toBe(0);
    const seen = await fixture.gift(ROOM, text(2_400));
    await expect.poll(() => chatsOf(ann)).toHaveLength(2);
    const shared = deflated();
    expect(shared).toBeGreaterThan(2_400);

    ann.say({ type: 'sync', id: 3, group: ROOM, epoch: seen.epoch, after: 0, limit: 10 });
    expect(await ann.answerTo(3)).toMatchObject({ type: 'synced', version: 1 });
    const ticket = ann.all('ticket').at(-1)?.ticket;
    const again = await inRoom('ann', true, { ticket, positions: { [ROOM]: { ...seen, version: 0 } } });
    expect(again.webSocket.extensions).toBe('permessage-deflate');
    await expect.poll(() => chatsOf(again)).toEqual([text(2_400)]);
    expect(deflated()).toBe(shared);
  });

  it('[PR-19] takes compressed and uncompressed messages of a client, in the order in which they came', async () => {
    await start();
    const { socket, received } = await raw();
    const hello = Buffer.from(JSON.stringify({ ...helloOf('ann'), client: 'x'.repeat(60) }));
    const call = (id: number): Buffer =>
      Buffer.from(JSON.stringify({ type: 'call', id, method: 'test.echo', data: `${id} ${text(480)}` }));
    const deflated = (message: Buffer): Buffer => deflateRawSync(message);
    const [first, second] = [deflated(call(5)).subarray(0, 20), deflated(call(5)).subarray(20)];
    socket.write(
      Buffer.concat([
        frame(COMPRESSED_TEXT, deflated(hello)),
        frame(COMPRESSED_TEXT, deflated(call(2))),
        frame(TEXT, call(3)),
        frame(COMPRESSED_TEXT, deflated(call(4))),
        frame(COMPRESSED_TEXT & 0x7f, first),
        frame(0x80, second),
      ]),
    );
    await expect.poll(() => fixture.calls.map(({ input }) => String(input).slice(0, 1))).toEqual(['2', '3', '4', '5']);
    await expect.poll(() => received().includes('"id":5')).toBe(true);
  });

  it('[PR-13] closes with 4501 what is too large once inflated, before it is', async () => {
    await start();
    const bystander = await inRoom('bystander', true);
    const bomb = deflateRawSync(Buffer.alloc(50_000_000, ' '));
    expect(bomb.length).toBeLessThan(65_536);
    const { socket, received, ended } = await raw();
    socket.write(frame(COMPRESSED_TEXT, bomb));
    await ended;
    expect(received().includes('FRAME_TOO_LARGE')).toBe(true);
    expect(received().includes(Buffer.from([0x88]))).toBe(true);
    expect(received().readUInt16BE(received().indexOf('FRAME_TOO_LARGE') - 2)).toBe(4501);
    bystander.say({ type: 'call', id: 3, method: 'test.echo', data: 'well' });
    expect(await bystander.answerTo(3)).toMatchObject({ data: 'well' });
  });

  it('[PR-11] closes with 4500 what cannot be inflated, and notices that the client is gone', async () => {
    await start();
    const { socket, received, ended } = await raw();
    socket.write(frame(COMPRESSED_TEXT, Buffer.from([0xff, 0xff, 0xff])));
    await ended;
    expect(received().readUInt16BE(received().lastIndexOf('MALFORMED: ') - 2)).toBe(4500);
    await expect.poll(() => fixture.gateway.connections).toBe(0);
  });

  it('[PR-28] a flood of compressed messages is ended as any other', async () => {
    await start();
    const { socket, received, ended } = await raw();
    const ping = deflateRawSync(Buffer.from('{"type":"ping"}'));
    const hello = { ...helloOf('ann'), client: 'x'.repeat(60) };
    socket.write(
      Buffer.concat([
        frame(TEXT, Buffer.from(JSON.stringify(hello))),
        ...Array(5_000).fill(frame(COMPRESSED_TEXT, ping)),
      ]),
    );
    await ended;
    expect(received().readUInt16BE(received().lastIndexOf('RATE_LIMITED') - 2)).toBe(4008);
  });

  it('is not agreed on when it is turned off', async () => {
    await start({ compression: false });
    const ann = await inRoom('ann', true);
    expect(ann.webSocket.extensions).toBe('');
    await fixture.chat(ROOM, text(2_400));
    await expect.poll(() => chatsOf(ann)).toEqual([text(2_400)]);
  });
});
