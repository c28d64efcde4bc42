/** Waiting that can be ended. */
import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';

/** @throws ImError CANCELLED as soon as the signal is aborted */
export function pause(delayMs: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(Math.max(0, delayMs), () => {
      signal?.removeEventListener('abort', stop);
      resolve();
    });
    function stop(): void {
      timer.cancel();
      reject(new ImError('CANCELLED'));
    }
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted === true) stop();
  });
}

/** Settles as `result` does, which goes on. @throws ImError CANCELLED as soon as the signal is aborted */
export function unlessAborted<Result>(result: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new ImError('CANCELLED'));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    void result.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
