/** The memory engine under any sequence of calls, answers, cancellations, time, comings and goings of workers. */
import { ImError } from '@im/protocol';
import { FakeClock, RecordingMetrics } from '@im/protocol/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Registration, RpcReply } from '../rpc.js';
import { HeldService } from '../testing/index.js';
import { createMemoryRpc } from './index.js';

const QUEUE_LIMIT = 3;
const CONCURRENCY = 2;

type Step =
  | { readonly kind: 'call'; readonly timeoutMs: number; readonly routingKey: string | undefined }
  | { readonly kind: 'answer' | 'fail' | 'cancel' | 'drain'; readonly which: number }
  | { readonly kind: 'advance'; readonly byMs: number }
  | { readonly kind: 'serve' };

const which = fc.nat(20);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      timeoutMs: fc.integer({ min: 1, max: 50 }),
      routingKey: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('answer' as const, 'fail' as const), which }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drain' as const), which }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance' as const), byMs: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('serve' as const) }) },
);

interface MadeCall {
  readonly id: number;
  readonly controller: AbortController;
  outcomes: (RpcReply | ImError)[];
  late: number;
}

/** Handlers start, and callers learn, in microtasks; none of them takes more than a few. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

async function run(steps: readonly Step[]): Promise<void> {
  const clock = new FakeClock();
  const metrics = new RecordingMetrics();
  const rpc = createMemoryRpc({ clock, metrics, queueLimit: QUEUE_LIMIT });
  const worker = rpc.createWorker();
  const caller = rpc.createCaller();
  const calls: MadeCall[] = [];
  const services: { held: HeldService; registration: Registration; ended: Set<number> }[] = [];
  const drains: Promise<void>[] = [];

  async function serve(): Promise<void> {
    const held = new HeldService('held', { concurrency: CONCURRENCY });
    services.push({ held, registration: await worker.serve(held), ended: new Set() });
  }

  function call(timeoutMs: number, routingKey: string | undefined): void {
    const made: MadeCall = { id: calls.length, controller: new AbortController(), outcomes: [], late: 0 };
    calls.push(made);
    const { signal } = made.controller;
    const onLate = () => void made.late++;
    caller.call('held', 'do', new Uint8Array([made.id]), { timeoutMs, routingKey, signal, onLate }).then(
      (reply) => made.outcomes.push(reply),
      (error: ImError) => made.outcomes.push(error),
    );
  }

  function end(kind: 'answer' | 'fail', index: number): void {
    const open = services.flatMap(({ held, ended }) =>
      held.calls.flatMap((one, place) => (ended.has(place) ? [] : [{ one, place, ended }])),
    );
    const chosen = open[index % Math.max(1, open.length)];
    if (chosen === undefined) return;
    chosen.ended.add(chosen.place);
    if (kind === 'answer') chosen.one.answer();
    else chosen.one.fail(new ImError('FORBIDDEN'));
  }

  function check(): void {
    expect(metrics.value('im_rpc_queued_calls', { service: 'held' })).toBeLessThanOrEqual(QUEUE_LIMIT);
    for (const { held, ended } of services) expect(held.calls.length - ended.size).toBeLessThanOrEqual(CONCURRENCY);
    const handedOut = services.flatMap(({ held }) => held.calls.map(({ request }) => request.body[0]));
    expect(new Set(handedOut).size).toBe(handedOut.length);
    for (const { outcomes, late } of calls) {
      expect(outcomes.length).toBeLessThanOrEqual(1);
      // Late replies are those of calls that failed without their worker.
      expect(late).toBeLessThanOrEqual(outcomes[0] instanceof ImError ? 1 : 0);
    }
  }

  await serve();
  for (const one of steps) {
    if (one.kind === 'call') call(one.timeoutMs, one.routingKey);
    else if (one.kind === 'advance') clock.advance(one.byMs);
    else if (one.kind === 'serve') await serve();
    else if (one.kind === 'cancel') calls[one.which % Math.max(1, calls.length)]?.controller.abort();
    else if (one.kind === 'drain') {
      const chosen = services[one.which % services.length];
      if (chosen !== undefined) drains.push(chosen.registration.drain());
    } else end(one.kind, one.which);
    await turn();
    check();
  }

  // Every deadline passes; nothing may be open then, whatever the handlers do.
  clock.advance(50);
  await turn();
  for (const { outcomes } of calls) expect(outcomes).toHaveLength(1);
  await Promise.all(drains);
  for (const [index, { outcomes }] of calls.entries()) {
    const [outcome] = outcomes;
    if (outcome !== undefined && !(outcome instanceof ImError)) expect(outcome.body).toEqual(new Uint8Array([index]));
    if (outcome instanceof ImError && outcome.details?.handedOut === false) {
      expect(services.some(({ held }) => held.calls.some(({ request }) => request.body[0] === index))).toBe(false);
    }
  }
  for (const { held } of services) held.answerAll();
  await rpc.close();
  await turn();
  expect(metrics.value('im_rpc_running_calls', { service: 'held' })).toBe(0);
  expect(metrics.value('im_rpc_queued_calls', { service: 'held' })).toBe(0);
  expect(clock.pendingTimers).toBe(0);
}

describe('the memory engine, whatever happens', () => {
  it('settles every call once by its deadline, keeps its limits, and leaves nothing', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), run), { numRuns: 150 });
  }, 60_000);
});
