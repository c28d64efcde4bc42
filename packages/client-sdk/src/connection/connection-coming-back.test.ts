import { CLOSE_CODES } from '@im/protocol';
import { describe, expect, it } from 'vitest';
import { setUp } from '../testing/fixture.js';

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
