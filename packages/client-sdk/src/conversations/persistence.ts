/** Calls that are to happen whatever it takes: tried again until they are answered with something that a repeat would not change. */
import type { CodedError } from '@im/protocol';
import type { Clock, Random, Timer } from '@im/protocol/ports';
import { ownError } from '../errors.js';

const [LEAST_DELAY_MS, MOST_DELAY_MS] = [500, 30_000];

export interface Persistence {
  /** @throws what it throws that is not retryable */
  until<T>(attempt: () => Promise<T>): Promise<T>;
  /** After so many failures in a row. */
  delayMs(failures: number): number;
  /** A connection was made: whoever waits tries now. */
  wake(): void;
  /** There is none: nobody tries until there is. */
  sleep(): void;
  /** Nothing is tried any more: what waits is never answered, what comes is refused with CLOSED. */
  close(): void;
}

/** @param isConnected whether an attempt is worth it now */
export function createPersistence(clock: Clock, random: Random, isConnected: () => boolean): Persistence {
  const waiting = new Map<() => void, Timer | undefined>();
  let isClosed = false;

  const pause = (delayMs: number): Promise<void> =>
    new Promise((resolve) => {
      const go = (): void => {
        waiting.delete(go);
        resolve();
      };
      waiting.set(go, isConnected() ? clock.after(delayMs, go) : undefined);
    });

  function sleep(): void {
    for (const [go, timer] of waiting) {
      timer?.cancel();
      waiting.set(go, undefined);
    }
  }

  const delayMs = (failures: number): number =>
    failures > 0 ? Math.min(MOST_DELAY_MS, LEAST_DELAY_MS * (1 + random()) ** failures) : 0;

  return {
    delayMs,
    async until(attempt) {
      for (let failures = 1; ; failures++) {
        if (isClosed) throw ownError('CLOSED');
        try {
          return await attempt();
        } catch (error) {
          const { retryable, name, details } = error as CodedError;
          // A client that was closed may be opened again.
          if (!retryable && name !== 'CLOSED') throw error;
          await pause(Math.max(delayMs(failures), Number(details?.retryAfterMs ?? 0)));
        }
      }
    },
    wake() {
      sleep();
      for (const go of [...waiting.keys()]) go();
    },
    sleep,
    close() {
      isClosed = true;
      sleep();
    },
  };
}
