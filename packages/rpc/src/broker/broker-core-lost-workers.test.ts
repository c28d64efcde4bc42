import { describe, expect, it, vi } from 'vitest';
import { callOf, message, serveOf, type WirePeer } from '../testing/wire-peer.js';
import { sayAll, tokens, useBroker } from './broker-core.fixture.js';

describe('a broker', () => {
  const broker = useBroker();
  const { caller, worker, serving, advance } = broker;

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
      const look = vi.spyOn(broker.core.calls, 'at');
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
      expect(broker.metrics.value('im_rpc_open_calls')).toBe(0);
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
});
