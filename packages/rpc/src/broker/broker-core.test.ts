import { describe, expect, it } from 'vitest';
import { callOf, message, packOf, serveOf, type WirePeer } from '../testing/wire-peer.js';
import { NO_ID } from '../wire/record.js';
import { sayAll, tokens, useBroker } from './broker-core.fixture.js';

const OPTIONAL = { key: 'k', route: 'r', trace: '00-1-2-01', headers: { a: 1 } };

describe('a broker', () => {
  const broker = useBroker();
  const { start, caller, worker, serving, advance } = broker;

  describe('and calls', () => {
    it('[RP-2] answers each call once, and counts a second one of the same id as malformed', async () => {
      const served = await serving();
      const peer = caller();
      await peer.say(callOf(5), callOf(5));
      expect(served.of('call')).toHaveLength(1);
      expect(broker.metrics.value('im_rpc_malformed_total')).toBe(1);
      expect(peer.of('error')).toMatchObject([{ id: NO_ID, members: { name: 'MALFORMED' } }]);
      await sayAll(served, 'reply', tokens(served));
      expect(peer.of('reply')).toHaveLength(1);
      await peer.say(callOf(5));
      expect(served.of('call')).toHaveLength(2);
    });

    it('[RP-2] takes the id of an open tap for the id of an open call', async () => {
      await serving();
      const peer = caller();
      await peer.say(callOf(5, { service: '$broker', method: 'tap', stream: true }), callOf(5));
      expect(broker.metrics.value('im_rpc_malformed_total')).toBe(1);
    });

    it('[RP-1] takes the smallest and the largest id', async () => {
      const served = await serving();
      const peer = caller();
      await peer.say(callOf(0), callOf(NO_ID));
      await sayAll(served, 'reply', tokens(served));
      expect(peer.of('reply').map(({ id }) => id)).toEqual([0, NO_ID]);
    });

    it('[RP-3] [RP-8] passes on body, headers and trace as they are, never read', async () => {
      const served = await serving();
      const peer = caller();
      const body = Buffer.from([0, 255, 1, 123]);
      await peer.say(callOf(1, OPTIONAL, body));
      const [call] = served.of('call');
      expect(call).toMatchObject({ members: { ...OPTIONAL, target: 1 }, body });
      await served.say(message('reply', call?.id ?? 0, { headers: { b: 2 } }, body));
      expect(peer.of('reply')).toEqual([message('reply', 1, { headers: { b: 2 } }, body)]);
    });

    it.each([
      ['a trace', 8],
      ['headers', 16],
      ['a key', 2],
      ['a route', 4],
    ])('[RP-19] lets no call with half of %s spoil what others send to the same worker', async (_, flag) => {
      const served = await serving();
      const well = caller();
      const ill = caller();
      const frames = packOf(callOf(1, {}, Buffer.from([255])));
      (frames[0] as Buffer)[6] = flag;
      await Promise.all([ill.sayFrames(frames), well.say(callOf(2))]);
      expect(served.of('call')).toHaveLength(1);
      await sayAll(served, 'reply', tokens(served));
      expect(well.of('reply')).toHaveLength(1);
      expect(ill.of('error')).toMatchObject([{ id: NO_ID, members: { name: 'MALFORMED' } }]);
    });

    it('[RP-19] lets no reply with half of its headers spoil other answers to the same caller', async () => {
      const ill = await serving();
      const well = await serving({ worker: 'other' });
      const peer = caller();
      await peer.say(callOf(1, { timeoutMs: 100 }), callOf(2, { timeoutMs: 100 }));
      const [token = 0] = tokens(ill);
      const frames = packOf(message('reply', token, {}, Buffer.from([255, 255, 1])));
      (frames[0] as Buffer)[6] = 16;
      await Promise.all([ill.sayFrames(frames), well.say(message('reply', tokens(well)[0] ?? 0))]);
      expect(peer.of('reply')).toHaveLength(1);
      expect(peer.of('error')).toMatchObject([{ members: { name: 'INTERNAL' } }]);
      expect(broker.core.calls.size).toBe(0);
    });

    it('[RP-27] answers INTERNAL and frees the slot when a worker answers what is no answer', async () => {
      const served = await serving({ concurrency: 1 });
      const peer = caller();
      await peer.say(callOf(1), callOf(2));
      await served.say(message('error', tokens(served)[0] ?? 0, { code: 'none' }));
      expect(peer.of('error')).toMatchObject([{ id: 1, members: { name: 'INTERNAL', details: { handedOut: true } } }]);
      expect(tokens(served)).toHaveLength(2);
    });

    it('[RP-25] says of what it refuses by itself that it was not handed out', async () => {
      const peer = caller();
      await peer.say(callOf(1, { service: 'nobody' }));
      expect(peer.of('error')).toMatchObject([{ members: { name: 'SERVICE_UNKNOWN', details: { handedOut: false } } }]);
    });

    it('[RP-19] takes what stands before the malformed part, and says so once a connection', async () => {
      const served = await serving();
      const peer = caller();
      for (const id of [1, 2]) {
        const [pack] = packOf(callOf(id));
        await peer.sayFrames([Buffer.concat([pack as Buffer, Buffer.from([1, 0, 9])])]);
      }
      expect(served.of('call')).toHaveLength(2);
      expect(peer.of('error')).toMatchObject([{ id: NO_ID, members: { name: 'MALFORMED' } }]);
      expect(broker.metrics.value('im_rpc_malformed_total')).toBe(2);
    });

    it('[RP-42] refuses bodies beyond its limit, in the record and beside it', async () => {
      start({ maxBodyBytes: 1_000 });
      const served = await serving();
      const peer = caller();
      for (const size of [1_001, 5_000]) await peer.say(callOf(size, OPTIONAL, Buffer.alloc(size)));
      expect(peer.of('error')).toMatchObject([
        { id: 1_001, members: { name: 'BODY_TOO_LARGE', details: { limitBytes: 1_000 } } },
        { id: 5_000, members: { name: 'BODY_TOO_LARGE' } },
      ]);
      await peer.say(callOf(1, OPTIONAL, Buffer.alloc(1_000)));
      expect(served.of('call')).toHaveLength(1);
    });

    it('[RP-43] refuses what a caller has open beyond 65,536 calls', { timeout: 60_000 }, async () => {
      start({ queueLimit: 100_000 });
      await serving({ concurrency: 1 });
      const peer = caller();
      const calls = Array.from({ length: 65_537 }, (_, id) => callOf(id));
      for (let at = 0; at < calls.length; at += 1_000) await peer.say(...calls.slice(at, at + 1_000));
      expect(peer.of('error')).toMatchObject([
        { id: 65_536, members: { name: 'OVERLOADED', details: { limit: 'open calls' } } },
      ]);
      const other = caller();
      await other.say(callOf(1));
      expect(other.received).toEqual([]);
    });

    it('[RP-22] tells every call of a flood for a service nobody can serve any more, and keeps nothing of it', async () => {
      const served = await serving({ concurrency: 1 });
      const peer = caller();
      await served.leave();
      for (let i = 0; i < 200; i++) await peer.say(...Array.from({ length: 500 }, (_, id) => callOf(i * 500 + id)));
      expect(new Set(peer.of('error').map(({ members }) => members.name))).toEqual(new Set(['UNAVAILABLE']));
      expect(peer.received).toHaveLength(100_000);
      expect(broker.metrics.value('im_rpc_open_calls')).toBe(0);
    });

    it('[RP-28] cancels all calls of a caller that leaves or says bye', async () => {
      const served = await serving({ concurrency: 1 });
      const gone = caller();
      await gone.say(callOf(1), callOf(2));
      await gone.leave();
      expect(served.of('cancel')).toMatchObject([{ members: { reason: 'cancelled' } }]);
      await sayAll(served, 'reply', tokens(served));
      const polite = caller();
      await polite.say(callOf(1));
      await polite.say(message('bye', 0));
      expect(served.of('cancel')).toHaveLength(2);
      await sayAll(served, 'reply', tokens(served).slice(1));
      expect(broker.metrics.value('im_rpc_open_calls')).toBe(0);
      expect(polite.received).toEqual([]);
    });

    it('[RP-26] answers a cancelled call at once, and passes on its late reply only if that is wanted', async () => {
      const served = await serving();
      const peer = caller();
      await peer.say(callOf(1), callOf(2, { late: true }));
      await peer.say(message('cancel', 1, { reason: 'cancelled' }), message('cancel', 2, { reason: 'deadline' }));
      expect(peer.of('error')).toMatchObject([
        { id: 1, members: { name: 'CANCELLED', details: { handedOut: true } } },
        { id: 2, members: { name: 'DEADLINE_EXCEEDED', details: { handedOut: true } } },
      ]);
      expect(served.of('cancel').map(({ members }) => members.reason)).toEqual(['cancelled', 'deadline']);
      await sayAll(served, 'reply', tokens(served));
      expect(peer.of('reply').map(({ id }) => id)).toEqual([2]);
    });

    it('[RP-27] keeps the slot of a cancelled call until its worker answers', async () => {
      const served = await serving({ concurrency: 1 });
      const peer = caller();
      await peer.say(callOf(1));
      await peer.say(message('cancel', 1, { reason: 'cancelled' }), callOf(2));
      expect(served.of('call')).toHaveLength(1);
      await served.say(message('error', tokens(served)[0] ?? 0, { code: 305, name: 'CANCELLED' }));
      expect(served.of('call')).toHaveLength(2);
    });

    it('[RP-5] [RP-24] cuts deadlines to an hour, and answers what has passed without handing it out', async () => {
      const served = await serving({ concurrency: 2 });
      const peer = caller();
      await peer.say(callOf(1, { timeoutMs: 4_294_967_295 }), callOf(2, { timeoutMs: 0 }));
      expect(served.of('call')).toMatchObject([{ members: { timeoutMs: 3_600_000 } }]);
      expect(peer.of('error')).toMatchObject([
        { id: 2, members: { name: 'DEADLINE_EXCEEDED', details: { handedOut: false } } },
      ]);
    });
  });

  describe('and keys', () => {
    it('[RP-7] moves only the keys that a worker takes or leaves', async () => {
      const workers = [];
      for (const name of ['a', 'b', 'c']) workers.push(await serving({ worker: name, concurrency: 1_000 }));
      const peer = caller();
      const routes = Array.from({ length: 90 }, (_, i) => `room-${i}`);
      let id = 0;
      const round = async (peers: readonly WirePeer[]): Promise<Map<unknown, WirePeer>> => {
        for (const one of peers) one.forget();
        await peer.say(...routes.map((route) => callOf(id++, { route })));
        const owners = new Map(peers.flatMap((one) => one.of('call').map(({ members }) => [members.route, one])));
        for (const one of peers) await sayAll(one, 'reply', tokens(one));
        return owners;
      };
      const before = await round(workers);
      const fresh = await serving({ worker: 'd', concurrency: 1_000 });
      const after = await round([...workers, fresh]);
      const moved = routes.filter((route) => after.get(route) !== before.get(route));
      expect(moved.length).toBeGreaterThan(0);
      for (const route of moved) expect(after.get(route)).toBe(fresh);
      await fresh.leave();
      expect(await round(workers)).toEqual(before);
    });

    it('[RP-6] gives calls of one idempotency key to one worker, unless they have a route', async () => {
      const workers = [await serving({ worker: 'a' }), await serving({ worker: 'b' }), await serving({ worker: 'c' })];
      const peer = caller();
      await peer.say(...[1, 2, 3, 4].map((id) => callOf(id, { key: 'order' })));
      expect(workers.map((one) => one.of('call').length).sort()).toEqual([0, 0, 4]);
      for (const one of workers) one.forget();
      await peer.say(...Array.from({ length: 24 }, (_, i) => callOf(100 + i, { key: 'order', route: `r${i}` })));
      expect(workers.filter((one) => one.received.length > 0).length).toBeGreaterThan(1);
    });

    it('[RP-31] [RP-7] ranks keys by the name of the worker, so that every broker chooses the same', async () => {
      const owners: unknown[][] = [];
      for (const order of [
        ['a', 'b', 'c'],
        ['c', 'b', 'a'],
      ]) {
        start();
        const workers = new Map<string, WirePeer>();
        for (const name of order) workers.set(name, await serving({ worker: name, concurrency: 100 }));
        await caller().say(...Array.from({ length: 30 }, (_, id) => callOf(id, { route: `room-${id}` })));
        owners.push(
          ['a', 'b', 'c'].map((name) =>
            workers
              .get(name)
              ?.of('call')
              .map(({ members }) => members.route),
          ),
        );
      }
      expect(owners[0]).toEqual(owners[1]);
    });
  });

  describe('and pings', () => {
    it('[RP-38] answers with its instance and the open calls of the connection', async () => {
      await serving();
      const peer = caller();
      await peer.say(callOf(1), callOf(2), message('ping', 9));
      expect(peer.of('pong')).toEqual([
        message('pong', 9, { caller: 2, broker: broker.core.instance }, Buffer.alloc(0)),
      ]);
      const before = broker.core.instance;
      start();
      expect(broker.core.instance).not.toBe(before);
    });
  });

  describe('while it starts', () => {
    it('[RP-20] keeps calls for workers that are on their way, and room for what those serve', async () => {
      start({ graceMs: 3_000, maxServices: 10 });
      const peer = caller();
      await peer.say(
        ...Array.from({ length: 20 }, (_, id) => callOf(id, { service: `made-up-${id}`, timeoutMs: 60_000 })),
      );
      const served = worker();
      await served.say(...[1, 2, 3, 4, 5].map((id) => serveOf(id, { service: `real-${id}` })));
      expect(served.of('serving')).toHaveLength(5);
      await served.say(serveOf(6, { service: 'made-up-0' }));
      expect(served.of('call')).toHaveLength(1);
      await advance(3_000);
      expect(peer.of('error').filter(({ members }) => members.name === 'SERVICE_UNKNOWN')).toHaveLength(19);
      expect(broker.metrics.value('im_rpc_open_calls')).toBe(1);
    });
  });
});
