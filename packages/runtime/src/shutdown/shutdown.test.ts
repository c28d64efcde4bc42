import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { createFakeClock } from '../fake-clock.js';
import { createShutdown } from './shutdown.js';

class FakeProcess extends EventEmitter {
  exitCode: number | undefined;
  readonly exit = vi.fn<(code: number) => void>();
  getActiveResourcesInfo = (): string[] => ['TCPSocketWrap', 'TCPSocketWrap'];
}

function setUp() {
  const target = new FakeProcess();
  const clock = createFakeClock();
  const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const shutdown = createShutdown({ logger, clock, process: target });
  shutdown.listen();
  return { target, clock, logger, shutdown };
}

describe('shutdown', () => {
  it('stops what was started last first, one after the other, and removes its signal handlers', async () => {
    const { target, shutdown } = setUp();
    const order: string[] = [];
    for (const name of ['store', 'broker', 'gateway']) {
      shutdown.add({
        name,
        stop: async () => {
          order.push(`${name} begins`);
          await Promise.resolve();
          order.push(`${name} ends`);
        },
      });
    }
    target.emit('SIGTERM', 'SIGTERM');
    await shutdown.stop('again');
    expect(order).toEqual([
      'gateway begins',
      'gateway ends',
      'broker begins',
      'broker ends',
      'store begins',
      'store ends',
    ]);
    expect(target.exitCode).toBe(0);
    expect(target.listenerCount('SIGTERM') + target.listenerCount('SIGINT')).toBe(0);
    expect(target.exit).not.toHaveBeenCalled();
  });

  it('leaves a step behind that takes too long, and one that throws, and says so with the exit code', async () => {
    const { target, clock, logger, shutdown } = setUp();
    const stopStore = vi.fn();
    shutdown.add({ name: 'store', stop: stopStore });
    shutdown.add({
      name: 'throws',
      stop: () => {
        throw new Error('why');
      },
    });
    shutdown.add({ name: 'hangs', stop: () => new Promise(() => {}), deadlineMs: 700 });
    const stopped = shutdown.stop('test');
    clock.advance(700);
    await stopped;
    expect(stopStore).toHaveBeenCalledOnce();
    expect(logger.error.mock.calls.map(([, fields]) => fields.step)).toEqual(['hangs', 'throws']);
    expect(target.exitCode).toBe(1);
  });

  it('ends the process at once on a second signal, unless that is an echo of the first', () => {
    const { target, clock, shutdown } = setUp();
    shutdown.add({ name: 'hangs', stop: () => new Promise(() => {}) });
    target.emit('SIGINT', 'SIGINT');
    clock.advance(499);
    target.emit('SIGINT', 'SIGINT');
    expect(target.exit).not.toHaveBeenCalled();
    clock.advance(1);
    target.emit('SIGINT', 'SIGINT');
    expect(target.exit).toHaveBeenCalledWith(1);
  });

  it('can still be forced by a signal when it began without one', () => {
    const { target, clock, shutdown } = setUp();
    shutdown.add({ name: 'hangs', stop: () => new Promise(() => {}) });
    void shutdown.stop('test');
    target.emit('SIGTERM', 'SIGTERM');
    clock.advance(500);
    target.emit('SIGTERM', 'SIGTERM');
    expect(target.exit).toHaveBeenCalledOnce();
  });

  it('says nothing of itself when it is given no reason', async () => {
    const { logger, shutdown } = setUp();
    await shutdown.stop(undefined, 1);
    expect(logger.info).not.toHaveBeenCalled();
  });

  it('carries out at once what is added while it stops or later: something was still starting', async () => {
    const { shutdown } = setUp();
    const stopLate = vi.fn();
    shutdown.add({ name: 'early', stop: () => shutdown.add({ name: 'late', stop: stopLate }) });
    await shutdown.stop('test');
    expect(stopLate).toHaveBeenCalledOnce();
    shutdown.add({ name: 'later', stop: stopLate });
    await vi.waitFor(() => expect(stopLate).toHaveBeenCalledTimes(2));
  });

  it('keeps the highest exit code it was given', async () => {
    const { target, shutdown } = setUp();
    await Promise.all([shutdown.stop('a', 0), shutdown.stop('b', 78), shutdown.stop('c', 1)]);
    expect(target.exitCode).toBe(78);
  });

  it('names what holds the process when it does not end by itself, and ends it', async () => {
    const { target, clock, logger, shutdown } = setUp();
    await shutdown.stop('test');
    clock.advance(2_000);
    expect(logger.error).toHaveBeenCalledWith('left open', { resources: ['TCPSocketWrap'] });
    expect(target.exit).toHaveBeenCalledWith(1);
  });
});
