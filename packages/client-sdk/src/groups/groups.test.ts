import { ImError, type Position, type Positions } from '@im/protocol';
import { FakeClock } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import type { PositionStore } from '../index.js';
import { setUp } from '../testing/fixture.js';
import { createGroups } from './groups.js';

describe('groups without entering', () => {
  it('[PR-39] hears what is sent to the user and to everyone, from the welcome on', async () => {
    const { gateway, client, start } = setUp();
    const seen: unknown[] = [];
    client.user.on('message', (data, { version }) => seen.push(['user', data, version]));
    client.everyone.on('notice', (data) => seen.push(['everyone', data]));
    client.group('u:ann').on('message', (data) => seen.push(['group', data]));
    await start();
    gateway.publish('u:ann', 'message', 'hi', { lane: 'priority' });
    gateway.publish('u:bob', 'message', 'not for ann');
    gateway.publish('r:0', 'notice', 'all');
    await gateway.settled();
    expect(seen).toEqual([
      ['group', 'hi'],
      ['user', 'hi', 1],
      ['everyone', 'all'],
    ]);
    expect(client.everyone).toMatchObject({ id: 'r:0', member: true, position: { version: 0 } });
  });

  it('hears groups that a call of the app’s own has joined', async () => {
    const { gateway, client, start } = setUp();
    gateway.handle('game.join', (_data, { link }) => link.join('g:7'));
    await start();
    const seen: unknown[] = [];
    const group = client.group<{ move: string }>('g:7');
    group.on('move', (move) => seen.push(move));
    group.on('$left', ({ code }) => seen.push(code));
    expect(group.member).toBe(false);
    await client.call('game.join');
    gateway.publish('g:7', 'move', 'e4');
    await gateway.settled();
    expect(group.member).toBe(true);
    gateway.link.leave('g:7', { code: 1_005, reason: 'game over' });
    await gateway.settled();
    expect(seen).toEqual(['e4', 1_005]);
    expect(group.member).toBe(false);
  });

  it('[PR-66] hears nothing of a group after it was left, or that was never joined', async () => {
    const { gateway, client, start } = setUp();
    const seen: unknown[] = [];
    client.group('g:7').on('move', (move) => seen.push(move));
    await start();
    gateway.link.send(
      { type: 'push', group: 'g:7', event: 'move', data: 1 },
      { type: 'joined', group: 'g:7', epoch: 'e', version: 0 },
      { type: 'left', group: 'g:7', code: 0, reason: '' },
      { type: 'push', group: 'g:7', event: 'move', data: 2 },
      { type: 'push', group: 'g:7', event: 'move', lane: 'priority', version: 1, data: 3 },
    );
    await gateway.settled();
    expect(seen).toEqual([]);
  });

  it('[PR-58] gives null where a push has no data', async () => {
    const { gateway, client, start } = setUp();
    const seen: unknown[] = [];
    client.everyone.on('ping', (data) => seen.push(data));
    await start();
    gateway.link.send({ type: 'push', group: 'r:0', event: 'ping' });
    await gateway.settled();
    expect(seen).toEqual([null]);
  });

  it('[PR-80] gives the whole message beside its data', async () => {
    const { gateway, client, start } = setUp();
    const seen: unknown[] = [];
    client.everyone.on('notice', (_data, meta) => seen.push(meta));
    await start();
    const push = { type: 'push', group: 'r:0', event: 'notice', id: 'm-1', time: 5, data: {} } as const;
    gateway.link.send(push);
    await gateway.settled();
    expect(seen).toEqual([push]);
  });

  it('follows the user when the token is another’s', async () => {
    let user = 'ann';
    const { gateway, client, start, pass } = setUp({ token: () => user });
    const seen: unknown[] = [];
    client.user.on('message', (data) => seen.push(data));
    await start();
    user = 'bob';
    gateway.link.close(4007);
    await pass(100);
    gateway.publish('u:ann', 'message', 'for ann');
    gateway.publish('u:bob', 'message', 'for bob');
    await gateway.settled();
    expect(client.state).toMatchObject({ user: 'bob', resumed: false });
    expect(seen).toEqual(['for bob']);
  });

  it('goes on when a listener fails, and reports it', async () => {
    const { gateway, client, errors, start } = setUp();
    const seen: unknown[] = [];
    client.everyone.on('notice', () => {
      throw new Error('listener');
    });
    client.everyone.on('notice', (data) => seen.push(data));
    await start();
    gateway.publish('r:0', 'notice', 1);
    await gateway.settled();
    expect(seen).toEqual([1]);
    expect(client.state.status).toBe('connected');
    expect(errors.splice(0)).toEqual([new Error('listener')]);
  });

  it('[PR-102] tells of a log that began anew while it was a member', async () => {
    const { gateway, client, start } = setUp();
    const seen: unknown[] = [];
    client.everyone.on('$recovered', ({ recovered, missed }) => seen.push([recovered, missed]));
    client.everyone.on('notice', (data, { version }) => seen.push([data, version]));
    await start();
    gateway.publish('r:0', 'notice', 'old', { lane: 'priority' });
    await gateway.settled();
    gateway.renew('r:0');
    gateway.publish('r:0', 'notice', 'new', { lane: 'priority' });
    await gateway.settled();
    expect(seen).toEqual([
      ['old', 1],
      [false, { epoch: 'r:0#1', after: 1 }],
      ['new', 1],
    ]);
  });

  it('goes on hearing a group that was left and joined again', async () => {
    const { gateway, client, start } = setUp();
    await start();
    const seen: unknown[] = [];
    client.group('g:7').on('move', (move) => seen.push(move));
    for (const move of ['e4', 'e5']) {
      gateway.link.join('g:7');
      gateway.publish('g:7', 'move', move);
      gateway.link.leave('g:7');
    }
    await gateway.settled();
    expect(seen).toEqual(['e4', 'e5']);
  });

  it('[PR-102] is told all that is lost when the log begins anew while a hole is open', async () => {
    const { gateway, client, start } = setUp();
    await start();
    const seen: unknown[] = [];
    client.everyone.on('$recovered', ({ missed }) => seen.push(missed));
    gateway.onSync = () => {};
    gateway.publish('r:0', 'gift', 1, { lane: 'priority' });
    gateway.link.skip(1);
    for (const n of [2, 3]) gateway.publish('r:0', 'gift', n, { lane: 'priority' });
    gateway.renew('r:0');
    await gateway.settled();
    expect(seen).toEqual([{ epoch: 'r:0#1', after: 1 }]);
  });

  it('[PR-94] is told when a group of the ticket was not restored, and forgets its position', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    const group = client.group('g:7');
    const seen: unknown[] = [];
    group.on('$left', ({ code }) => seen.push(code));
    gateway.link.join('g:7');
    await gateway.settled();
    gateway.onHello = (link) => {
      link.left = [{ group: 'g:7', code: 204, reason: '' }];
      link.welcome();
    };
    gateway.link.cut();
    await pass(1_000);
    expect(seen).toEqual([204]);
    expect(group.position).toBeUndefined();
  });
});

