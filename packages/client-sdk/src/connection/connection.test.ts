import { CLOSE_CODES, ImError } from '@im/protocol';
import { FakeClock } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { type ClientOptions, createClient, type TokenRequest } from '../index.js';
import { FakeGateway } from '../testing/fake-gateway.js';
import { setUp } from '../testing/fixture.js';

describe('connecting', () => {
  it('[PR-1] [PR-30] offers im.json.v1 and says hello first', async () => {
    const { gateway, client, states, start } = setUp();
    await start();
    expect(gateway.link).toMatchObject({ address: 'wss://a', subprotocol: 'im.json.v1' });
    expect(gateway.link.received).toEqual([
      { type: 'hello', id: 1, token: 'ann', device: 'phone-1', platform: 'web', client: 'im-js/source' },
    ]);
    expect(states).toEqual([
      { status: 'connecting', attempt: 1, code: 0, reason: '' },
      { status: 'connected', session: 's1', user: 'ann', resumed: false, code: 0, reason: '' },
    ]);
    expect(client.state).toBe(states[1]);
  });

  it('makes a device name of its own where none is given', async () => {
    const gateway = new FakeGateway();
    const clients = [1, 2].map(() => createClient({ url: 'wss://a', token: 'ann', WebSocket: gateway.WebSocket }));
    for (const client of clients) client.connect();
    await gateway.settled();
    const devices = gateway.links.map(({ hello }) => hello?.device);
    for (const client of clients) client.close();
    for (const device of devices) expect(device).toMatch(/^[A-Za-z0-9_-]{8,64}$/);
    expect(new Set(devices).size).toBe(2);
  });

  it('takes an option that is undefined as one that is not given', async () => {
    const gateway = new FakeGateway();
    const clock = new FakeClock();
    const none = { device: undefined, platform: undefined, codec: undefined, connectTimeoutMs: undefined };
    const options = { url: 'wss://a', token: 'ann', WebSocket: gateway.WebSocket, ...none };
    const client = createClient(options as unknown as ClientOptions, { clock });
    gateway.onHello = () => {};
    client.connect();
    await gateway.settled();
    expect(gateway.link.subprotocol).toBe('im.json.v1');
    expect(gateway.link.hello).toMatchObject({ device: expect.stringMatching(/^[\w-]{8,64}$/), platform: 'node' });
    clock.advance(9_999);
    expect(client.state.status).toBe('connecting');
    clock.advance(1);
    expect(client.state).toMatchObject({ status: 'waiting', reason: 'TIMEOUT greeting' });
    client.close();
  });

  it('gives up a step that takes too long, and tries again later', async () => {
    const { gateway, client, states, start, pass } = setUp({ connectTimeoutMs: 5_000 });
    gateway.onConnecting = () => {};
    await start();
    await pass(5_000);
    expect(states.at(-1)).toMatchObject({ status: 'waiting', attempt: 1, code: 2, reason: 'TIMEOUT opening' });
    gateway.onConnecting = (link) => link.open();
    gateway.onHello = () => {};
    await pass(500);
    await pass(5_000);
    expect(states.at(-1)).toMatchObject({ status: 'waiting', attempt: 2, reason: 'TIMEOUT greeting' });
    gateway.onHello = (link) => link.welcome();
    await pass(500);
    expect(client.state.status).toBe('connected');
    expect(gateway.links).toHaveLength(3);
  });

  it('lives with an address that no WebSocket takes', async () => {
    const { gateway, states, start } = setUp({
      WebSocket: class {
        constructor() {
          throw new SyntaxError('invalid URL');
        }
      } as never,
    });
    await start();
    expect(states.at(-1)).toMatchObject({ status: 'waiting', code: 3, reason: 'SyntaxError: invalid URL' });
    expect(gateway.links).toEqual([]);
  });

  it('tries at once when the app asks for it while it waits', async () => {
    const { gateway, client, states, start } = setUp();
    gateway.onConnecting = (link) => link.cut();
    await start();
    expect(client.state.status).toBe('waiting');
    gateway.onConnecting = (link) => link.open();
    client.connect();
    await gateway.settled();
    expect(states.slice(-2)).toMatchObject([
      { status: 'connecting', attempt: 2, code: 1006 },
      { status: 'connected', code: 0 },
    ]);
  });

  it('counts attempts from one again when the app connects anew', async () => {
    const { gateway, client, states, start, pass } = setUp();
    gateway.onConnecting = (link) => link.cut();
    await start();
    await pass(2_000);
    expect(states.at(-1)).toMatchObject({ status: 'waiting', attempt: 5 });
    client.close();
    await start();
    expect(states.slice(-2)).toMatchObject([
      { status: 'connecting', attempt: 1 },
      { status: 'waiting', attempt: 1 },
    ]);
  });

  it('says nothing to the app twice: connect and close may be called at any time', async () => {
    const { gateway, client, states, start } = setUp();
    client.close();
    client.close();
    client.connect();
    await start();
    client.connect();
    await gateway.settled();
    expect(states.map(({ status }) => status)).toEqual(['closed', 'connecting', 'connected']);
    expect(gateway.links).toHaveLength(1);
  });

  it('closes at once when a listener wants it, whatever else stands in the frame', async () => {
    const { gateway, client, states, start } = setUp();
    client.on('state', ({ status }) => status === 'connected' && client.close());
    await start();
    expect(states.map(({ status }) => status)).toEqual(['connecting', 'connected', 'closed']);
    expect(gateway.link.closedWith).toBe(1005);
  });
});

