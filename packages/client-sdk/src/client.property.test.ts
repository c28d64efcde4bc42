/** The client against everything that a network and a gateway can do to it, in random order. */
import { ImError, type Missed } from '@im/protocol';
import { FakeClock } from '@im/protocol/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClient, type Room } from './index.js';
import { FakeGateway, FakeSignals } from './testing/index.js';

/** A client that is ready to connect, and what time does to it. */
function world(gateway = new FakeGateway()) {
  const clock = new FakeClock();
  const signals = new FakeSignals();
  const errors: unknown[] = [];
  const client = createClient(
    { url: ['wss://a', 'wss://b'], token: () => 'ann', device: 'd', WebSocket: gateway.WebSocket },
    { clock, random: () => 0.5, signals },
  );
  client.on('error', (error) => errors.push(error));
  const pass = async (ms: number): Promise<void> => {
    await gateway.settled();
    for (let left = ms; left > 0; left -= 250) {
      clock.advance(Math.min(250, left));
      await gateway.settled();
    }
  };
  return { gateway, clock, signals, errors, client, pass };
}

describe('priority messages', () => {
  /** What the app was given: a version of the log of an epoch, or what is lost. */
  type Seen = { epoch: string; version: number } | { missed: Missed };

  const disturbances = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constant('publish' as const) },
      { weight: 3, arbitrary: fc.constant('pass' as const) },
      fc.constantFrom(
        'skip' as const,
        'repeat' as const,
        'cut' as const,
        'hold' as const,
        'release' as const,
        'trim' as const,
        'renew' as const,
        'forget' as const,
        'fail sync' as const,
        'drain' as const,
        'chat' as const,
      ),
    ),
    { minLength: 1, maxLength: 60 },
  );

  it('are seen once each and in order, or told as lost, whatever cuts, holes, repeats and delays there are', async () => {
    await fc.assert(
      fc.asyncProperty(disturbances, async (steps) => {
        const { gateway, client, clock, errors, pass } = world();
        const { onSync } = gateway;
        client.connect();
        const room: Room<Record<string, unknown>, unknown> = await client.enter('1');
        const seen: Seen[] = [];
        room.on('gift', (data) => seen.push(data as Seen));
        room.on('$recovered', (told) => {
          if (!told.recovered) seen.push({ missed: told.missed as Missed });
        });
        room.on('$left', () => expect.unreachable('nobody has left'));
        const log = gateway.log('r:1');
        const publish = () => {
          const { epoch, version } = log.head;
          gateway.publish('r:1', 'gift', { epoch, version: version + 1 }, { lane: 'priority' });
        };
        for (const step of steps) {
          if (step === 'publish') publish();
          else if (step === 'pass') await pass(1_000);
          else if (step === 'skip') gateway.link.skip(2);
          else if (step === 'repeat') for (const push of log.after(0).slice(-3)) gateway.link.push(push);
          else if (step === 'cut') gateway.link.cut();
          else if (step === 'hold') gateway.link.hold();
          else if (step === 'release') gateway.link.release();
          else if (step === 'trim') log.trim(1);
          else if (step === 'renew') gateway.renew('r:1');
          else if (step === 'forget') gateway.tickets.clear();
          else if (step === 'drain') gateway.link.drain(500, 'wss://b');
          else if (step === 'chat') gateway.publish('r:1', 'chat', 'hi');
          else {
            gateway.onSync = (link, { id }) => {
              link.send({ type: 'error', id, ...new ImError('RATE_LIMITED').toBody() });
              gateway.onSync = onSync;
            };
          }
        }
        // Calm returns; one more gift makes the last hole visible.
        gateway.link.release();
        gateway.onSync = onSync;
        await pass(40_000);
        gateway.link.skip(0);
        publish();
        await pass(5_000);

        // Where the app stands, as far as it knows: not in which version of a new epoch it begins.
        let at: { epoch?: string; version?: number } = { epoch: 'r:1#1', version: 0 };
        const given = new Set<string>();
        for (const each of seen) {
          if ('missed' in each) {
            const { epoch, after, upto } = each.missed;
            if (at.epoch !== undefined && epoch !== undefined) expect(epoch).toBe(at.epoch);
            if (at.version !== undefined) expect(after).toBe(at.version);
            if (upto !== undefined) expect(upto).toBeGreaterThan(after);
            at = upto === undefined ? {} : { ...at, version: upto };
          } else {
            const { epoch, version } = each;
            expect({ epoch, version }).toEqual({
              epoch,
              version,
              ...at,
              ...(at.version !== undefined && { version: at.version + 1 }),
            });
            expect(given).not.toContain(`${epoch} ${version}`);
            given.add(`${epoch} ${version}`);
            at = { epoch, version };
          }
        }
        expect(at).toEqual(log.head);
        expect(room.position).toEqual(log.head);
        expect(errors).toEqual([]);
        client.close();
        expect(clock.pendingTimers).toBe(0);
      }),
      { numRuns: 150 },
    );
  }, 60_000);
});

