import { ImError } from '@im/protocol';
import { noMetrics, silentLogger } from '@im/protocol/ports';
import { FakeClock, RecordingLogger, RecordingMetrics } from '@im/protocol/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { createMemoryRpc } from '../memory/index.js';
import type { ServedService } from '../rpc.js';
import { HeldService } from '../testing/index.js';
import { logFailures } from './log-failures.js';
import { measureCalls } from './measure-calls.js';
import { type CallerMiddleware, type CommonMiddleware, withHeaders, wrapCaller, wrapService } from './middleware.js';

const nothing = new Uint8Array(0);
const clock = new FakeClock();
const rpc = createMemoryRpc({ clock, logger: silentLogger, metrics: noMetrics });
const caller = rpc.createCaller();
let worker = rpc.createWorker();

const echo: ServedService = {
  name: 'echo',
  version: '1',
  methods: ['do'],
  handle: async ({ body, headers }) => ({ body, headers }),
};

afterEach(async () => {
  await worker.close();
  worker = rpc.createWorker();
});

describe('middleware', () => {
  it('runs from the outside in and back, on both sides', async () => {
    const steps: string[] = [];
    const note =
      (name: string): CommonMiddleware =>
      async (call, next) => {
        steps.push(`${name} in`);
        const reply = await next(call);
        steps.push(`${name} out`);
        return reply;
      };
    await worker.serve(wrapService(echo, [note('worker 1'), note('worker 2')]));
    await wrapCaller(caller, [note('caller 1'), note('caller 2')]).call('echo', 'do', nothing);
    expect(steps).toEqual([
      ...['caller 1 in', 'caller 2 in', 'worker 1 in', 'worker 2 in'],
      ...['worker 2 out', 'worker 1 out', 'caller 2 out', 'caller 1 out'],
    ]);
  });

  it('may change what is called and answered, and may answer by itself', async () => {
    await worker.serve(echo);
    const authorize: CallerMiddleware = (call, next) =>
      next({ ...call, options: { ...call.options, headers: { ...call.options.headers, token: 't' } } });
    const stamp: CallerMiddleware = async (call, next) => {
      const { body, headers } = await next(call);
      return { body, headers: { ...headers, stamped: true } };
    };
    const refuse: CallerMiddleware = async ({ method }, next) => {
      throw new ImError('FORBIDDEN', { details: { method, next: typeof next } });
    };
    const wrapped = wrapCaller(caller, [stamp, authorize]);
    expect((await wrapped.call('echo', 'do', nothing, { headers: { a: 1 } })).headers).toEqual({
      a: 1,
      token: 't',
      stamped: true,
    });
    await expect(wrapCaller(caller, [refuse]).call('echo', 'do', nothing)).rejects.toMatchObject({ name: 'FORBIDDEN' });
  });

  it('rejects when it throws instead of rejecting', async () => {
    const broken: CallerMiddleware = () => {
      throw new ImError('FORBIDDEN');
    };
    await expect(wrapCaller(caller, [broken]).call('echo', 'do', nothing)).rejects.toMatchObject({ name: 'FORBIDDEN' });
  });

  it('passes a request on with other headers and everything else its own', async () => {
    const held = new HeldService('held');
    await worker.serve(
      wrapService(held, [(request, next) => next(withHeaders(request, { ...request.headers, user: 'ann' }))]),
    );
    const options = { headers: { a: 1 }, timeoutMs: 100, idempotencyKey: 'i', routingKey: 'r' };
    const call = caller.call('held', 'do', new Uint8Array([7]), options);
    const { request, answer } = await held.next();
    expect(request.headers).toEqual({ a: 1, user: 'ann' });
    const { service, method, body, idempotencyKey, routingKey, signal } = request;
    expect([service, method, body, idempotencyKey, routingKey]).toEqual([
      ...['held', 'do', new Uint8Array([7]), 'i', 'r'],
    ]);
    clock.advance(40);
    expect(request.remainingMs()).toBe(60);
    clock.advance(60);
    await expect(call).rejects.toMatchObject({ name: 'DEADLINE_EXCEEDED' });
    expect(signal.aborted).toBe(true);
    answer();
  });

  it('closes the caller it wraps', async () => {
    const own = rpc.createCaller();
    await wrapCaller(own, []).close();
    await expect(own.call('echo', 'do', nothing)).rejects.toMatchObject({ name: 'CLOSED' });
  });
});