describe('being refused', () => {
  it('[PR-35] [PR-120] is closed for good when the token is refused', async () => {
    const { gateway, client, states, start, pass } = setUp();
    gateway.verify = () => {
      throw new ImError('UNAUTHORIZED');
    };
    await start();
    await pass(60_000);
    expect(client.state).toEqual({ status: 'closed', code: 4502, reason: 'UNAUTHORIZED' });
    expect(states).toHaveLength(2);
    expect(gateway.links).toHaveLength(1);
  });

  it('connects again from closed when the app asks for it, with a new token', async () => {
    const reasons: string[] = [];
    const { gateway, client, start } = setUp({ token: ({ reason }) => `user-${reasons.push(reason)}` });
    gateway.verify = () => {
      throw new ImError('UNAUTHORIZED');
    };
    await start();
    gateway.verify = (token) => token;
    await start();
    expect(client.state).toMatchObject({ status: 'connected', user: 'user-2' });
    expect(reasons).toEqual(['connect', 'connect']);
  });

  it('forgets a refusal with its connection', async () => {
    const { gateway, states, start, pass } = setUp();
    gateway.onHello = (link) => {
      link.send({ type: 'error', id: 1, ...new ImError('VERIFIER_UNAVAILABLE').toBody() });
      link.cut();
    };
    await start();
    expect(states.at(-1)).toMatchObject({ status: 'waiting', code: 202 });
    gateway.onHello = (link) => link.cut();
    await pass(500);
    expect(states.at(-1)).toMatchObject({ status: 'waiting', attempt: 2, code: 1006 });
  });

  it('[PR-37] tries again later when the verifier is away', async () => {
    const { gateway, client, states, start, pass } = setUp();
    gateway.verify = () => {
      throw new ImError('VERIFIER_UNAVAILABLE');
    };
    await start();
    expect(states.at(-1)).toMatchObject({ status: 'waiting', code: 4005 });
    gateway.verify = (token) => token;
    await pass(500);
    expect(client.state.status).toBe('connected');
  });

  it('[PR-36] fetches a new token when the old one has expired, and reconnects at once', async () => {
    const requests: TokenRequest['reason'][] = [];
    const { gateway, client, states, start } = setUp({ token: ({ reason }) => `t${requests.push(reason)}` });
    gateway.verify = (token) => {
      if (token === 't1') throw new ImError('TOKEN_EXPIRED');
      return 'ann';
    };
    await start();
    expect(client.state.status).toBe('connected');
    expect(requests).toEqual(['connect', 'expired']);
    expect(states.map(({ status, code }) => [status, code])).toEqual([
      ['connecting', 0],
      ['connecting', 4007],
      ['connected', 0],
    ]);
  });

  it('[PR-40] does the same when the token expires while connected, and resumes', async () => {
    const { gateway, client, start } = setUp({ token: () => 'ann' });
    await start();
    gateway.link.close(4007, 'TOKEN_EXPIRED');
    await gateway.settled();
    expect(client.state).toMatchObject({ status: 'connected', resumed: true });
    expect(gateway.links).toHaveLength(2);
  });

  it('backs off when new tokens are expired as well', async () => {
    const { gateway, states, start } = setUp({ token: () => 'ann' });
    gateway.verify = () => {
      throw new ImError('TOKEN_EXPIRED');
    };
    await start();
    expect(states.map(({ status }) => status)).toEqual(['connecting', 'connecting', 'waiting']);
    expect(gateway.links).toHaveLength(2);
  });

  it('closes when a token that cannot be renewed has expired', async () => {
    const { gateway, client, start } = setUp({ token: 'ann' });
    gateway.verify = () => {
      throw new ImError('TOKEN_EXPIRED');
    };
    await start();
    expect(client.state).toEqual({ status: 'closed', code: 4007, reason: 'TOKEN_EXPIRED' });
  });

  it('closes when the app’s token function says so by a non-retryable error, and tries again after any other', async () => {
    const failures: Error[] = [new TypeError('fetch failed'), new ImError('UNAUTHORIZED', { message: 'signed out' })];
    const { states, start, pass } = setUp({
      token: () => {
        throw failures.shift() as Error;
      },
    });
    await start();
    expect(states.at(-1)).toMatchObject({ status: 'waiting', code: 3, reason: 'TypeError: fetch failed' });
    await pass(500);
    expect(states.at(-1)).toEqual({ status: 'closed', code: 200, reason: 'UNAUTHORIZED: signed out' });
  });

  it('uses the answer of a slow token function at the attempt after the one that gave up', async () => {
    let answer = (_token: string): void => {};
    let calls = 0;
    const { client, states, start, pass } = setUp({
      token: () => {
        calls++;
        return new Promise((resolve) => {
          answer = resolve;
        });
      },
    });
    await start();
    await pass(10_000);
    expect(states.at(-1)).toMatchObject({ status: 'waiting', reason: 'TIMEOUT resolving' });
    await pass(500);
    answer('ann');
    await pass(0);
    expect(client.state.status).toBe('connected');
    expect(calls).toBe(1);
  });
});

