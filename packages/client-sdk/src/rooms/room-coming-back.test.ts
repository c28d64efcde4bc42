import { ImError } from '@im/protocol';
import { describe, expect, it } from 'vitest';
import { setUp } from '../testing/fixture.js';
import { listen } from './room.fixture.js';

describe('coming back', () => {
  it('[PR-92] [PR-95] goes on in the same room when the session is resumed, with what was missed', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    const room = await client.enter('1');
    const seen = listen(room);
    gateway.publish('r:1', 'gift', 'first', { lane: 'priority' });
    await gateway.settled();
    gateway.link.cut();
    await gateway.settled();
    expect(room.member).toBe(false);
    gateway.publish('r:1', 'gift', 'second', { lane: 'priority' });
    gateway.publish('r:1', 'chat', 'missed');
    await pass(1_000);
    gateway.publish('r:1', 'gift', 'third', { lane: 'priority' });
    await gateway.settled();
    expect(seen).toEqual([
      ['gift', 'first', 1],
      ['$recovered', true, undefined],
      ['$shed', undefined, 'disconnected'],
      ['gift', 'second', 2],
      ['gift', 'third', 3],
    ]);
    expect(gateway.link.receivedOf('call')).toEqual([]);
  });

  it('[PR-93] enters again by calls also when the gateway lists the rooms as left, because nothing could be proven', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    const room = await client.enter('1');
    const seen = listen(room);
    gateway.tickets.clear();
    gateway.onHello = (link) => {
      link.left = [{ group: 'r:1', code: 401, reason: 'nothing proven' }];
      link.welcome();
    };
    gateway.link.cut();
    await pass(1_000);
    expect(room.member).toBe(true);
    expect(seen.map(([event]) => event)).toEqual(['$recovered', '$shed', '$entered']);
  });

  it('[PR-93] [PR-98] enters again by a call with its position when nothing was resumed', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    const room = await client.enter('1', { data: { from: 'search' } });
    const seen = listen(room);
    gateway.publish('r:1', 'gift', 'first', { lane: 'priority' });
    await gateway.settled();
    gateway.tickets.clear();
    gateway.link.cut();
    await gateway.settled();
    gateway.publish('r:1', 'gift', 'second', { lane: 'priority' });
    await pass(1_000);
    expect(gateway.link.receivedOf('call')).toMatchObject([
      {
        method: 'room.enter',
        data: { room: '1', from: 'search' },
        since: { 'r:1': { epoch: 'r:1#1', version: 1 } },
      },
    ]);
    expect(seen).toEqual([
      ['gift', 'first', 1],
      ['$recovered', true, undefined],
      ['$shed', undefined, 'disconnected'],
      ['gift', 'second', 2],
      ['$entered', { room: '1', count: 1 }],
    ]);
    expect(room.data).toEqual({ room: '1', count: 1 });
  });

  it('[PR-99] says that normal messages may have been missed, and counts how often', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    const room = await client.enter('1');
    gateway.link.cut();
    await pass(1_000);
    expect(room.shed).toEqual({ unknown: 1 });
    gateway.link.send({ type: 'shed', group: 'r:1', count: 40, reason: 'pressure' });
    gateway.link.send({ type: 'shed', group: 'r:1', count: 2, reason: 'budget' });
    await gateway.settled();
    expect(room.shed).toEqual({ pressure: 40, budget: 2, unknown: 1 });
  });

  it('[PR-96] tells what is lost when the log does not go back far enough', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    const seen = listen(await client.enter('1'));
    gateway.link.cut();
    await gateway.settled();
    for (let n = 1; n <= 5; n++) gateway.publish('r:1', 'gift', n, { lane: 'priority' });
    gateway.log('r:1').trim(2);
    await pass(1_000);
    expect(seen).toEqual([
      ['$recovered', false, { after: 0, upto: 3 }],
      ['$shed', undefined, 'disconnected'],
      ['gift', 4, 4],
      ['gift', 5, 5],
    ]);
  });

  it('[PR-97] tells what is lost when the log began anew meanwhile', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    const room = await client.enter('1');
    const seen = listen(room);
    gateway.publish('r:1', 'gift', 'old', { lane: 'priority' });
    await gateway.settled();
    gateway.link.cut();
    gateway.renew('r:1');
    await pass(1_000);
    gateway.publish('r:1', 'gift', 'new', { lane: 'priority' });
    await gateway.settled();
    expect(seen.slice(1)).toEqual([
      ['$recovered', false, { epoch: 'r:1#1', after: 1 }],
      ['$shed', undefined, 'disconnected'],
      ['gift', 'new', 1],
    ]);
    expect(room.position).toEqual({ epoch: 'r:1#2', version: 1 });
  });

  it('[PR-56] [PR-93] is inside again before calls with a key are repeated and new ones sent, which may need the room', async () => {
    const { gateway, client, start, pass } = setUp();
    gateway.handle('gift.send', () => new Promise(() => {}));
    await start();
    await client.enter('1');
    await client.enter('2');
    const gift = client.call('gift.send', {}, { key: 'k-1' });
    await gateway.settled();
    const needsRooms = (method: string) =>
      gateway.handle(method, (_data, { link }) => {
        if (!link.groups.has('r:1') || !link.groups.has('r:2')) throw new ImError('NOT_A_MEMBER');
        return method;
      });
    needsRooms('gift.send');
    needsRooms('chat.send');
    let chat: Promise<unknown> | undefined;
    client.on('state', ({ status }) => {
      if (status === 'connected') chat = client.call('chat.send');
    });
    gateway.tickets.clear();
    gateway.link.cut();
    await pass(1_000);
    expect(await Promise.all([gift, chat])).toEqual(['gift.send', 'chat.send']);
    const methods = gateway.link.receivedOf('call').map(({ method }) => method);
    expect(methods).toEqual(['room.enter', 'room.enter', 'gift.send', 'chat.send']);
  });

  it('[PR-56] repeats calls with a key all the same when a room does not answer in its time, and only once waits for it', async () => {
    const { gateway, client, start, pass } = setUp();
    gateway.handle('gift.send', () => new Promise(() => {}));
    await start();
    await client.enter('1', { timeoutMs: 3_000 });
    const gift = client.call('gift.send', {}, { key: 'k-1', timeoutMs: 20_000 });
    await gateway.settled();
    gateway.handle('room.enter', () => new Promise(() => {}));
    gateway.handle('gift.send', () => 'carried out');
    gateway.tickets.clear();
    gateway.link.cut();
    await pass(2_000);
    expect(gateway.link.receivedOf('call').map(({ method }) => method)).toEqual(['room.enter']);
    await pass(3_000);
    expect(await gift).toBe('carried out');
    // The next try is on its way, and nothing waits for it.
    expect(gateway.link.receivedOf('call').map(({ method }) => method)).toEqual([
      'room.enter',
      'gift.send',
      'room.enter',
    ]);
    expect(await client.call('gift.send')).toBe('carried out');
  });

  it('[PR-100] fills holes of other groups while a room does not answer', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    await client.enter('1');
    const seen: unknown[] = [];
    client.user.on('notice', (data) => seen.push(data));
    gateway.handle('room.enter', () => new Promise(() => {}));
    gateway.tickets.clear();
    gateway.link.cut();
    await pass(1_000);
    gateway.link.skip(1);
    for (const n of [1, 2]) gateway.publish('u:ann', 'notice', n, { lane: 'priority' });
    await gateway.settled();
    expect(seen).toEqual([1, 2]);
  });

  it('tries again, ever later, when a re-entry fails for now', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    const seen = listen(await client.enter('1'));
    gateway.tickets.clear();
    let calls = 0;
    gateway.handle('room.enter', (_data, { link }) => {
      if (++calls < 3) throw new ImError('OVERLOADED');
      link.join('r:1');
      return calls;
    });
    gateway.link.cut();
    await pass(3_000);
    expect(calls).toBe(3);
    expect(seen.at(-1)).toEqual(['$entered', 3]);
  });

  it('ends the stay when the service does not let in any more', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    const seen = listen(await client.enter('1'));
    gateway.tickets.clear();
    gateway.handle('room.enter', () => {
      throw new ImError('FORBIDDEN', { message: 'the show is over' });
    });
    gateway.link.cut();
    await pass(1_000);
    expect(seen).toEqual([['$left', 203, 'the show is over']]);
    await expect(client.enter('1')).rejects.toMatchObject({ name: 'FORBIDDEN' });
  });

  it('enters again after close and connect, into the same rooms', async () => {
    const { gateway, client, start } = setUp();
    await start();
    const room = await client.enter('1');
    const seen = listen(room);
    client.close();
    await gateway.settled();
    gateway.tickets.clear();
    await start();
    expect(room.member).toBe(true);
    expect(seen.at(-1)).toEqual(['$entered', { room: '1', count: 1 }]);
  });

  it('leaves no timer when it is closed between two tries', async () => {
    const { gateway, client, clock, start, pass } = setUp();
    await start();
    await client.enter('1');
    gateway.tickets.clear();
    gateway.handle('room.enter', () => {
      throw new ImError('OVERLOADED');
    });
    gateway.link.cut();
    await pass(600);
    client.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('begins a re-entry anew that close has interrupted', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    const room = await client.enter('1');
    const seen = listen(room);
    gateway.tickets.clear();
    const enter = gateway.handler('room.enter');
    gateway.handle('room.enter', () => new Promise(() => {}));
    gateway.link.cut();
    await pass(600);
    client.close();
    await gateway.settled();
    gateway.handle('room.enter', enter);
    await start();
    expect(room.member).toBe(true);
    expect(seen.at(-1)).toEqual(['$entered', { room: '1', count: 1 }]);
  });

  it('begins a re-entry anew that a second loss has interrupted', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    const room = await client.enter('1');
    gateway.tickets.clear();
    const enter = gateway.handler('room.enter');
    gateway.handle('room.enter', () => new Promise(() => {}));
    gateway.link.cut();
    await pass(1_000);
    expect(room.member).toBe(false);
    gateway.handle('room.enter', enter);
    gateway.link.cut();
    await pass(2_000);
    expect(room.member).toBe(true);
    expect(gateway.link.receivedOf('call')).toHaveLength(1);
  });
});
