import type { ImError } from '@im/protocol';
import { silentLogger } from '@im/protocol/ports';
import { FakeClock, seededRandom } from '@im/protocol/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { RpcReply } from '../rpc.js';
import { failure } from '../testing/contract/contract-fixture.js';
import { endOfTurn, FakeBroker, message } from '../testing/wire-peer.js';
import { Caller } from './caller.js';

const NOTHING = new Uint8Array(0);
const HANDED_OUT = {
  code: 304,
  name: 'DEADLINE_EXCEEDED',
  message: 'late',
  retryable: true,
  details: { handedOut: true },
};

describe('a caller', () => {
  let clock: FakeClock;
  let brokers: FakeBroker[];
  let caller: Caller;

  function connect(count: number): void {
    clock = new FakeClock();
    brokers = Array.from({ length: count }, () => new FakeBroker({ local: false }));
    caller = new Caller({
      clock,
      random: seededRandom(1),
      logger: silentLogger,
      maxBodyBytes: 1_000,
      connectors: brokers,
      onClose: () => {},
    });
  }

  /** Brokers that live answer each second. */
  async function live(ms: number, living = brokers): Promise<void> {
    for (let passed = 0; passed < ms; passed += 500) {
      clock.advance(500);
      await endOfTurn();
      for (const broker of living) await broker.say(message('pong', 0, { caller: 0, broker: 'b' }));
    }
  }

  beforeEach(async () => {
    connect(1);
    await live(500);
  });

  function only(): FakeBroker {
    return brokers[0] as FakeBroker;
  }

  async function sent(broker = only()): Promise<number[]> {
    await endOfTurn();
    return broker.of('call').map(({ id }) => id);
  }

  it('[RP-6] [RP-7] refuses keys beyond 256 characters and empty ones before anything is sent', async () => {
    for (const key of ['', 'k'.repeat(257)]) {
      expect(await failure(caller.call('a', 'b', NOTHING, { idempotencyKey: key }))).toMatchObject({
        name: 'INVALID_ARGUMENT',
        details: { argument: 'idempotencyKey' },
      });
      expect(await failure(caller.call('a', 'b', NOTHING, { routingKey: key }))).toMatchObject({
        name: 'INVALID_ARGUMENT',
        details: { argument: 'routingKey' },
      });
    }
    const call = caller.call('a', 'b', NOTHING, { routingKey: '\u{1f680}'.repeat(256) });
    const [id = 0] = await sent();
    await only().say(message('reply', id));
    await call;
  });

  it('[RP-18] sends what one turn calls in one message, and a lone call at once', async () => {
    const calls = Promise.all([1, 2, 3].map(() => caller.call('a', 'b', NOTHING)));
    expect(only().of('call')).toEqual([]);
    const ids = await sent();
    expect(ids).toHaveLength(3);
    await only().say(...ids.map((id) => message('reply', id)));
    await calls;
  });

  it('[RP-26] waits for a late reply ten minutes at most', async () => {
    const late: RpcReply[] = [];
    const ids: number[] = [];
    for (const wait of [1_000, 601_000]) {
      const call = failure(
        caller.call('a', 'b', NOTHING, { timeoutMs: 100, onLate: (reply) => void late.push(reply) }),
      );
      ids.push((await sent()).at(-1) ?? 0);
      await only().say(message('error', ids.at(-1) ?? 0, HANDED_OUT));
      expect(await call).toMatchObject({ name: 'DEADLINE_EXCEEDED', details: { handedOut: true } });
      await live(wait);
      await only().say(message('reply', ids.at(-1) ?? 0, {}, 'late'));
    }
    expect(late).toHaveLength(1);
  });

  it('[RP-30] ends a call whose worker sends more parts than it may, and keeps none beyond', async () => {
    const stream = caller.stream('a', 'b', NOTHING);
    const failed = failure(stream.reply);
    const [id = 0] = await sent();
    for (let i = 0; i < 100; i++) await only().say(message('part', id, {}, 'x'));
    expect(only().of('cancel')).toMatchObject([{ id }]);
    await only().say(message('error', id, { ...HANDED_OUT, code: 305, name: 'CANCELLED' }));
    expect(await failed).toMatchObject({ name: 'INTERNAL' });
  });

  it('fails with CANCELLED when the reader of a stream leaves', async () => {
    const stream = caller.stream('a', 'b', NOTHING);
    const failed = failure(stream.reply);
    const [id = 0] = await sent();
    await only().say(message('part', id, {}, 'x'));
    for await (const _ of stream) break;
    await endOfTurn();
    expect(only().of('cancel')).toMatchObject([{ id, members: { reason: 'cancelled' } }]);
    await only().say(message('error', id, { ...HANDED_OUT, code: 305, name: 'CANCELLED' }));
    expect(await failed).toMatchObject({ name: 'CANCELLED' });
  });

  it('[RP-39] asks a silent broker, takes it for lost after three rounds, and repeats what may be repeated elsewhere', async () => {
    connect(2);
    await live(500);
    const [dead, alive] = brokers as [FakeBroker, FakeBroker];
    const outcomes: unknown[] = [];
    const begin = (idempotent: boolean) =>
      caller.call('a', 'b', NOTHING, { idempotent, timeoutMs: 60_000 }).then(
        (reply) => outcomes.push(reply),
        (error: ImError) => outcomes.push(error.name),
      );
    const calls: Promise<unknown>[] = [];
    while (dead.of('call').length < 2 || alive.of('call').length < 2) {
      calls.push(begin(true), begin(false));
      await endOfTurn();
    }
    const had = dead.of('call').length;
    const before = alive.of('call').length;
    await live(3_000, [alive]);
    expect(outcomes).toEqual([]);
    await live(2_000, [alive]);
    expect(outcomes).toEqual(Array.from({ length: had / 2 }, () => 'CALL_LOST'));
    expect(alive.of('call')).toHaveLength(before + had / 2);
    await alive.say(...alive.of('call').map(({ id }) => message('reply', id)));
    await Promise.all(calls);
  });

  it('[RP-39] does not repeat a stream of which it has parts', async () => {
    const stream = caller.stream('a', 'b', NOTHING, { idempotent: true });
    const failed = failure(stream.reply);
    const [id = 0] = await sent();
    await only().say(message('part', id, {}, 'x'));
    await only().vanish();
    expect(await failed).toMatchObject({ name: 'CALL_LOST', details: { lost: 'broker' } });
  });

  it('[RP-39] keeps calls that were never sent until their deadline', async () => {
    await only().vanish();
    const failed = failure(caller.call('a', 'b', NOTHING, { timeoutMs: 5_000 }));
    await live(5_000, []);
    expect(await failed).toMatchObject({ name: 'DEADLINE_EXCEEDED', details: { handedOut: false } });
  });

  it('[RP-43] fails with QUEUE_FULL beyond 65,536 open calls and while a broker takes nothing', async () => {
    only().congested = true;
    expect(await failure(caller.call('a', 'b', NOTHING))).toMatchObject({
      name: 'QUEUE_FULL',
      details: { limit: 'unsent bytes' },
    });
    only().congested = false;
    const calls = Promise.allSettled(Array.from({ length: 65_536 }, () => caller.call('a', 'b', NOTHING)));
    expect(await failure(caller.call('a', 'b', NOTHING))).toMatchObject({
      name: 'QUEUE_FULL',
      details: { limit: 'open calls' },
    });
    await caller.close();
    for (const { status } of await calls) expect(status).toBe('rejected');
    expect(clock.pendingTimers).toBe(0);
  });
});