describe('the table of groups', () => {
  it('forgets a group that is over, unless the app has it at hand or a room goes on', () => {
    const ports = {
      clock: new FakeClock(),
      store: undefined,
      sync: () => Promise.reject(new Error('no gateway')),
      onShed: () => {},
      report: () => {},
    };
    const groups = createGroups(ports);
    const [over, kept, room] = [groups.of('g:1'), groups.of('g:2'), groups.of('r:1')];
    kept.kept = true;
    room.companion = { emit: () => {} };
    for (const entry of [over, kept, room]) groups.drop(entry);
    expect([groups.of('g:1') === over, groups.of('g:2') === kept, groups.of('r:1') === room]).toEqual([
      false,
      true,
      true,
    ]);
  });
});

describe('holes', () => {
  it('[PR-100] are filled by one sync, and the app sees nothing of it', async () => {
    const { gateway, client, start } = setUp();
    await start();
    const seen: unknown[] = [];
    client.everyone.on('gift', (_data, { version }) => seen.push(version));
    gateway.link.skip(2);
    for (let n = 1; n <= 5; n++) gateway.publish('r:0', 'gift', n, { lane: 'priority' });
    await gateway.settled();
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    expect(gateway.link.receivedOf('sync')).toEqual([
      { type: 'sync', id: 2, group: 'r:0', epoch: 'r:0#1', after: 0, limit: 1_000 },
    ]);
  });

  it('are asked for again a second later when that fails for now', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    const seen: unknown[] = [];
    client.everyone.on('gift', (_data, { version }) => seen.push(version));
    const sync = gateway.onSync;
    gateway.onSync = (link, { id }) => link.send({ type: 'error', id, ...new ImError('STORE_UNAVAILABLE').toBody() });
    gateway.link.skip(1);
    for (let n = 1; n <= 2; n++) gateway.publish('r:0', 'gift', n, { lane: 'priority' });
    await pass(900);
    expect(seen).toEqual([]);
    gateway.onSync = sync;
    await pass(200);
    expect(seen).toEqual([1, 2]);
  });

  it('are not asked for any more once the connection is gone', async () => {
    const { gateway, client, clock, start } = setUp();
    await start();
    gateway.onSync = (link, { id }) => link.send({ type: 'error', id, ...new ImError('STORE_UNAVAILABLE').toBody() });
    gateway.link.skip(1);
    for (let n = 1; n <= 2; n++) gateway.publish('r:0', 'gift', n, { lane: 'priority' });
    await gateway.settled();
    client.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('[PR-101] are told as lost when the log cannot give what they hide', async () => {
    const { gateway, client, start } = setUp();
    await start();
    const seen: unknown[] = [];
    client.everyone.on('gift', (_data, { version }) => seen.push(version));
    client.everyone.on('$recovered', ({ recovered, missed }) => seen.push([recovered, missed]));
    gateway.onSync = (link, { id }) => link.send({ type: 'error', id, ...new ImError('EPOCH_CHANGED').toBody() });
    gateway.link.skip(2);
    for (let n = 1; n <= 3; n++) gateway.publish('r:0', 'gift', n, { lane: 'priority' });
    await gateway.settled();
    expect(seen).toEqual([[false, { after: 0, upto: 2 }], 3]);
  });

  it('that a loss of the connection interrupts are filled by the resume', async () => {
    const { gateway, client, start, pass } = setUp();
    await start();
    const seen: unknown[] = [];
    client.everyone.on('gift', (_data, { version }) => seen.push(version));
    gateway.onSync = () => {};
    gateway.link.skip(1);
    for (let n = 1; n <= 2; n++) gateway.publish('r:0', 'gift', n, { lane: 'priority' });
    await gateway.settled();
    gateway.link.cut();
    await pass(3_000);
    expect(seen).toEqual([1, 2]);
    expect(gateway.link.receivedOf('sync')).toEqual([]);
  });
});

describe('positions', () => {
  /** A store that keeps everything, as JSON would. */
  function memoryStore(initial: Positions = {}) {
    const kept = new Map<string, Position | undefined>(Object.entries(initial));
    const store: PositionStore = {
      load: async () => Object.fromEntries([...kept].filter((entry): entry is [string, Position] => !!entry[1])),
      save: (group, position) => void kept.set(group, position),
    };
    return { kept, store };
  }

  it('[PR-90] brings what came while the page was away, from the position in the store', async () => {
    const { kept, store } = memoryStore({ 'u:ann': { epoch: 'u:ann#1', version: 1 } });
    const { gateway, client, start } = setUp({ positions: store });
    const seen: unknown[] = [];
    client.user.on('message', (data) => seen.push(data));
    client.user.on('$recovered', ({ recovered }) => seen.push(recovered));
    for (const text of ['seen', 'missed', 'missed too']) {
      gateway.publish('u:ann', 'message', text, { lane: 'priority' });
    }
    await start();
    expect(gateway.link.hello?.positions).toEqual({ 'u:ann': { epoch: 'u:ann#1', version: 1 } });
    expect(seen).toEqual([true, 'missed', 'missed too']);
    expect(kept.get('u:ann')).toEqual({ epoch: 'u:ann#1', version: 3 });
  });

  it('keeps a position only after the listeners had the message, forgets groups that were left, and keeps no rooms', async () => {
    const { kept, store } = memoryStore();
    const { gateway, client, start } = setUp({ positions: store });
    const atListener: unknown[] = [];
    client.user.on('message', () => atListener.push(kept.get('u:ann')?.version));
    await start();
    gateway.publish('u:ann', 'message', 1, { lane: 'priority' });
    gateway.link.join('g:7');
    await client.enter('1');
    gateway.publish('r:1', 'gift', 1, { lane: 'priority' });
    await gateway.settled();
    expect(atListener).toEqual([0]);
    expect([...kept.keys()]).toEqual(['u:ann', 'g:7']);
    gateway.link.leave('g:7');
    await gateway.settled();
    expect(kept.get('g:7')).toBeUndefined();
  });

  it('connects also when the store fails, and reports it', async () => {
    const { client, errors, start } = setUp({
      positions: {
        load: () => Promise.reject(new Error('load')),
        save: () => {
          throw new Error('save');
        },
      },
    });
    await start();
    expect(client.state.status).toBe('connected');
    expect(errors.splice(0)).toEqual([new Error('load'), new Error('save')]);
  });

  it('[PR-90] names at most 258 groups', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 300 }, (_, n) => [`g:${n}`, { epoch: 'e', version: 1 }] as const),
    );
    const { gateway, start } = setUp({ positions: memoryStore(many).store });
    await start();
    expect(Object.keys(gateway.link.hello?.positions ?? {})).toHaveLength(258);
  });

  it('tells all positions at hello, also those that a ping has told', async () => {
    const { gateway, start, pass } = setUp();
    await start();
    gateway.publish('u:ann', 'message', 1, { lane: 'priority' });
    await pass(25_100);
    gateway.link.cut();
    await pass(1_000);
    expect(gateway.link.hello?.positions).toEqual({
      'u:ann': { epoch: 'u:ann#1', version: 1 },
      'r:0': { epoch: 'r:0#1', version: 0 },
    });
  });

  it('tells with a ping also a position in a log that began anew below the last one told', async () => {
    const { gateway, start, pass } = setUp();
    await start();
    for (let n = 1; n <= 5; n++) gateway.publish('u:ann', 'message', n, { lane: 'priority' });
    await pass(25_100);
    gateway.renew('u:ann');
    gateway.publish('u:ann', 'message', 1, { lane: 'priority' });
    await pass(25_100);
    expect(gateway.link.receivedOf('ping').at(-1)).toEqual({
      type: 'ping',
      positions: { 'u:ann': { epoch: 'u:ann#2', version: 1 } },
    });
  });
});