describe('coming back', () => {
  it('[PR-122] waits longer after each failure in a row, and not at all longer once a connection has lasted a heartbeat', async () => {
    const { gateway, clock, states, randoms, start, pass } = setUp({ reconnect: { minMs: 100, maxMs: 1_000 } });
    const delays = () =>
      states.flatMap((state) => (state.status === 'waiting' ? [Math.round(state.retryAtMs - clock.now())] : []));
    await start();
    const waited: number[] = [];
    const lose = async () => {
      randoms.push(0.5);
      gateway.link.cut();
      await gateway.settled();
      waited.push(delays().at(-1) as number);
      await pass(1_000);
    };
    await lose();
    await lose();
    await lose();
    await lose();
    await lose();
    expect(waited).toEqual([150, 200, 300, 500, 900]);
    await pass(25_000);
    await lose();
    expect(waited.at(-1)).toBe(150);
  });

  it('[PR-121] reconnects when the transport breaks, with the ticket, and says why', async () => {
    const { gateway, client, states, start, pass } = setUp();
    await start();
    const ticket = JSON.parse(gateway.link.sent[0] as string).ticket;
    gateway.link.cut();
    await pass(500);
    expect(states.slice(2)).toMatchObject([
      { status: 'waiting', attempt: 1, code: 1006 },
      { status: 'connecting', attempt: 2, code: 1006 },
      { status: 'connected', resumed: true, code: 0 },
    ]);
    expect(gateway.link.hello).toMatchObject({ ticket });
    expect(client.state).toMatchObject({ session: 's1' });
  });

  it.each([
    [CLOSE_CODES.GOING_AWAY.code, true],
    [CLOSE_CODES.TRY_AGAIN_LATER.code, true],
    [4499, true],
    [CLOSE_CODES.SESSION_TAKEN_OVER.code, false],
    [CLOSE_CODES.REMOVED.code, false],
    [4999, false],
    [1011, true],
  ])('[PR-120] [PR-121] after close code %i reconnects: %s', async (code, again) => {
    const { gateway, client, start, pass } = setUp();
    await start();
    gateway.link.close(code, 'WHY of it');
    await gateway.settled();
    expect(client.state).toMatchObject({ status: again ? 'waiting' : 'closed', code, reason: 'WHY of it' });
    await pass(1_000);
    expect(gateway.links).toHaveLength(again ? 2 : 1);
  });

  it('[PR-127] takes a connection for lost over which comes what makes no sense, and reports it', async () => {
    const { gateway, client, errors, start } = setUp();
    await start();
    gateway.link.sendText('{"type":"push"');
    await gateway.settled();
    expect(client.state).toMatchObject({ status: 'waiting', code: 100 });
    expect(errors.splice(0)).toMatchObject([{ name: 'MALFORMED' }]);
  });

  it('[PR-6] [PR-7] ignores kinds and members of later gateways', async () => {
    const { gateway, client, start } = setUp();
    await start();
    gateway.link.sendText('{"type":"weather","id":7}\n{"type":"pong","sun":1}');
    await gateway.settled();
    expect(client.state.status).toBe('connected');
  });

  it('never has two sockets at a time', async () => {
    const { gateway, signals, client, start, pass } = setUp();
    let most = 0;
    gateway.onConnecting = (link) => {
      most = Math.max(most, gateway.links.filter(({ state }) => state !== 'closed').length);
      link.open();
    };
    await start();
    gateway.link.die();
    signals.emit('online');
    await pass(10_000);
    gateway.link.drain(0, 'wss://b');
    await pass(1_000);
    client.connect();
    await pass(1_000);
    expect(gateway.links.length).toBeGreaterThan(2);
    expect(most).toBe(1);
  });

  it('tries the addresses of a list in turn', async () => {
    const { gateway, start, pass } = setUp({ url: ['wss://a', 'wss://b'] });
    gateway.onConnecting = (link) => (gateway.links.length < 3 ? link.cut() : link.open());
    await start();
    await pass(5_000);
    expect(gateway.links.map(({ address }) => address)).toEqual(['wss://a', 'wss://b', 'wss://a']);
  });
});

