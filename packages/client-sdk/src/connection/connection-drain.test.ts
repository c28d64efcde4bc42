import { describe, expect, it } from 'vitest';
import { setUp } from '../testing/fixture.js';

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
