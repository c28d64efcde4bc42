import { silentLogger } from '@im/protocol/ports';
import { FakeClock, seededRandom } from '@im/protocol/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { HeldService } from '../testing/held-service.js';
import { callOf, endOfTurn, FakeBroker, message, packOf } from '../testing/wire-peer.js';
import { Worker } from './worker.js';

describe('a worker', () => {
  let clock: FakeClock;
  let broker: FakeBroker;
  let worker: Worker;
  let held: HeldService;

  /** @param ms in steps of a second, answered by pongs, as a living broker does */
  async function live(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 500) {
      clock.advance(500);
      await broker.say(message('pong', 0, { caller: 0, broker: 'b' }));
    }
  }

  async function serve(concurrency = 8): Promise<void> {
    held = new HeldService('echo', { concurrency });
    const served = worker.serve(held);
    await live(500);
    await broker.say(message('serving', 1));
    await served;
  }

  beforeEach(() => {
    clock = new FakeClock();
    broker = new FakeBroker({ local: false });
    worker = new Worker({
      clock,
      random: seededRandom(1),
      logger: silentLogger,
      maxBodyBytes: 1_000,
      connectors: [broker],
      onClose: () => {},
    });
  });

  it('[RP-35] serves anew when a broker does not know it', async () => {
    await serve();
    await broker.say(message('again', 0));
    expect(broker.of('serve').length).toBeGreaterThan(1);
    expect(broker.of('serve').at(-1)).toEqual(broker.of('serve')[0]);
  });

  it('[RP-37] promises to ping, and does', async () => {
    await serve();
    expect(broker.of('serve')[0]?.members).toMatchObject({ pingMs: 1_000 });
    const before = broker.of('ping').length;
    for (let ms = 0; ms < 3_000; ms += 1_000) {
      clock.advance(1_000);
      await endOfTurn();
    }
    expect(broker.of('ping').length).toBeGreaterThan(before);
  });

  it('answers no call of the next broker with what it made of one of the last', async () => {
    await serve();
    await broker.say(callOf(5, { target: 1 }, 'old'));
    const old = await held.next();
    await broker.vanish();
    await live(1_000);
    expect(broker.opened).toBe(2);
    await broker.say(callOf(5, { target: 1 }, 'new'));
    const fresh = await held.next();
    old.answer();
    await endOfTurn();
    expect(broker.of('reply')).toEqual([]);
    fresh.answer();
    await endOfTurn();
    expect(broker.of('reply').map(({ body }) => String(body))).toEqual(['new']);
  });

  it('does not begin what waited for a slot when its broker went', async () => {
    await serve(1);
    await broker.say(callOf(5, { target: 1 }), callOf(6, { target: 1 }));
    const running = await held.next();
    await broker.vanish();
    running.answer();
    await endOfTurn();
    expect(held.calls).toHaveLength(1);
  });

  it('[RP-8] answers MALFORMED to headers that are no JSON object, when they are read', async () => {
    await serve();
    const frames = packOf(callOf(5, { target: 1, headers: { a: 1 } }));
    const pack = frames[0] as Buffer;
    pack.write('[', pack.indexOf('{'));
    pack.write(']', pack.indexOf('}'));
    await broker.sayFrames(frames);
    const call = await held.next();
    expect(() => call.request.headers).toThrow(expect.objectContaining({ name: 'MALFORMED' }));
  });

  it('[RP-27] answers a call that was cancelled', async () => {
    await serve();
    await broker.say(callOf(5, { target: 1 }));
    const { request, answer } = await held.next();
    await broker.say(message('cancel', 5, { reason: 'deadline' }));
    expect(request.signal.reason).toMatchObject({ name: 'DEADLINE_EXCEEDED' });
    answer();
    await endOfTurn();
    expect(broker.of('reply')).toHaveLength(1);
  });

  it('[RP-30] sends 32 parts unasked, and as many more as it is granted', async () => {
    await serve();
    await broker.say(callOf(5, { target: 1, stream: true }));
    const { request, answer } = await held.next();
    let sent = 0;
    const sending = (async () => {
      for (; sent < 40; sent++) await request.send(Buffer.from([sent]));
    })();
    await endOfTurn();
    expect(broker.of('part')).toHaveLength(32);
    await broker.say(message('more', 5, { count: 3 }));
    expect(broker.of('part')).toHaveLength(35);
    await broker.say(message('more', 5, { count: 16 }));
    await sending;
    expect(broker.of('part').map(({ body }) => body[0])).toEqual(Array.from({ length: 40 }, (_, i) => i));
    answer();
  });

  it('[RP-24] does not begin a call whose deadline passed while it waited at the worker', async () => {
    await serve(1);
    await broker.say(callOf(5, { target: 1 }), callOf(6, { target: 1, timeoutMs: 100 }));
    const { answer } = await held.next();
    await live(500);
    answer();
    await endOfTurn();
    expect(held.calls).toHaveLength(1);
    expect(broker.of('error')).toMatchObject([
      { id: 6, members: { name: 'DEADLINE_EXCEEDED', details: { handedOut: false } } },
    ]);
  });

  it('answers UNAVAILABLE to a call for a registration it does not have', async () => {
    await serve();
    await broker.say(callOf(5, { target: 9 }));
    expect(broker.of('error')).toMatchObject([{ id: 5, members: { name: 'UNAVAILABLE' } }]);
  });
});