describe('the account of what was shed', () => {
  it('[PR-85] adds counted and unknown losses up for each group, and tells each', async () => {
    const { gateway, client, start } = setUp();
    await start();
    const seen: unknown[] = [];
    client.everyone.on('$shed', ({ count, reason }) => seen.push([count, reason]));
    client.on('shed', ({ group, count, reason }) => seen.push([group, count, reason]));
    gateway.link.send(
      { type: 'shed', group: 'r:0', count: 40, reason: 'pressure' },
      { type: 'shed', group: 'r:0', reason: 'upstream' },
      { type: 'shed', group: 'r:0', count: 2, reason: 'of a later release' },
      { type: 'shed', group: 'u:ann', count: 5, reason: 'pressure' },
      { type: 'shed', group: 'r:unknown', count: 2, reason: 'pressure' },
    );
    await gateway.settled();
    expect(seen).toEqual([
      ['r:0', 40, 'pressure'],
      [40, 'pressure'],
      ['r:0', undefined, 'upstream'],
      [undefined, 'upstream'],
      ['r:0', 2, 'of a later release'],
      [2, 'of a later release'],
      ['u:ann', 5, 'pressure'],
    ]);
    const ofEveryone = { pressure: 40, unknown: 1, 'of a later release': 2 };
    expect(client.everyone.shed).toEqual(ofEveryone);
    expect(client.shed).toEqual({ ...ofEveryone, pressure: 45 });
  });

  it('[PR-88] [PR-89] has what came beside it, with those that a push stands for, and hands on by which key and of what sum', async () => {
    const { gateway, client, start } = setUp();
    await start();
    const seen: unknown[] = [];
    client.everyone.on('like', (_, { conflated, key, sum }) => seen.push([conflated, key, sum]));
    const push = { type: 'push', group: 'r:0' } as const;
    gateway.link.send(
      { ...push, event: 'chat' },
      { ...push, event: 'like', key: 'k', sum: 1 },
      { ...push, event: 'like', conflated: 40, key: 'k', sum: 52 },
      { ...push, event: 'gift', lane: 'priority', version: 1 },
      { ...push, group: 'r:unknown', event: 'chat', conflated: 7 },
    );
    await gateway.settled();
    expect(seen).toEqual([
      [undefined, 'k', 1],
      [40, 'k', 52],
    ]);
    expect(client.everyone.received).toBe(43);
  });
});
