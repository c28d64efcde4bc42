/**
 * Golden vectors, mutated, at everything that reads them: decoders, broker, caller and worker. None throws, dies or keeps
 * anything. `FUZZ_RUNS=1000000 vitest run …` looks longer; `FUZZ_SEED` repeats a run that failed.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { silentLogger } from '@im/protocol/ports';
import { FakeClock, RecordingMetrics, seededRandom } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { createBrokerCore } from './broker/create-broker-core.js';
import { Caller } from './caller/caller.js';
import { MutatedFrames } from './testing/mutated-frames.js';
import { callOf, endOfTurn, FakeBroker, message, packOf, serveOf, WirePeer } from './testing/wire-peer.js';
import { readMessage, writeMessage } from './wire/message.js';
import { PackReader } from './wire/pack-reader.js';
import { PackWriter } from './wire/pack-writer.js';
import { decodePlain } from './wire/plain-codec.js';
import { Worker } from './worker/worker.js';
import { packToPlain, plainToPack } from './zeromq/plain-peer.js';

const RUNS = Number(process.env.FUZZ_RUNS ?? 20_000);
const SEED = Number(process.env.FUZZ_SEED ?? 1);
const TURN = 50;
const MOST_GROWTH_BYTES = 24 * 1_048_576;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Heap in use, garbage collected. */
async function heapBytes(): Promise<number> {
  await endOfTurn();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Runs it so often, in turns; the heap after all is about what it was after a tenth. */
async function often(run: (index: number) => void, endTurn: (index: number) => Promise<void> | void): Promise<void> {
  let early = Number.POSITIVE_INFINITY;
  for (let index = 1; index <= RUNS; index++) {
    run(index);
    if (index % TURN === 0) {
      await endTurn(index);
      await endOfTurn();
    }
    if (index === Math.ceil(RUNS / 10)) early = await heapBytes();
  }
  expect((await heapBytes()) - early).toBeLessThan(MOST_GROWTH_BYTES);
}

/** The frames among other bytes, which must not be read. */
function surrounded(frames: readonly Buffer[], filling: number): Buffer[] {
  return frames.map((frame) => {
    const all = Buffer.alloc(frame.length + 64, filling);
    frame.copy(all, 32);
    return all.subarray(32, 32 + frame.length);
  });
}

const CALL = packOf(callOf(1_000_001, { service: 'greeter', method: 'greet', idempotent: true }));
const STREAM = packOf(callOf(1_000_002, { service: 'greeter', method: 'greet', stream: true, late: true }));

const reader = new PackReader();

function readAll(frames: readonly Buffer[]): unknown[] {
  const read: unknown[] = [];
  reader.open(frames);
  while (reader.next()) {
    const one = readMessage(reader);
    if (one === undefined) continue;
    read.push({ ...one, body: Buffer.from(one.body).toString('latin1') });
  }
  return [...read, reader.malformed];
}

describe(`${RUNS} mutated envelopes, seed ${SEED}`, () => {
  it('[RP-15] [RP-19] are records or malformed, read within the frame alone', { timeout: 0 }, () => {
    const frames = new MutatedFrames(seededRandom(SEED));
    let malformed = 0;
    for (let run = 0; run < RUNS; run++) {
      const sent = frames.pack();
      const read = readAll(surrounded(sent, 0));
      const again = readAll(surrounded(sent, 255));
      if (JSON.stringify(again) !== JSON.stringify(read))
        expect.fail(`run ${run}: ${sent.map((f) => f.toString('hex'))}`);
      if (read.at(-1) === true) malformed++;
    }
    // Both outcomes must have been common, or the mutations prove nothing.
    expect(malformed).toBeGreaterThan(RUNS / 20);
    expect(malformed).toBeLessThan((RUNS * 19) / 20);
  });

  it('[RP-14] are messages, unknown or malformed in the plain form, and survive the way there and back', {
    timeout: 0,
  }, () => {
    const frames = new MutatedFrames(seededRandom(SEED));
    const writer = new PackWriter();
    let taken = 0;
    for (let run = 0; run < RUNS; run++) {
      const sent = frames.plain();
      const read = decodePlain(sent);
      if (read.kind === 'malformed' || read.kind === 'unknown') {
        expect(plainToPack(sent)?.kind).not.toBe('pack');
        continue;
      }
      taken++;
      writeMessage(writer, read);
      const pack = writer.take(0);
      expect(readAll(pack).at(-1)).toBe(false);
      expect(packToPlain(pack)).toHaveLength(1);
    }
    expect(taken).toBeGreaterThan(RUNS / 20);
    expect(taken).toBeLessThan((RUNS * 19) / 20);
  });

  it('leave a broker that serves, and keep nothing', { timeout: 0 }, async () => {
    const frames = new MutatedFrames(seededRandom(SEED));
    const clock = new FakeClock();
    const metrics = new RecordingMetrics();
    const core = createBrokerCore({ clock, metrics, graceMs: 0 });
    const makeCaller = () => new WirePeer((link) => core.acceptCaller(link), { local: false });
    const makeWorker = () => new WirePeer((link) => core.acceptWorker(link), { local: false });
    const callers = [makeCaller(), makeCaller(), makeCaller()];
    const workers = [makeWorker(), makeWorker()];
    let served = 0;

    const prove = async () => {
      const caller = makeCaller();
      const worker = makeWorker();
      await worker.say(serveOf(1, { service: 'proof' }));
      await caller.say(callOf(1, { service: 'proof' }));
      await worker.say(message('reply', worker.of('call')[0]?.id ?? 0, {}, 'well'));
      expect(caller.of('reply').map(({ body }) => String(body))).toEqual(['well']);
      await caller.leave();
      await worker.leave();
      served++;
    };

    await often(
      (index) => {
        const isCaller = frames.below(2) === 0;
        const peer = frames.pick(isCaller ? callers : workers);
        const open = isCaller ? [] : peer.of('call').map(({ id }) => id);
        peer.receive(frames.below(5) === 0 ? (toPack(frames.plain()) ?? frames.pack(open)) : frames.pack(open));
        if (index % 10 === 0) frames.pick(callers).receive(frames.pick([CALL, STREAM]));
      },
      async (index) => {
        clock.advance(frames.pick([1, 100, 1_000]));
        await endOfTurn();
        for (const peer of [...callers, ...workers]) peer.received.splice(0, peer.received.length - 20);
        if (index % (20 * TURN) === 0) {
          await callers.shift()?.leave();
          callers.push(makeCaller());
          await workers.shift()?.leave();
          workers.push(makeWorker());
          await prove();
        }
        for (const worker of workers)
          if (frames.below(4) === 0) await worker.say(serveOf(1, { service: 'greeter', methods: ['greet'] }));
      },
    );
    await prove();
    expect(served).toBeGreaterThan(RUNS / (40 * TURN));
    for (const peer of [...callers, ...workers]) await peer.leave();
    expect(metrics.value('im_rpc_open_calls')).toBe(0);
    expect(metrics.value('im_rpc_callers')).toBe(0);
    expect(metrics.value('im_rpc_workers')).toBe(0);
    expect(core.taps.isOpen).toBe(false);
    core.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('leave a caller that calls, and keep nothing', { timeout: 0 }, async () => {
    const frames = new MutatedFrames(seededRandom(SEED));
    const clock = new FakeClock();
    const broker = new FakeBroker();
    const caller = new Caller({
      clock,
      random: seededRandom(1),
      logger: silentLogger,
      maxBodyBytes: 10_000,
      connectors: [broker],
      onClose: () => {},
    });
    let open = 0;
    let ended = 0;
    const settle = () => {
      open--;
      ended++;
    };
    const begin = () => {
      open++;
      const onLate = frames.below(3) === 0 ? () => {} : undefined;
      const options = { timeoutMs: frames.pick([50, 500]), onLate };
      if (frames.below(2) === 0) caller.call('greeter', 'greet', new Uint8Array(3), options).then(settle, settle);
      else {
        const stream = caller.stream('greeter', 'greet', new Uint8Array(3), options);
        stream.reply.then(settle, settle);
        const read = async () => {
          for await (const _ of stream) if (frames.below(5) === 0) break;
        };
        read().catch(() => {});
      }
    };
    await often(
      () => {
        if (open < 20) begin();
        broker.receive(frames.pack(broker.received.slice(-30).map(({ id }) => id)));
      },
      () => {
        clock.advance(frames.pick([1, 20, 200]));
        broker.received.splice(0, broker.received.length - 40);
      },
    );
    const last = caller.call('greeter', 'greet', new Uint8Array(0));
    await endOfTurn();
    await broker.say(message('reply', broker.received.at(-1)?.id ?? 0, {}, 'well'));
    expect(String(Buffer.from((await last).body))).toBe('well');
    await caller.close();
    await endOfTurn();
    expect(open).toBe(0);
    expect(ended).toBeGreaterThan(RUNS / 100);
    expect(clock.pendingTimers).toBe(0);
  });

  it('leave a worker that serves, and keep nothing', { timeout: 0 }, async () => {
    const frames = new MutatedFrames(seededRandom(SEED));
    const clock = new FakeClock();
    const broker = new FakeBroker();
    const worker = new Worker({
      clock,
      random: seededRandom(1),
      logger: silentLogger,
      maxBodyBytes: 10_000,
      connectors: [broker],
      onClose: () => {},
    });
    let running = 0;
    let handled = 0;
    const serving = worker.serve({
      name: 'greeter',
      version: '1',
      methods: ['greet'],
      handle: async (request) => {
        running++;
        try {
          if (request.isStream) for (let part = 0; part < 3; part++) await request.send(request.body);
          return { body: request.body, headers: request.headers };
        } finally {
          running--;
          handled++;
        }
      },
    });
    await broker.say(message('serving', 1));
    await serving;
    await often(
      () => {
        broker.receive(frames.pack());
        const [pack] = frames.pack();
        // A call for the registration that there is, its rest mutated.
        if (pack !== undefined && pack.length >= 19 && pack[5] === 1) {
          pack.writeUInt32LE(1, 15);
          pack.writeUInt32LE(clock.monotonic(), 1);
          broker.receive([pack]);
        }
      },
      () => {
        clock.advance(10);
        broker.received.length = 0;
      },
    );
    await broker.say(callOf(77, { target: 1, timeoutMs: 3_600_000 }, 'well'));
    await endOfTurn();
    expect(broker.of('reply').map(({ body }) => String(body))).toContain('well');
    expect(handled).toBeGreaterThan(RUNS / 100);
    await broker.vanish();
    await worker.close();
    await endOfTurn();
    expect(running).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });
});

function toPack(frames: readonly Buffer[]): Buffer[] | undefined {
  const pack = plainToPack(frames);
  return pack?.kind === 'pack' ? pack.frames : undefined;
}