describe('heartbeats', () => {
  it('[PR-111] pings when it has sent nothing for a heartbeat, and not before', async () => {
    const { gateway, client, start, pass } = setUp();
    gateway.handle('a.b', () => null);
    await start();
    await pass(20_000);
    await client.call('a.b');
    await pass(24_900);
    expect(gateway.link.receivedOf('ping')).toHaveLength(0);
    await pass(200);
    expect(gateway.link.receivedOf('ping')).toHaveLength(1);
    await pass(25_000);
    expect(gateway.link.receivedOf('ping')).toHaveLength(2);
    expect(client.state.status).toBe('connected');
  });

  it('[PR-111] pings also when it hears a lot and only says nothing', async () => {
    const { gateway, start, pass } = setUp();
    await start();
    for (let second = 0; second < 25; second += 5) {
      gateway.publish('r:0', 'notice', second);
      await pass(5_000);
    }
    await pass(50);
    expect(gateway.link.receivedOf('ping')).toHaveLength(1);
  });

  it('[PR-112] answers a ping with a pong', async () => {
    const { gateway, start } = setUp();
    await start();
    gateway.link.send({ type: 'ping' });
    await gateway.settled();
    expect(gateway.link.received.at(-1)).toEqual({ type: 'pong' });
  });

  it('[PR-114] takes the connection for lost when nothing follows a ping for a quarter of a heartbeat', async () => {
    const { gateway, states, client, start, pass } = setUp();
    await start();
    gateway.link.die();
    await pass(25_000 + 6_200);
    expect(client.state.status).toBe('connected');
    await pass(100);
    expect(states.at(-1)).toMatchObject({ status: 'waiting', code: 2, reason: 'TIMEOUT probing' });
  });

  it('[PR-114] gives the answer at least a second', async () => {
    const { gateway, client, start, pass } = setUp({}, { heartbeatMs: 2_000 });
    await start();
    gateway.link.die();
    await pass(2_950);
    expect(client.state.status).toBe('connected');
    await pass(100);
    expect(client.state.status).toBe('waiting');
  });

  it('[PR-110] takes any message for a sign of life', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    gateway.link.hold();
    await pass(25_000);
    gateway.link.die();
    // What was sent before the link died arrives late.
    const link = gateway.link as unknown as { release(): void };
    link.release();
    expect(client.state.status).toBe('connected');
    await pass(6_300);
    expect(client.state.status).toBe('waiting');
  });

  it('notices a dead link also while the app goes on sending', async () => {
    const { gateway, client, states, start, pass } = setUp();
    await start();
    gateway.link.die();
    for (let second = 0; second < 32; second += 4) {
      client.call('a.b', {}, { timeoutMs: 1_000 }).catch(() => {});
      await pass(4_000);
    }
    expect(states.slice(2)).toMatchObject([{ status: 'waiting', reason: 'TIMEOUT probing' }, {}, {}]);
  });

  it('tells a gateway with its ping how far it has read, when that is news', async () => {
    const { gateway, start, pass } = setUp();
    await start();
    gateway.publish('u:ann', 'message', 1, { lane: 'priority' });
    await pass(25_100);
    expect(gateway.link.receivedOf('ping')).toEqual([
      { type: 'ping', positions: { 'u:ann': { epoch: 'u:ann#1', version: 1 } } },
    ]);
    await pass(25_000);
    expect(gateway.link.receivedOf('ping').at(-1)).toEqual({ type: 'ping' });
  });
});

