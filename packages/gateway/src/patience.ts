import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import type { CancelSignal } from '@im/rpc';

export interface Patience {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Aborts when the outcome is no longer wanted. */
  readonly signal?: CancelSignal;
}

/** Rejects with TIMEOUT or CANCELLED when patience ends first; what the promise brings later is dropped. */
export function withPatience<T>(promise: Promise<T>, { clock, timeoutMs, signal }: Patience): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (name: 'TIMEOUT' | 'CANCELLED'): void => {
      stopWaiting();
      reject(new ImError(name));
    };
    const cancel = (): void => end('CANCELLED');
    const timer = clock.after(timeoutMs, () => end('TIMEOUT'), { background: true });
    const stopWaiting = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', cancel);
    };
    signal?.addEventListener('abort', cancel);
    promise.then(resolve, reject).finally(stopWaiting);
  });
}
