import { noMetrics } from '@im/protocol/ports';
import { FakeClock, RecordingLogger, RecordingMetrics } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { describeRpcContract, HeldService } from '../testing/index.js';
import { createMemoryRpc } from './index.js';

describeRpcContract('memory', (options) => createMemoryRpc({ ...options, metrics: noMetrics }));

const nothing = new Uint8Array(0);
const logger = new RecordingLogger();

describe('the memory engine', () => {
  it('does not hand out an expired call when a busy process has not run its timer yet', async () => {
    const clock = new (class extends FakeClock {
      stalledMs = 0;
      override monotonic(): number {
        return super.monotonic() + this.stalledMs;
      }
    })();
    const rpc = createMemoryRpc({ clock, logger, metrics: noMetrics });
    const held = new HeldService('held');
    await rpc.createWorker().serve(held);
    const call = rpc.createCaller().call('held', 'do', nothing, { timeoutMs: 100 });
    clock.stalledMs = 100;
    await expect(call).rejects.toMatchObject({ name: 'DEADLINE_EXCEEDED', details: { handedOut: false } });
    expect(held.calls).toEqual([]);
    await rpc.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('keeps one listener for each signal of a call and no timer of its own, and the listeners only while it is open', async () => {
    const clock = new FakeClock();
    const rpc = createMemoryRpc({ clock, logger, metrics: noMetrics });
    const held = new HeldService('held');
    await rpc.createWorker().serve(held);
    const caller = rpc.createCaller();
    const signal = new (class extends EventTarget {
      readonly aborted = false;
      listeners = 0;
      override addEventListener(...args: Parameters<EventTarget['addEventListener']>) {
        this.listeners++;
        super.addEventListener(...args);
      }
      override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>) {
        this.listeners--;
        super.removeEventListener(...args);
      }
    })();
    const within = { headers: {}, signal: signal as unknown as AbortSignal, remainingMs: () => 10_000 };
    const call = () => caller.call('held', 'do', nothing, { signal, within });
    const first = call();
    (await held.next()).answer();
    const timers = clock.pendingTimers;
    const others = Array.from({ length: 20 }, call);
    expect([clock.pendingTimers, signal.listeners]).toEqual([timers, 42]);
    for (const _ of others) (await held.next()).answer();
    await Promise.all([first, ...others]);
    expect(signal.listeners).toBe(0);
    await rpc.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('lets a handler make many calls within one without a warning of leaked listeners', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => void warnings.push(warning);
    process.on('warning', onWarning);
    const rpc = createMemoryRpc({ clock: new FakeClock(), logger, metrics: noMetrics });
    const inner = new HeldService('inner');
    const outer = new HeldService('outer');
    const worker = rpc.createWorker();
    await Promise.all([inner, outer].map((service) => worker.serve(service)));
    const caller = rpc.createCaller();
    const call = caller.call('outer', 'do', nothing);
    const { request, answer } = await outer.next();
    const nested = Array.from({ length: 50 }, () => caller.call('inner', 'do', nothing, { within: request }));
    for (const _ of nested) (await inner.next()).answer();
    await Promise.all(nested);
    answer();
    await call;
    // Warnings are emitted in a tick of their own.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
    await rpc.close();
  });

  it('refuses services beyond its limit, and takes back those it knows', async () => {
    const rpc = createMemoryRpc({ clock: new FakeClock(), logger, metrics: noMetrics, maxServices: 2 });
    const worker = rpc.createWorker();
    const one = await worker.serve(new HeldService('one'));
    await worker.serve(new HeldService('two'));
    await expect(worker.serve(new HeldService('three'))).rejects.toMatchObject({ name: 'OVERLOADED' });
    await one.drain();
    await expect(worker.serve(new HeldService('three'))).rejects.toMatchObject({ name: 'OVERLOADED' });
    await worker.serve(new HeldService('one'));
    await rpc.close();
  });

  it('measures what waits, what runs, what was refused and what came late, by service', async () => {
    const clock = new FakeClock();
    const metrics = new RecordingMetrics();
    const rpc = createMemoryRpc({ clock, logger, metrics, queueLimit: 1 });
    const held = new HeldService('held', { concurrency: 1 });
    await rpc.createWorker().serve(held);
    const caller = rpc.createCaller();
    const onLate = () => {};
    const calls = [1, 2, 3].map(() => caller.call('held', 'do', nothing, { timeoutMs: 100, onLate }));
    const settled = Promise.allSettled(calls);
    const { answer } = await held.next();
    const figures = () =>
      ['queued_calls', 'running_calls', 'overloaded_total', 'late_replies_total'].map((name) =>
        metrics.value(`im_rpc_${name}`, { service: 'held' }),
      );
    expect(figures()).toEqual([1, 1, 1, 0]);
    clock.advance(100);
    expect(figures()).toEqual([0, 1, 1, 0]);
    answer();
    await settled;
    await rpc.close();
    expect(figures()).toEqual([0, 0, 1, 1]);
  });
});