describe('measureCalls', () => {
  it('counts calls, errors by code, duration and calls in flight, by side, service and method', async () => {
    const metrics = new RecordingMetrics();
    const held = new HeldService('held');
    await worker.serve(wrapService(held, [measureCalls({ metrics, clock, side: 'worker' })]));
    const calls = [1, 2, 3].map(() => caller.call('held', 'do', nothing));
    const settled = Promise.allSettled(calls);
    const [first, second, third] = [await held.next(), await held.next(), await held.next()];
    const labels = { side: 'worker', service: 'held', method: 'do' };
    expect(metrics.value('im_rpc_calls_in_flight', labels)).toBe(3);
    clock.advance(25);
    first.answer();
    second.fail(new ImError('FORBIDDEN'));
    third.fail(new Error('unexpected'));
    await settled;
    expect(metrics.value('im_rpc_calls_total', labels)).toBe(3);
    expect(metrics.value('im_rpc_calls_in_flight', labels)).toBe(0);
    expect(metrics.observations('im_rpc_call_duration_ms', labels)).toEqual([25, 25, 25]);
    expect(metrics.value('im_rpc_call_errors_total', { ...labels, code: 'FORBIDDEN' })).toBe(1);
    expect(metrics.value('im_rpc_call_errors_total', { ...labels, code: 'INTERNAL' })).toBe(1);
  });

  it('counts methods beyond its limit, and errors beyond theirs, together', async () => {
    const metrics = new RecordingMetrics();
    let code = 1_000;
    const reject = async () => {
      throw ImError.application(code, `E${code++}`);
    };
    const measure = measureCalls({ metrics, clock, side: 'caller' });
    for (let i = 0; i < 510; i++) await measure({ service: 's', method: `m${i}` }, reject).catch(() => {});
    for (let i = 0; i < 40; i++) await measure({ service: 's', method: 'm0' }, reject).catch(() => {});
    const other = { side: 'caller', service: 'other', method: 'other' };
    expect(metrics.value('im_rpc_calls_total', other)).toBe(10);
    expect(metrics.value('im_rpc_calls_total', { side: 'caller', service: 's', method: 'm499' })).toBe(1);
    expect(metrics.value('im_rpc_calls_total', { side: 'caller', service: 's', method: 'm500' })).toBe(0);
    const first = { side: 'caller', service: 's', method: 'm0' };
    expect(metrics.value('im_rpc_call_errors_total', { ...first, code: 'other' })).toBe(41 - 32);
  });
});

describe('logFailures', () => {
  it('logs faults as errors with their cause, what is retryable as warnings, and the rest for debugging', async () => {
    const logger = new RecordingLogger();
    const fault = new Error('unexpected');
    const thrown = [
      fault,
      new ImError('OVERLOADED'),
      new ImError('FORBIDDEN', { details: { room: '1' } }),
      ImError.application(1_000, 'TOO_FAST', { retryable: true }),
    ];
    const log = logFailures({ logger });
    for (const error of thrown) {
      await expect(log({ service: 's', method: 'm' }, () => Promise.reject(error))).rejects.toBeInstanceOf(ImError);
    }
    expect(logger.records).toMatchObject([
      { level: 'error', fields: { service: 's', method: 'm', name: 'INTERNAL', cause: fault } },
      { level: 'warn', fields: { name: 'OVERLOADED' } },
      { level: 'debug', fields: { name: 'FORBIDDEN', details: { room: '1' } } },
      { level: 'debug', fields: { name: 'TOO_FAST' } },
    ]);
  });

  it('leaves nothing for the engine to log again', async () => {
    const logger = new RecordingLogger();
    const engine = createMemoryRpc({ clock, logger, metrics: noMetrics });
    const broken: ServedService = { ...echo, handle: () => Promise.reject(new Error('unexpected')) };
    await engine.createWorker().serve(wrapService(broken, [logFailures({ logger })]));
    await expect(engine.createCaller().call('echo', 'do', nothing)).rejects.toMatchObject({ name: 'INTERNAL' });
    expect(logger.records).toHaveLength(1);
    await engine.close();
  });
});