describe('a push that asks', () => {
  it('has its position told within a second, once for all that come meanwhile [PR-140]', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    for (let n = 1; n <= 3; n++) gateway.publish('u:ann', 'message', n, { lane: 'priority', confirm: n > 1 });
    await pass(300);
    gateway.publish('u:ann', 'message', 4, { lane: 'priority', confirm: true });
    await pass(700);
    const told = (version: number) => ({ type: 'ping', positions: { 'u:ann': { epoch: 'u:ann#1', version } } });
    expect(gateway.link.receivedOf('ping')).toEqual([told(4)]);
    gateway.publish('u:ann', 'message', 5, { lane: 'priority' });
    await pass(2_000);
    expect(gateway.link.receivedOf('ping')).toEqual([told(4)]);
    gateway.publish('u:ann', 'message', 6, { lane: 'priority', confirm: true });
    await pass(1_000);
    expect(gateway.link.receivedOf('ping')).toEqual([told(4), told(6)]);
    expect(client.state.status).toBe('connected');
  });

  it('is confirmed too when it is replayed, by the connection that brought it [PR-140]', async () => {
    const { gateway, start, pass } = setUp();
    await start();
    gateway.publish('u:ann', 'message', 1, { lane: 'priority', confirm: true });
    await pass(100);
    const first = gateway.link;
    first.cut();
    gateway.publish('u:ann', 'message', 2, { lane: 'priority', confirm: true });
    await pass(3_000);
    expect(first.receivedOf('ping')).toEqual([]);
    expect(gateway.link.receivedOf('ping')).toMatchObject([{ positions: { 'u:ann': { version: 2 } } }]);
  });
});