describe('a client in a world that does anything', () => {
  const steps = fc.array(
    fc.oneof(
      fc.constantFrom('connect', 'close', 'enter', 'leave', 'call', 'online', 'offline', 'visible', 'gifts'),
      fc.constantFrom('cut', 'die', 'hold', 'release', 'junk', 'ping', 'drain', 'forget', 'kick', 'shed'),
      fc.constantFrom('accept', 'refuse transport', 'ignore transport', 'ignore hello', 'refuse', 'expire', 'welcome'),
      fc.constantFrom(1_000, 1_006, 4_000, 4_007, 4_499, 4_500, 4_505),
      fc.constantFrom('10', '1000', '7000', '30000'),
    ),
    { maxLength: 50 },
  );

  it('takes no edge that is not in the table, has one socket at most, and leaves nothing behind when it is closed', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const { gateway, client, clock, signals, errors, pass } = world();
        const { verify, onConnecting, onHello } = gateway;
        const rooms: Room<Record<string, unknown>, unknown>[] = [];
        const unsettled = new Set<Promise<unknown>>();
        const watch = (promise: Promise<unknown>) => {
          const watched = promise.catch(() => {}).finally(() => unsettled.delete(watched));
          unsettled.add(watched);
        };
        gateway.handle('a.b', () => new Promise(() => {}));
        const link = () => gateway.links.at(-1);
        const acts: Record<string, () => unknown> = {
          connect: () => client.connect(),
          close: () => client.close(),
          enter: () => watch(client.enter('1').then((room) => rooms.push(room))),
          leave: () => watch(rooms.pop()?.leave() ?? Promise.resolve()),
          call: () => watch(client.call('a.b', {}, { key: 'k' })),
          online: () => signals.emit('online'),
          offline: () => signals.emit('offline'),
          visible: () => signals.emit('visible'),
          gifts: () => {
            link()?.skip(1);
            for (let n = 0; n < 3; n++) gateway.publish('r:1', 'gift', n, { lane: 'priority' });
          },
          cut: () => link()?.cut(),
          die: () => link()?.die(),
          hold: () => link()?.hold(),
          release: () => link()?.release(),
          junk: () => link()?.sendText('{'),
          ping: () => link()?.send({ type: 'ping' }),
          drain: () => link()?.drain(1_000, 'wss://c'),
          forget: () => gateway.tickets.clear(),
          kick: () => link()?.leave('r:1', { code: 204 }),
          shed: () => link()?.send({ type: 'shed', group: 'r:1', count: 1, reason: 'budget' }),
          accept: () => Object.assign(gateway, { verify, onConnecting, onHello }),
          'refuse transport': () => Object.assign(gateway, { onConnecting: () => link()?.cut() }),
          'ignore transport': () => Object.assign(gateway, { onConnecting: () => {} }),
          'ignore hello': () => Object.assign(gateway, { onHello: () => {} }),
          refuse: () => (gateway.verify = fail('VERIFIER_UNAVAILABLE')),
          expire: () => (gateway.verify = fail('TOKEN_EXPIRED')),
          welcome: () => link()?.hello && link()?.welcome(),
        };
        for (const step of taken) {
          if (typeof step === 'number') link()?.close(step);
          else if (acts[step]) acts[step]();
          else await pass(Number(step));
          if (step !== 'junk') await gateway.settled();
          expect(gateway.links.filter(({ state }) => state !== 'closed').length).toBeLessThanOrEqual(1);
        }
        client.close();
        await gateway.settled();
        clock.advance(0);
        await gateway.settled();
        expect(clock.pendingTimers).toBe(0);
        expect(signals.watchers).toBe(0);
        expect(unsettled.size).toBe(0);
        for (const error of errors) expect(error).toMatchObject({ name: 'MALFORMED' });
      }),
      { numRuns: 300 },
    );
  }, 60_000);
});

function fail(name: 'TOKEN_EXPIRED' | 'VERIFIER_UNAVAILABLE'): () => never {
  return () => {
    throw new ImError(name);
  };
}
