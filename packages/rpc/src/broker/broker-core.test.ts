import { FakeClock, RecordingMetrics } from '@im/protocol/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { callOf, endOfTurn, message, packOf, serveOf, WirePeer } from '../testing/wire-peer.js';
import { NO_ID } from '../wire/record.js';
import type { BrokerCore } from './broker-core.js';
import { type BrokerLimits, createBrokerCore } from './create-broker-core.js';

const OPTIONAL = { key: 'k', route: 'r', trace: '00-1-2-01', headers: { a: 1 } };

describe('a broker', () => {
  let clock: FakeClock;
  let metrics: RecordingMetrics;
  let core: BrokerCore;

  function start(limits: BrokerLimits & { graceMs?: number } = {}): void {
    clock = new FakeClock();
    metrics = new RecordingMetrics();
    core = createBrokerCore({ clock, metrics, graceMs: 0, ...limits });
  }

  beforeEach(() => start());

  function caller(options = {}): WirePeer {
    return new WirePeer((link) => core.acceptCaller(link), options);
  }

  function worker(options = {}): WirePeer {
    return new WirePeer((link) => core.acceptWorker(link), options);
  }

  async function serving(members: Readonly<Record<string, unknown>> = {}): Promise<WirePeer> {
    const peer = worker();
    await peer.say(serveOf(1, members));
    peer.forget();
    return peer;
  }

  /** The ids under which a worker knows its calls. */
  function tokens(peer: WirePeer): number[] {
    return peer.of('call').map(({ id }) => id);
  }

  async function advance(ms: number): Promise<void> {
    clock.advance(ms);
    await endOfTurn();
  }

  async function sayAll(peer: WirePeer, kind: 'reply', ids: readonly number[]): Promise<void> {
    for (const id of ids) await peer.say(message(kind, id));
  }

  describe('and calls', () => {
    it('[RP-2] answers each call once, and counts a second one of the same id as malformed', async () => {
      const served = await serving();
      const peer = caller();
      await peer.say(callOf(5), callOf(5));
      expect(served.of('call')).toHaveLength(1);
      expect(metrics.value('im_rpc_malformed_total')).toBe(1);
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
      expect(metrics.value('im_rpc_malformed_total')).toBe(1);
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
      expect(core.calls.size).toBe(0);
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
      expect(metrics.value('im_rpc_malformed_total')).toBe(2);
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
      expect(metrics.value('im_rpc_open_calls')).toBe(0);
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
      expect(metrics.value('im_rpc_open_calls')).toBe(0);
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

  describe('and workers that are lost', () => {
    it('[RP-25] hands out again what may be repeated, and answers CALL_LOST to the rest', async () => {
      const lost = await serving({ worker: 'a' });
      const peer = caller();
      await peer.say(callOf(1), callOf(2, { idempotent: true }), callOf(3, { key: 'k' }));
      const heir = await serving({ worker: 'b' });
      await lost.leave();
      expect(peer.of('error')).toMatchObject([
        { id: 1, members: { name: 'CALL_LOST', details: { handedOut: true, lost: 'worker' } } },
      ]);
      await sayAll(heir, 'reply', tokens(heir));
      expect(peer.of('reply').map(({ id }) => id)).toEqual([2, 3]);
    });

    it('[RP-25] never loses with a worker what it was not handed out', async () => {
      const lost = await serving({ worker: 'a', concurrency: 1 });
      const peer = caller();
      await peer.say(callOf(1), callOf(2), callOf(3, { route: 'r' }));
      const heir = worker();
      await heir.say(serveOf(1, { worker: 'b' }));
      await lost.leave();
      await sayAll(heir, 'reply', tokens(heir));
      expect(peer.of('error').map(({ id }) => id)).toEqual([1]);
      expect(
        peer
          .of('reply')
          .map(({ id }) => id)
          .sort(),
      ).toEqual([2, 3]);
    });

    it('[RP-25] gives a call that took three workers with it to no fourth', async () => {
      const peer = caller();
      const workers = [];
      for (const name of ['a', 'b', 'c', 'd']) workers.push(await serving({ worker: name }));
      await peer.say(callOf(1, { idempotent: true }));
      for (let round = 0; round < 3; round++) {
        const holder = workers.find((one) => one.of('call').length > 0);
        workers.splice(workers.indexOf(holder as WirePeer), 1);
        await holder?.leave();
      }
      expect(peer.of('error')).toMatchObject([{ id: 1, members: { name: 'CALL_LOST' } }]);
      expect(workers[0]?.of('call')).toEqual([]);
    });

    it('[RP-25] [RP-29] does not repeat a stream of which its caller has parts', async () => {
      const lost = await serving({ worker: 'a' });
      const peer = caller();
      await peer.say(callOf(1, { idempotent: true, stream: true }), callOf(2, { idempotent: true, stream: true }));
      await lost.say(message('part', tokens(lost)[0] ?? 0, {}, 'one'));
      const heir = await serving({ worker: 'b' });
      await lost.leave();
      expect(peer.of('part')).toHaveLength(1);
      expect(peer.of('error')).toMatchObject([{ id: 1, members: { name: 'CALL_LOST' } }]);
      expect(heir.of('call')).toHaveLength(1);
    });

    it('[RP-37] takes a worker for lost after three intervals without a word, and back when it speaks', async () => {
      const silent = worker({ local: false });
      await silent.say(serveOf(1, { worker: 'a', pingMs: 1_000 }));
      const heir = await serving({ worker: 'b' });
      const peer = caller();
      await peer.say(
        callOf(1, { idempotent: true, timeoutMs: 60_000 }),
        callOf(2, { idempotent: true, timeoutMs: 60_000 }),
      );
      for (let ms = 0; ms < 2_500; ms += 500) await advance(500);
      expect(heir.of('call')).toHaveLength(1);
      for (let ms = 0; ms < 1_500; ms += 500) await advance(500);
      expect(heir.of('call')).toHaveLength(2);
      silent.forget();
      await silent.say(message('ping', 7));
      expect(silent.received.map(({ kind }) => kind)).toEqual(['pong', 'again']);
      await silent.say(serveOf(1, { worker: 'a', pingMs: 1_000 }));
      await peer.say(...[3, 4, 5, 6].map((id) => callOf(id, { timeoutMs: 60_000 })));
      expect(silent.of('call').length).toBeGreaterThan(0);
    });

    it('[RP-37] never takes a worker for lost that promised nothing, or that speaks', async () => {
      const quiet = await serving({ worker: 'a' });
      const busy = worker();
      await busy.say(serveOf(1, { worker: 'b', pingMs: 1_000 }));
      const peer = caller();
      await peer.say(...[1, 2].map((id) => callOf(id, { timeoutMs: 60_000 })));
      for (let ms = 0; ms < 30_000; ms += 500) {
        if (ms % 1_000 === 0) await busy.say(message('ping', 1));
        await advance(500);
      }
      expect(peer.received).toEqual([]);
      expect([quiet, busy].map((one) => one.of('call').length)).toEqual([1, 1]);
    });

    it('looks for the calls of a worker that leaves only if it has some', async () => {
      const look = vi.spyOn(core.calls, 'at');
      const served = await serving();
      const peer = caller();
      await peer.say(callOf(1), callOf(2));
      await sayAll(served, 'reply', tokens(served).slice(0, 1));
      await served.say(...Array.from({ length: 100 }, () => message('bye', 0)));
      expect(look).toHaveBeenCalledTimes(1);
      expect(peer.of('error')).toMatchObject([{ members: { name: 'CALL_LOST' } }]);
      await served.say(serveOf(1), message('bye', 0));
      expect(look).toHaveBeenCalledTimes(1);
    });

    it('[RP-27] forgets with its worker what a caller gave up and a drained registration still has', async () => {
      const served = await serving();
      const peer = caller();
      await peer.say(callOf(1));
      await peer.say(message('cancel', 1, { reason: 'cancelled' }));
      await served.say(message('drain', 1));
      await served.leave();
      expect(metrics.value('im_rpc_open_calls')).toBe(0);
    });

    it('[RP-35] tells a worker that it does not know to serve anew', async () => {
      const unknown = worker();
      await unknown.say(message('reply', 5));
      expect(unknown.received.map(({ kind }) => kind)).toEqual(['again']);
      await unknown.say(serveOf(1));
      unknown.forget();
      await unknown.say(message('reply', 5));
      expect(unknown.received).toEqual([]);
    });

    it('[RP-33] answers drained once what it has is answered, hands out nothing meanwhile, and forgets it', async () => {
      const leaving = await serving();
      const peer = caller();
      await peer.say(callOf(1));
      await leaving.say(message('drain', 1));
      await peer.say(callOf(2));
      expect(peer.of('error')).toMatchObject([{ id: 2, members: { name: 'UNAVAILABLE' } }]);
      expect(leaving.of('drained')).toEqual([]);
      await sayAll(leaving, 'reply', tokens(leaving));
      expect(leaving.of('drained')).toMatchObject([{ id: 1 }]);
      expect(leaving.of('call')).toHaveLength(1);
      leaving.forget();
      await leaving.say(message('drain', 1));
      expect(leaving.received.map(({ kind }) => kind)).toEqual(['drained']);
    });

    it('[RP-34] gives a worker no more than its concurrency', async () => {
      const served = await serving({ concurrency: 3 });
      await caller().say(...[1, 2, 3, 4, 5].map((id) => callOf(id)));
      expect(served.of('call')).toHaveLength(3);
      await served.say(message('reply', tokens(served)[0] ?? 0));
      expect(served.of('call')).toHaveLength(4);
    });

    it('[RP-32] answers serve with serving or refused', async () => {
      const peer = worker();
      await peer.say(serveOf(1), serveOf(2, { concurrency: 0 }), serveOf(3, { service: 'a.b' }), serveOf(1));
      expect(peer.received).toMatchObject([
        { kind: 'serving', id: 1 },
        { kind: 'refused', id: 2, members: { name: 'INVALID_ARGUMENT', details: { argument: 'concurrency' } } },
        { kind: 'refused', id: 3, members: { name: 'INVALID_ARGUMENT' } },
        { kind: 'serving', id: 1 },
      ]);
    });

    it('[RP-4] refuses services whose names are its own or no names', async () => {
      const peer = worker();
      for (const service of ['$broker', '', 'a'.repeat(65), '1a']) await peer.say(serveOf(1, { service }));
      expect(peer.received.map(({ kind }) => kind)).toEqual(['refused', 'refused', 'refused', 'refused']);
      await peer.say(serveOf(1, { methods: ['$kick', 'a'.repeat(64)] }));
      expect(peer.of('serving')).toHaveLength(1);
    });
  });

  describe('and pings', () => {
    it('[RP-38] answers with its instance and the open calls of the connection', async () => {
      await serving();
      const peer = caller();
      await peer.say(callOf(1), callOf(2), message('ping', 9));
      expect(peer.of('pong')).toEqual([message('pong', 9, { caller: 2, broker: core.instance }, Buffer.alloc(0))]);
      const before = core.instance;
      start();
      expect(core.instance).not.toBe(before);
    });
  });

  describe('and taps', () => {
    const tapOf = (id: number, members = {}) =>
      callOf(id, { service: '$broker', method: 'tap', stream: true, timeoutMs: 3_600_000, ...members });

    it('[RP-44] answers a tap DEADLINE_EXCEEDED once its deadline has passed', async () => {
      const peer = caller();
      await peer.say(tapOf(1, { timeoutMs: 60_000 }), tapOf(2));
      for (let ms = 0; ms < 59_500; ms += 500) await advance(500);
      expect(peer.received).toEqual([]);
      for (let ms = 0; ms < 1_000; ms += 500) await advance(500);
      expect(peer.received).toMatchObject([{ kind: 'error', id: 1, members: { name: 'DEADLINE_EXCEEDED' } }]);
    });

    it('[RP-44] ends the taps of a caller that neither pings nor takes what it is shown, and of no other', async () => {
      const served = await serving();
      const forgotten = caller({ local: false });
      const pinging = caller({ local: false });
      const watching = caller({ local: false });
      const calling = caller({ local: false });
      const asking = caller();
      await forgotten.say(tapOf(1, { method: 'tap' }), tapOf(2));
      await pinging.say(tapOf(1));
      await calling.say(tapOf(1), callOf(2, { timeoutMs: 60_000 }));
      for (let ms = 0; ms < 3_000; ms += 500) {
        if (ms % 1_000 === 0) await pinging.say(message('ping', 1));
        await advance(500);
      }
      expect(forgotten.received).toEqual([]);
      await watching.say(tapOf(1));
      for (let ms = 0; ms < 10_000; ms += 500) {
        if (ms % 1_000 === 0) await pinging.say(message('ping', 1));
        // One that is shown calls need not ping, as long as it takes them.
        await asking.say(callOf(ms, { timeoutMs: 60_000 }));
        await sayAll(served, 'reply', tokens(served).slice(-1));
        await advance(500);
      }
      const lost = { name: 'CALL_LOST', details: { lost: 'caller' } };
      expect(watching.of('error')).toEqual([]);
      expect(watching.of('part')).toHaveLength(20);
      expect(pinging.of('error')).toEqual([]);
      for (let ms = 0; ms < 5_000; ms += 500) await advance(500);
      expect(calling.of('error')).toEqual([]);
      expect(forgotten.of('error')).toMatchObject([
        { id: 1, members: lost },
        { id: 2, members: lost },
      ]);
      expect(watching.of('error')).toMatchObject([{ id: 1, members: lost }]);
    });

    it('[RP-44] has room for other taps once those that were forgotten have ended', async () => {
      const forgetful = caller({ local: false });
      await forgetful.say(...Array.from({ length: 33 }, (_, id) => tapOf(id)));
      expect(forgetful.of('error')).toMatchObject([{ id: 32, members: { name: 'OVERLOADED' } }]);
      for (let ms = 0; ms < 5_000; ms += 500) await advance(500);
      expect(forgetful.of('error')).toHaveLength(33);
      const next = caller();
      await next.say(tapOf(1));
      expect(next.received).toEqual([]);
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
      expect(metrics.value('im_rpc_open_calls')).toBe(1);
    });
  });
});