describe('a device that was replaced', () => {
  it('does not come back by itself, and without its ticket when the app wants it to [PR-120] [PR-143]', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    gateway.link.close(4508, 'DEVICE_REPLACED: signed in on ios');
    await pass(60_000);
    expect(client.state).toMatchObject({ status: 'closed', code: 4508, reason: 'DEVICE_REPLACED: signed in on ios' });
    client.connect();
    await pass(100);
    expect(gateway.links).toHaveLength(2);
    expect(gateway.link.hello).not.toHaveProperty('ticket');
  });
});

describe('the network and the page', () => {
  it('asks at once whether the link still lives when the network changes or the page wakes up', async () => {
    const { gateway, signals, client, start, pass } = setUp();
    await start();
    for (const signal of ['online', 'visible', 'offline', 'online'] as const) {
      signals.emit(signal);
      await gateway.settled();
    }
    expect(gateway.link.receivedOf('ping')).toHaveLength(4);
    gateway.link.die();
    signals.emit('visible');
    await pass(6_300);
    expect(client.state.status).toBe('waiting');
  });

  it('reconnects at once when the network returns', async () => {
    const { gateway, signals, client, start } = setUp({ reconnect: { minMs: 20_000 } });
    await start();
    signals.emit('offline');
    gateway.link.cut();
    await gateway.settled();
    expect(client.state.status).toBe('waiting');
    signals.emit('online');
    await gateway.settled();
    expect(client.state.status).toBe('connected');
  });

  it('reconnects at once when the page becomes visible while it waits', async () => {
    const { gateway, signals, client, start } = setUp({ reconnect: { minMs: 20_000 } });
    await start();
    gateway.link.cut();
    await gateway.settled();
    signals.emit('visible');
    await gateway.settled();
    expect(client.state.status).toBe('connected');
  });

  it('counts no attempts while there is no network, and tries seldom, in case that is not true', async () => {
    const { gateway, signals, states, start, pass } = setUp({ reconnect: { minMs: 1_000, maxMs: 20_000 } });
    await start();
    gateway.onConnecting = (link) => link.cut();
    gateway.link.cut();
    await gateway.settled();
    expect(states.at(-1)).toMatchObject({ status: 'waiting', attempt: 1 });
    signals.emit('offline');
    expect(states.at(-1)).toMatchObject({ status: 'waiting', attempt: 1, code: 1006 });
    await pass(59_000);
    expect(gateway.links).toHaveLength(3);
    expect(states.at(-1)).toMatchObject({ status: 'waiting', attempt: 1 });
  });
});

