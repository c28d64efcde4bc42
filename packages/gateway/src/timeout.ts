import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';

/** Rejects with TIMEOUT when the promise takes longer; what it brings later is dropped. */
export function withTimeout<T>(promise: Promise<T>, clock: Clock, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(timeoutMs, () => reject(new ImError('TIMEOUT')), { background: true });
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}
