import { ImError } from '@im/protocol';
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
