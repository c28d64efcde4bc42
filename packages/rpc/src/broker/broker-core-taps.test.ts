import { describe, expect, it } from 'vitest';
import { callOf, message } from '../testing/wire-peer.js';
import { sayAll, tokens, useBroker } from './broker-core.fixture.js';

describe('a broker', () => {
  const { caller, serving, advance } = useBroker();

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
});
