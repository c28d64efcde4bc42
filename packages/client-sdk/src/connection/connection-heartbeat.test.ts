import { describe, expect, it } from 'vitest';
import { setUp } from '../testing/fixture.js';

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
