import { FakeClock } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { createClient } from './index.js';
import { FakeGateway, FakeSignals } from './testing/index.js';

describe('createClient', () => {
  it('connects, enters, hears, calls, comes back', async () => {
    const gateway = new FakeGateway();
    const clock = new FakeClock();
    const signals = new FakeSignals();
    const client = createClient(
      { url: 'wss://a', token: 'ann', device: 'd1', WebSocket: gateway.WebSocket },
      { clock, random: () => 0.5, signals },
    );
    const states: unknown[] = [];
    const errors: unknown[] = [];
    client.on('state', (s) => states.push(s));
    client.on('error', (e) => errors.push(e));
    client.connect();
    await gateway.settled();
    expect(client.state.status).toBe('connected');
    const room = await client.enter('1');
    const seen: unknown[] = [];
    room.on('chat', (d) => seen.push(d));
    room.on('gift', (d, m) => seen.push([d, m.version]));
    room.on('$recovered', ({ recovered, missed }) => seen.push({ recovered, missed }));
    room.on('$shed', ({ reason, count }) => seen.push({ reason, count }));
    gateway.publish('r:1', 'chat', 'early');
    gateway.publish('r:1', 'gift', 1, { lane: 'priority' });
    await gateway.settled();
    clock.advance(0);
    expect(seen).toEqual(['early', [1, 1]]);
    gateway.link.cut();
    await gateway.settled();
    gateway.publish('r:1', 'gift', 2, { lane: 'priority' });
    expect(client.state.status).toBe('waiting');
    clock.advance(10_000);
    await gateway.settled();
    expect(client.state).toMatchObject({ status: 'connected', resumed: true });
    await gateway.settled();
    expect(seen.slice(2)).toEqual([
      { recovered: true, missed: undefined },
      { reason: 'disconnected', count: undefined },
      [2, 2],
    ]);
    gateway.link.skip(1);
    gateway.publish('r:1', 'gift', 3, { lane: 'priority' });
    gateway.publish('r:1', 'gift', 4, { lane: 'priority' });
    await gateway.settled();
    expect(seen.slice(5)).toEqual([
      [3, 3],
      [4, 4],
    ]);
    expect(errors).toEqual([]);
    client.close();
    expect(clock.pendingTimers).toBe(0);
    expect(signals.watchers).toBe(0);
  });
});