describe('a drain', () => {
  it('[PR-123] moves after its time to the address, with the ticket', async () => {
    const { gateway, client, states, start, pass } = setUp();
    await start();
    gateway.link.drain(3_000, 'wss://b');
    const ticket = JSON.parse(gateway.link.sent.at(-1) as string).ticket;
    await pass(2_950);
    expect(gateway.links).toHaveLength(1);
    await pass(100);
    expect(gateway.links.map(({ address }) => address)).toEqual(['wss://a', 'wss://b']);
    expect(gateway.link.hello).toMatchObject({ ticket });
    expect(states.slice(2)).toEqual([
      { status: 'connecting', attempt: 1, code: 4000, reason: 'GOING_AWAY drain' },
      expect.objectContaining({ status: 'connected', resumed: true }),
    ]);
    expect(client.state).toMatchObject({ session: 's1' });
  });

  it('[PR-123] chooses anew where no address is given, and not the one that drains if there is another', async () => {
    const { gateway, start, pass } = setUp({ url: ['wss://a', 'wss://b'] });
    await start();
    gateway.link.drain(0);
    await pass(100);
    expect(gateway.link.address).toBe('wss://b');
  });

  it('[PR-133] lets calls be answered before it moves, and sends new ones to where it goes', async () => {
    const { gateway, client, start, pass } = setUp();
    let answer = (_value: string): void => {};
    gateway.handle('slow.one', () => new Promise((resolve) => (answer = resolve)));
    gateway.handle('new.one', (_data, { link }) => link.address);
    await start();
    const slow = client.call('slow.one');
    gateway.link.drain(100, 'wss://b');
    await pass(500);
    const fresh = client.call('new.one');
    await pass(500);
    expect(gateway.links).toHaveLength(1);
    answer('done');
    await pass(0);
    expect(await slow).toBe('done');
    expect(await fresh).toBe('wss://b');
  });

  it('does not wait longer than two seconds for them', async () => {
    const { gateway, client, start, pass } = setUp();
    gateway.handle('slow.one', () => new Promise(() => {}));
    await start();
    const slow = client.call('slow.one');
    const outcome = expect(slow).rejects.toMatchObject({ name: 'DISCONNECTED' });
    gateway.link.drain(0, 'wss://b');
    await pass(2_100);
    await outcome;
    expect(gateway.link.address).toBe('wss://b');
    expect(client.state.status).toBe('connected');
  });

  it('[PR-124] [PR-134] takes the address also when the gateway closes before the time', async () => {
    const { gateway, start, pass } = setUp();
    await start();
    gateway.link.drain(10_000, 'wss://b');
    await gateway.settled();
    gateway.link.close(4000, 'GOING_AWAY');
    await pass(500);
    expect(gateway.links.map(({ address }) => address)).toEqual(['wss://a', 'wss://b']);
  });

  it('[PR-135] goes back to its own addresses when the one it was sent to fails', async () => {
    const { gateway, start, pass } = setUp();
    await start();
    gateway.onConnecting = (link) => (link.address === 'wss://b' ? link.cut() : link.open());
    gateway.link.drain(0, 'wss://b');
    await pass(1_000);
    expect(gateway.links.map(({ address }) => address)).toEqual(['wss://a', 'wss://b', 'wss://a']);
  });

  it('[PR-134] obeys the last of several: its time, its address, or none', async () => {
    const { gateway, start, pass } = setUp();
    await start();
    gateway.link.drain(1_000, 'wss://b');
    await gateway.settled();
    gateway.link.drain(5_000, 'wss://c');
    await pass(4_900);
    expect(gateway.links).toHaveLength(1);
    await pass(200);
    expect(gateway.link.address).toBe('wss://c');
    gateway.link.drain(1_000, 'wss://d');
    await gateway.settled();
    gateway.link.drain(1_000);
    await pass(1_100);
    expect(gateway.links.map(({ address }) => address)).toEqual(['wss://a', 'wss://c', 'wss://a']);
  });

  it('[PR-134] is led elsewhere while it waits for answers, and leaves once', async () => {
    const { gateway, client, errors, start, pass } = setUp();
    gateway.handle('slow.one', () => new Promise(() => {}));
    await start();
    const slow = client.call('slow.one').catch(() => {});
    gateway.link.drain(0, 'wss://b');
    await pass(500);
    gateway.link.drain(100, 'wss://c');
    await pass(5_000);
    await slow;
    expect(gateway.links.map(({ address }) => address)).toEqual(['wss://a', 'wss://c']);
    expect(errors).toEqual([]);
  });

  it('[PR-134] forgets the time with the connection that it was for', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    gateway.link.drain(3_000, 'wss://b');
    await gateway.settled();
    gateway.link.cut();
    await pass(10_000);
    expect(gateway.links.map(({ address }) => address)).toEqual(['wss://a', 'wss://b']);
    expect(client.state.status).toBe('connected');
  });

  it('[PR-135] does not go on without TLS, unless it had none', async () => {
    for (const [url, address, followed] of [
      ['wss://a', 'ws://b', false],
      ['wss://a', 'WS://b', false],
      ['wss://a', 'http://b', false],
      ['wss://a', ' ws://b', false],
      ['wss://a', 'w\ts://b', false],
      ['wss://a', '//b', false],
      ['wss://a', 'WSS://b', true],
      ['ws://a', 'ws://b', true],
      ['ws://a', 'wss://b', true],
    ] as const) {
      const { gateway, start, pass } = setUp({ url });
      await start();
      gateway.link.drain(0, address);
      await pass(1_000);
      expect(gateway.links.map((link) => link.address)).toEqual([url, followed ? address : url]);
    }
  });
});
