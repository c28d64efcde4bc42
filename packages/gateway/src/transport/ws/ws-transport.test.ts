import { createServer, type Server, type ServerOptions } from 'node:http';
import { type AddressInfo, BlockList, type Socket } from 'node:net';
import { FakeClock, RecordingMetrics } from '@im/protocol/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { effects, type FixtureOptions, type GatewayFixture, type WebSocketClient } from '../../testing/index.js';
import { handshake, helloOf as hello, ServedGateway } from '../../testing/served-gateway.js';
import type { AttachOptions } from './ws-transport.js';

const ORIGIN = 'https://example.org';

describe('WebSocketTransport', () => {
  let served: ServedGateway;
  let fixture: GatewayFixture;
  let server: Server;

  async function start(
    attach: Partial<AttachOptions> = {},
    gateway: FixtureOptions = {},
    settings: ServerOptions = {},
  ): Promise<void> {
    served = await ServedGateway.start({
      server: createServer(settings, (_request, response) => response.end('the page')),
      attach: { origins: [ORIGIN], ...attach },
      gateway,
    });
    ({ fixture, server } = served);
  }
  afterEach(async () => {
    await served.close();
    expect(server.listenerCount('upgrade')).toBe(0);
    expect(server.listenerCount('connection'), 'the one of Node').toBe(1);
  });

  const client: ServedGateway['client'] = (...options) => served.client(...options);
  const signedIn: ServedGateway['signedIn'] = (...who) => served.signedIn(...who);
  const raw: ServedGateway['raw'] = () => served.raw();
  async function expectWell(bystander: WebSocketClient, id = 99): Promise<void> {
    bystander.say({ type: 'call', id, method: 'test.echo', data: 'well' });
    expect(await bystander.answerTo(id)).toEqual({ type: 'reply', id, data: 'well' });
  }

  it('speaks im.json.v1 with who offers it, or offers nothing [PR-1]', async () => {
    await start();
    const offering = await client({ subprotocols: ['im.msgpack.v9', 'im.json.v1'] }).opened();
    expect(offering.webSocket.protocol).toBe('im.json.v1');
    const silent = await signedIn();
    expect(silent.webSocket.protocol).toBe('');
    await expectWell(silent);
  });

  it('refuses who offers only what it does not speak with 400 [PR-2]', async () => {
    await start();
    await expect(client({ subprotocols: ['im.json.v2', 'chat'] }).opened()).rejects.toThrow('HTTP 400');
  });

  it('shakes hands with so many in a turn, of all connections of the server; the others wait', async () => {
    const turns: (() => void)[] = [];
    const metrics = new RecordingMetrics();
    await start({}, { metrics, afterTurn: (run) => turns.push(run) });
    const waiting = (): number => metrics.value('im_gateway_handshakes_waiting') ?? Number.NaN;
    for (let i = 0; i < 33; i += 1) raw();
    await vi.waitFor(() => expect(waiting()).toBe(1));
    const late = client();
    await vi.waitFor(() => expect(waiting()).toBe(2));
    // The first turn is still one of connections.
    for (let turn = 0; turn < 2; turn += 1) for (const run of turns.splice(0)) run();
    expect(waiting()).toBe(0);
    await late.opened();
  });

  it('carries chunks of every size, and control frames between them, none cut into another', async () => {
    // All of it is written before the client can confirm any.
    await start({}, { softBacklogBytes: 8_000_000, hardBacklogBytes: 16_000_000 });
    const ann = await signedIn();
    ann.say({ type: 'call', id: 2, ...effects({ type: 'join', group: 'r:1' }) });
    await ann.answerTo(2);
    const sizes = [1, 100, 125, 126, 60_000, 65_000, 20];
    let pongs = 0;
    ann.webSocket.on('pong', () => pongs++);
    const sent: string[] = [];
    for (let round = 0; round < 20; round++) {
      const text = String(round).padEnd(sizes[round % sizes.length] ?? 1, '.');
      sent.push(text);
      ann.webSocket.ping('between');
      ann.say({ type: 'call', id: 10 + round, method: 'test.echo', data: text });
      await Promise.all([fixture.gift('r:1', text), fixture.chat('r:1', text)]);
    }
    await expect.poll(() => [pongs, ann.all('push').length, ann.all('reply').length]).toEqual([20, 40, 21]);
    expect(ann.all('push').flatMap((push) => (push.lane ? [push.data] : []))).toEqual(sent);
    expect(
      ann
        .all('reply')
        .slice(1)
        .map(({ data }) => data),
    ).toEqual(sent);
    expect(ann.closedWith).toBeUndefined();
  });

  it('lets pages of named origins connect, and programs, and answers other pages with 403', async () => {
    await start();
    await client({ origin: ORIGIN }).opened();
    await client({ origin: 'HTTPS://EXAMPLE.ORG' }).opened();
    await client().opened();
    for (const origin of ['https://evil.example', 'http://example.org', 'null', `${ORIGIN}.evil.example`]) {
      await expect(client({ origin }).opened(), origin).rejects.toThrow('HTTP 403');
    }
  });

  it('lets every page connect when told so', async () => {
    await start({ origins: 'any' });
    await client({ origin: 'https://anywhere.example' }).opened();
  });

  it('takes its own path only, with any query, and answers pages as before', async () => {
    await start({ path: '/live/socket' });
    await client({}, '/live/socket').opened();
    await client({}, '/live/socket?room=7').opened();
    await expect(client({}, '/im').opened()).rejects.toThrow('HTTP 404');
    await expect(client({}, '/live/socket/').opened()).rejects.toThrow('HTTP 404');
    expect(await (await fetch(`http://127.0.0.1:${served.port}/`)).text()).toBe('the page');
  });

  it('leaves other upgrades to whoever else listens', async () => {
    await start();
    const onUpgrade = (request: { url?: string }, socket: Socket): void => {
      if (request.url === '/other') socket.end('HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n');
    };
    server.on('upgrade', onUpgrade);
    await expect(client({}, '/other').opened()).rejects.toThrow('HTTP 418');
    await client().opened();
    server.off('upgrade', onUpgrade);
  });

  it('answers 404 to an upgrade that no other listener has answered in time, also after a page on the same connection', async () => {
    const clock = new FakeClock();
    await start({}, { clock });
    const seen: Socket[] = [];
    const onUpgrade = (request: { url?: string }, socket: Socket): void => {
      seen.push(socket);
      if (request.url === '/slow') clock.after(9_000, () => socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
    };
    server.on('upgrade', onUpgrade);
    const [unanswered, slow, gone] = [raw(), raw(), raw()];
    unanswered.socket.write(`GET / HTTP/1.1\r\nHost: x\r\n\r\n`);
    await new Promise((resolve) => unanswered.socket.once('data', resolve));
    unanswered.socket.write(handshake().replace('/im', '/nobody'));
    slow.socket.write(handshake().replace('/im', '/slow'));
    gone.socket.write(handshake().replace('/im', '/gone'));
    await expect.poll(() => seen.length).toBe(3);
    // Its end is noticed by nobody else: the process must not fall over it.
    gone.socket.resetAndDestroy();
    await expect.poll(() => clock.pendingTimers).toBe(3);
    clock.advance(9_999);
    expect(unanswered.socket.destroyed).toBe(false);
    clock.advance(1);
    expect(await unanswered.ended).toMatch(/the page.*HTTP\/1.1 404 /s);
    expect(slow.socket.destroyed).toBe(false);
    // Whoever has answered has taken it, and closes it.
    for (const socket of seen) socket.destroy();
    expect(await slow.ended).toMatch(/^HTTP\/1.1 101 /);
    expect(clock.pendingTimers).toBe(0);
    server.off('upgrade', onUpgrade);
  });

  it('names every mistake of its options at once, and leaves the server alone', async () => {
    await start();
    const options = {
      path: 'im?x',
      origins: [ORIGIN, 'capacitor://localhost', 'example.org', `${ORIGIN}/`],
      trustedProxies: ['::1', '10/8', 'a'],
    };
    let thrown: unknown;
    try {
      fixture.gateway.attach(server, options);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      name: 'CONFIG_INVALID',
      details: {
        mistakes: [
          'path: "im?x" is no path without a query',
          'origins: "example.org" is no origin such as https://example.org',
          'origins: "https://example.org/" is no origin such as https://example.org',
          'trustedProxies: "10/8" is no address or CIDR range',
          'trustedProxies: "a" is no address or CIDR range',
        ],
      },
    });
    expect(server.listenerCount('upgrade')).toBe(1);
  });

  it('closes with 4501 what is too large, before it has read it [PR-13]', async () => {
    await start();
    const bystander = await signedIn('bystander');
    for (const length of [65_537, 5_000_000]) {
      const ann = await signedIn();
      ann.webSocket.send('x'.repeat(length));
      expect(await ann.untilClosed()).toMatchObject({
        code: 4501,
        reason: expect.stringMatching(/^FRAME_TOO_LARGE: /),
      });
    }
    const pieces = await signedIn();
    for (let i = 0; i < 80; i++) pieces.webSocket.send('x'.repeat(1_000), { fin: false });
    expect(await pieces.untilClosed()).toMatchObject({ code: 4501 });
    const largest = await signedIn();
    largest.say({ type: 'call', id: 2, method: 'test.echo', data: 'x'.repeat(65_400) });
    expect(await largest.answerTo(2)).toMatchObject({ type: 'reply' });
    await expectWell(bystander);
  });

  it('closes with 4500 what cannot be a message: binary, not UTF-8, not JSON [PR-10] [PR-11] [PR-15]', async () => {
    await start();
    const bystander = await signedIn('bystander');
    const frames: [Buffer, { binary: boolean }][] = [
      [Buffer.from(JSON.stringify({ type: 'ping' })), { binary: true }],
      [Buffer.from([0x7b, 0xff, 0x7d]), { binary: false }],
      [Buffer.from('{"type":'), { binary: false }],
    ];
    for (const [frame, options] of frames) {
      const ann = await signedIn();
      ann.webSocket.send(frame, options);
      expect(await ann.untilClosed()).toMatchObject({ code: 4500, reason: expect.stringMatching(/^MALFORMED: /) });
      expect(ann.messages.at(-1)).toMatchObject({ type: 'error', name: 'MALFORMED' });
    }
    await expectWell(bystander);
  });

  it('puts up with a client that breaks WebSocket itself', async () => {
    await start();
    const bystander = await signedIn('bystander');
    const broken: Record<string, Buffer> = {
      unmasked: Buffer.from([0x81, 0x02, 0x7b, 0x7d]),
      'a reserved bit': Buffer.from([0xf1, 0x80, 0, 0, 0, 0]),
      'an opcode that does not exist': Buffer.from([0x83, 0x80, 0, 0, 0, 0]),
      'a control frame without end': Buffer.from([0x89, 0xfe, 0xff, 0xff, 0, 0, 0, 0]),
      'a length beyond all numbers': Buffer.from([
        0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,
      ]),
    };
    for (const [what, bytes] of Object.entries(broken)) {
      const { socket, ended } = raw();
      socket.write(handshake());
      await new Promise((resolve) => socket.once('data', resolve));
      socket.end(bytes);
      expect(await ended, what).toMatch(/^HTTP\/1.1 101/);
    }
    await expect.poll(() => fixture.gateway.connections).toBe(1);
    await expectWell(bystander);
  });

  it('cuts off who does not answer a close frame in time, and reads what he still sends', async () => {
    const clock = new FakeClock();
    await start({}, { clock });
    const { socket, ended } = raw();
    socket.write(handshake());
    await new Promise((resolve) => socket.once('data', resolve));
    // `null` is no message.
    socket.write(Buffer.from([0x81, 0x84, 0, 0, 0, 0, 0x6e, 0x75, 0x6c, 0x6c]));
    await expect.poll(() => fixture.gateway.connections).toBe(0);
    socket.write(Buffer.alloc(100_000));
    let isEnded = false;
    void ended.then(() => {
      isEnded = true;
    });
    clock.advance(2_999);
    await new Promise(setImmediate);
    expect(isEnded).toBe(false);
    clock.advance(1);
    expect(await ended).toMatch(/MALFORMED/);
  });

  it('refuses handshakes that are none', async () => {
    await start();
    for (const [request, status] of [
      [handshake().replace('Version: 13', 'Version: 7'), 400],
      [handshake().replace(/Sec-WebSocket-Key: .*\r\n/, ''), 400],
      [handshake().replace('GET', 'POST'), 405],
      [handshake('Sec-WebSocket-Protocol: ,,\r\n'), 400],
    ] as const) {
      const { socket, ended } = raw();
      socket.end(request);
      expect(await ended, request).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    }
  });

  it('is not kept busy by a handshake that trickles: the server’s own timeout ends it', async () => {
    await start({}, {}, { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 });
    const bystander = await signedIn('bystander');
    const { socket, ended } = raw();
    socket.write('GET /im HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    const drip = setInterval(() => socket.write('x'), 10);
    expect(await ended).toMatch(/^HTTP\/1.1 408 /);
    clearInterval(drip);
    await expectWell(bystander);
  });

  it('closes with 4003 who completes the handshake and says nothing [PR-31]', async () => {
    await start({}, { helloTimeoutMs: 50 });
    const silent = await client().opened();
    expect(await silent.untilClosed()).toMatchObject({ code: 4003 });
    const dripping = await client().opened();
    dripping.webSocket.send('{"type":"hel', { fin: false });
    expect(await dripping.untilClosed()).toMatchObject({ code: 4003 });
  });

  it('closes with 4008 who sends ten thousand commands at once; others do not notice [PR-27] [PR-28]', async () => {
    await start();
    const bystander = await signedIn('bystander');
    const flooder = await signedIn('flooder');
    for (let i = 0; i < 10_000; i++) flooder.say({ type: 'call', id: i + 2, method: 'test.echo', data: i });
    // Much of what a rate grants at once, and what is published: were anything shared, none would be left.
    const ids = Array.from({ length: 60 }, (_, i) => 100 + i);
    for (const id of ids) bystander.say({ type: 'call', id, method: 'test.echo', data: id });
    await fixture.gift('r:0', 'to all');
    for (const id of ids) expect(await bystander.answerTo(id)).toEqual({ type: 'reply', id, data: id });
    expect(await bystander.until('push')).toMatchObject({ data: 'to all' });
    expect(await flooder.untilClosed()).toMatchObject({ code: 4008 });
    const carriedOut = fixture.calls.filter(({ caller }) => caller.user === 'flooder');
    expect(carriedOut.length).toBeLessThanOrEqual(110);
    await expectWell(bystander, 200);
  });

  it('closes with 4002 who does not read, and the others get everything [PR-86] [PR-87]', async () => {
    await start({}, { softBacklogBytes: 100_000, hardBacklogBytes: 500_000 });
    const reader = await signedIn('reader');
    const stalled = raw();
    stalled.socket.write(handshake());
    await new Promise((resolve) => stalled.socket.once('data', resolve));
    const masked = (message: object): Buffer => {
      const payload = Buffer.from(JSON.stringify(message));
      return Buffer.concat([
        Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 255, 0, 0, 0, 0]),
        payload,
      ]);
    };
    stalled.socket.write(masked({ ...hello('stalled'), client: 'x'.repeat(60) }));
    await expect.poll(() => fixture.gateway.connections).toBe(2);
    stalled.socket.pause();
    // The kernel hides megabytes: enough must be sent to fill it.
    let gifts = 0;
    while (fixture.gateway.connections === 2 && gifts < 1_000) {
      await fixture.gift('r:0', `${gifts++}`.padEnd(60_000, '.'));
      await new Promise(setImmediate);
    }
    expect(fixture.gateway.connections).toBe(1);
    await expect.poll(() => reader.all('push').length).toBe(gifts);
    expect(reader.all('push').map(({ version }) => version)).toEqual(Array.from({ length: gifts }, (_, i) => i + 1));
    await expectWell(reader);
  });

  it('believes X-Forwarded-For from trusted proxies only', async () => {
    await start({ trustedProxies: ['127.0.0.0/8'] });
    const ann = await signedIn('ann', { headers: { 'x-forwarded-for': '198.51.100.7' } });
    await expectWell(ann);
    expect(fixture.calls[0]?.caller.address).toBe('198.51.100.7');
    const distrustful = fixture.another();
    const other = createServer();
    distrustful.attach(other, { origins: 'any' });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    served.port = (other.address() as AddressInfo).port;
    const bob = await signedIn('bob', { headers: { 'x-forwarded-for': '198.51.100.7' } });
    await expectWell(bob);
    expect(fixture.calls[1]?.caller.address).toBe('127.0.0.1');
    await distrustful.stop({ graceMs: 0 });
    await new Promise((resolve) => other.close(resolve));
  });

  it('looks up no proxy for who sends no X-Forwarded-For', async () => {
    await start({ trustedProxies: ['127.0.0.0/8'] });
    const check = vi.spyOn(BlockList.prototype, 'check');
    try {
      await signedIn('ann');
      expect(check).not.toHaveBeenCalled();
      await signedIn('bob', { headers: { 'x-forwarded-for': '198.51.100.7' } });
      expect(check).toHaveBeenCalled();
    } finally {
      check.mockRestore();
    }
  });

  it('leaves nothing behind: closes its clients with 4000, lets go of the server, which goes on serving', async () => {
    await start();
    const ann = await signedIn();
    const half = await client().opened();
    await fixture.gateway.stop();
    expect(await ann.untilClosed()).toMatchObject({ code: 4000 });
    expect(ann.all('drain')).toHaveLength(1);
    expect(await half.untilClosed()).toMatchObject({ code: 4000 });
    expect(await (await fetch(`http://127.0.0.1:${served.port}/`)).text()).toBe('the page');
  });

  it('refuses upgrades with 503 while it stops', async () => {
    await start();
    const ann = await signedIn();
    ann.say({ type: 'call', id: 2, method: 'test.held', data: 'key' });
    await expect.poll(() => fixture.calls.length).toBe(1);
    const stopped = fixture.gateway.stop();
    await expect(client().opened()).rejects.toThrow('HTTP 503');
    await fixture.answer('key');
    expect(await ann.answerTo(2)).toMatchObject({ type: 'reply' });
    await stopped;
  });

  it('notices that a client is gone, however it goes', async () => {
    await start();
    const polite = await signedIn('polite');
    const rude = await signedIn('rude');
    expect(fixture.gateway.connections).toBe(2);
    polite.webSocket.close(1000, 'bye');
    rude.webSocket.terminate();
    await expect.poll(() => fixture.gateway.connections).toBe(0);
    expect(await polite.untilClosed()).toMatchObject({ code: 1000 });
  });
});
