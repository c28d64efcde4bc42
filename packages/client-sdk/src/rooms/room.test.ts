import { ImError } from '@im/protocol';
import { describe, expect, it } from 'vitest';
import { setUp } from '../testing/fixture.js';
import { listen } from './room.fixture.js';

describe('entering', () => {
  it('calls the room service and gives a room with what it answered', async () => {
    const { gateway, client, start } = setUp();
    await start();
    const room = await client.enter('10000', { data: { from: 'search' } });
    expect(gateway.link.receivedOf('call')).toMatchObject([
      { method: 'room.enter', data: { room: '10000', from: 'search' } },
    ]);
    expect(room).toMatchObject({ id: 'r:10000', name: '10000', member: true, data: { room: '10000', count: 1 } });
    expect(room.position).toEqual({ epoch: 'r:10000#1', version: 0 });
    expect(room.shed).toEqual({});
  });

  it('uses another service where the app has one', async () => {
    const { gateway, client, start } = setUp({ roomService: 'live' });
    gateway.handle('live.enter', (_data, { link }) => link.join('r:1'));
    gateway.handle('live.leave', (_data, { link }) => link.leave('r:1'));
    await start();
    await (await client.enter('1')).leave();
    expect(gateway.link.receivedOf('call').map(({ method }) => method)).toEqual(['live.enter', 'live.leave']);
  });

  it('loses nothing that comes before the app listens', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    gateway.handle('room.enter', (_data, { link }) => {
      link.join('r:1');
      gateway.publish('r:1', 'gift', 'rocket', { lane: 'priority' });
      gateway.publish('r:1', 'chat', 'hi');
      return null;
    });
    const seen = listen(await client.enter('1'));
    await pass(1);
    expect(seen).toEqual([
      ['gift', 'rocket', 1],
      ['chat', 'hi', undefined],
    ]);
  });

  it('holds no more than a thousand normal messages for that, and tells what it shed; priority is never shed', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    gateway.handle('room.enter', (_data, { link }) => {
      link.join('r:1');
      for (let n = 0; n < 1_003; n++) gateway.publish('r:1', 'chat', n);
      link.send({ type: 'push', group: 'r:1', event: 'like', conflated: 4, key: 'k', sum: 9 });
      gateway.publish('r:1', 'gift', 'rocket', { lane: 'priority' });
      return null;
    });
    const room = await client.enter('1');
    const seen = listen(room);
    await pass(1);
    expect(seen).toHaveLength(1_002);
    expect(seen.slice(-3)).toEqual([
      ['chat', 999, undefined],
      ['gift', 'rocket', 1],
      ['$shed', 8, 'pressure'],
    ]);
    expect([room.shed, room.received]).toEqual([{ pressure: 8 }, 1_000]);
  });

  it('is shared by all who enter the same room', async () => {
    const { gateway, client, start } = setUp();
    await start();
    const first = client.enter('1');
    const second = client.enter('1');
    expect(await first).toBe(await second);
    expect(await client.enter('1')).toBe(await first);
    expect(gateway.link.receivedOf('call')).toHaveLength(1);
  });

  it('fails with the error of the service, and can be tried again', async () => {
    const { gateway, client, start } = setUp();
    await start();
    const enter = (_data: unknown, { link }: { link: { join(group: string): void } }) => link.join('r:1');
    gateway.handle('room.enter', () => {
      throw new ImError('FORBIDDEN');
    });
    await expect(client.enter('1')).rejects.toMatchObject({ name: 'FORBIDDEN' });
    gateway.handle('room.enter', enter);
    expect((await client.enter('1')).member).toBe(true);
  });

  it('fails with NOT_A_MEMBER when the service answers but does not let in', async () => {
    const { gateway, client, start } = setUp();
    await start();
    gateway.handle('room.enter', () => null);
    await expect(client.enter('1')).rejects.toMatchObject({ name: 'NOT_A_MEMBER' });
  });

  it('waits for a connection, and is repeated when the connection is lost meanwhile', async () => {
    const { gateway, client, start, pass } = setUp();
    const entering = client.enter('1');
    gateway.handle('room.enter', () => new Promise(() => {}));
    await start();
    gateway.link.cut();
    await gateway.settled();
    gateway.handle('room.enter', (_data, { link }) => link.join('r:1'));
    await pass(1_000);
    expect((await entering).member).toBe(true);
  });

  it('is not undone by a loss that follows at its heels', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    gateway.onFrame = (from, frame) => {
      if (from === 'gateway' && frame.includes('"reply"')) queueMicrotask(() => gateway.link.cut());
    };
    const entering = client.enter('1');
    await pass(1_000);
    expect(await entering).toMatchObject({ member: true, data: { room: '1' } });
    expect(gateway.links).toHaveLength(2);
  });

  it('fails within its time when there is no connection', async () => {
    const { client, pass } = setUp();
    const entering = client.enter('1', { timeoutMs: 3_000 }).catch((error: unknown) => error);
    await pass(3_000);
    expect(await entering).toMatchObject({ name: 'TIMEOUT', details: { sent: false } });
  });
});

describe('leaving', () => {
  it('[PR-65] tells the room and the gateway, and nothing is heard from then on', async () => {
    const { gateway, client, start } = setUp();
    await start();
    const room = await client.enter('1');
    const seen = listen(room);
    const left = room.leave();
    gateway.publish('r:1', 'chat', 'too late');
    gateway.publish('r:1', 'gift', 'too late', { lane: 'priority' });
    await left;
    await room.leave();
    expect(seen).toEqual([['$left', 0, '']]);
    expect(gateway.link.groups.has('r:1')).toBe(false);
    expect(gateway.link.receivedOf('call').map(({ method }) => method)).toEqual(['room.enter', 'room.leave']);
  });

  it('drops also what was held for listeners', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    gateway.handle('room.enter', (_data, { link }) => {
      link.join('r:1');
      gateway.publish('r:1', 'chat', 'held');
    });
    const room = await client.enter('1');
    const seen = listen(room);
    await room.leave();
    await pass(1);
    expect(seen).toEqual([['$left', 0, '']]);
  });

  it('and entering again at once ends inside, in a room of its own, whatever the order of the answers', async () => {
    const { gateway, client, start } = setUp();
    await start();
    const first = await client.enter('1');
    const leaving = first.leave();
    const second = await client.enter('1');
    await leaving;
    expect(second).not.toBe(first);
    expect(second.member).toBe(true);
    const seen = listen(second);
    gateway.publish('r:1', 'chat', 'hi');
    await gateway.settled();
    await second.leave();
    expect(seen).toContainEqual(['$left', 0, '']);
  });

  it('[PR-68] keeps a stay whose entering overtook an earlier leaving', async () => {
    const { gateway, client, start } = setUp();
    await start();
    const first = await client.enter('1');
    let leave = (_value: null): void => {};
    // The worker answers the leaving last: its effect came too late and was rejected.
    gateway.handle('room.leave', () => new Promise((resolve) => (leave = resolve)));
    gateway.handle('room.enter', () => 'still inside');
    const leaving = first.leave();
    const second = await client.enter('1');
    const seen = listen(second);
    leave(null);
    await leaving;
    gateway.publish('r:1', 'gift', 'rocket', { lane: 'priority' });
    await gateway.settled();
    expect(second.member).toBe(true);
    expect(second.data).toBe('still inside');
    expect(seen).toEqual([]);
  });

  it('without a connection makes sure that no ticket brings the room back', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    const room = await client.enter('1');
    const other = await client.enter('2');
    gateway.link.cut();
    await gateway.settled();
    await room.leave();
    await pass(1_000);
    expect(gateway.link.hello).not.toHaveProperty('ticket');
    expect(Object.keys(gateway.link.hello?.positions ?? {}).sort()).toEqual(['r:0', 'r:2', 'u:ann']);
    expect([...gateway.link.groups].sort()).toEqual(['r:0', 'r:2', 'u:ann']);
    expect(other.member).toBe(true);
  });

  it('settles also when the gateway does not answer', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    const room = await client.enter('1');
    gateway.handle('room.leave', () => new Promise(() => {}));
    const leaving = room.leave();
    await pass(10_000);
    await expect(leaving).resolves.toBeUndefined();
  });

  it('withdraws a re-entry that is on its way', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    const room = await client.enter('1');
    gateway.tickets.clear();
    gateway.handle('room.enter', () => new Promise(() => {}));
    gateway.link.cut();
    await pass(1_000);
    await room.leave();
    await gateway.settled();
    expect(gateway.link.received.slice(-3)).toMatchObject([
      { type: 'call', method: 'room.enter' },
      { type: 'cancel' },
      { type: 'call', method: 'room.leave' },
    ]);
  });
});

describe('being put out', () => {
  it('[PR-65] [PR-70] tells why, and does not enter again by itself', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    const room = await client.enter('1');
    const seen = listen(room);
    gateway.link.leave('r:1', { code: 204, reason: 'spam' });
    gateway.publish('r:1', 'chat', 'too late');
    await gateway.settled();
    gateway.link.cut();
    await pass(1_000);
    expect(seen).toEqual([['$left', 204, 'spam']]);
    expect(room.member).toBe(false);
    expect(gateway.link.received.map(({ type }) => type)).toEqual(['hello']);
    expect(await client.enter('1')).not.toBe(room);
  });

  it('[PR-92] [PR-94] is told also when it happened while the client was away', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    const room = await client.enter('1');
    const seen = listen(room);
    gateway.onHello = (link, hello) => {
      link.left = [{ group: 'r:1', code: 204, reason: 'spam' }];
      link.welcome();
      expect(hello.ticket).toBeDefined();
    };
    gateway.link.cut();
    await pass(1_000);
    expect(seen).toEqual([['$left', 204, 'spam']]);
    expect(gateway.link.receivedOf('call')).toEqual([]);
  });
});
