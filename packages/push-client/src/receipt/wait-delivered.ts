/** Waiting until enough have a push: looks again and again, seldom where much is looked at. Must not know who counts. */
import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { pause, unlessAborted } from '../pause.js';
import { invalid } from '../publication.js';
import type { PushReceipt, WaitOptions } from '../push-client.js';

export interface WaitPorts {
  readonly clock: Clock;
  /** Aborts when the client closes. */
  readonly closing: AbortSignal;
}

const MIN_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2_000;
/** Whoever has it not is looked up every time. */
const LOOKED_UP_PER_MS = 10;
const MAX_TIMEOUT_MS = 3_600_000;

/** @param look how many have it now; may fail */
export async function waitDelivered(
  look: () => Promise<PushReceipt>,
  { atLeast, timeoutMs = 10_000, signal }: Omit<WaitOptions, 'product'>,
  { clock, closing }: WaitPorts,
): Promise<PushReceipt> {
  if (atLeast !== undefined && !(Number.isInteger(atLeast) && atLeast >= 1)) throw invalid('atLeast', 'not from 1');
  if (!(timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS)) throw invalid('timeoutMs', `not 1 to ${MAX_TIMEOUT_MS}`);
  const ending = new AbortController();
  const ended = ending.signal;
  const end = () => ending.abort();
  const timer = clock.after(timeoutMs, end);
  // AbortSignal.any would have them remember everybody who waited for good.
  const others = signal ? [closing, signal] : [closing];
  for (const other of others) other.addEventListener('abort', end);
  if (others.some(({ aborted }) => aborted)) end();
  const begun = clock.monotonic();
  let latest: PushReceipt | undefined;
  let failure = new ImError('TIMEOUT');
  try {
    while (!ended.aborted) {
      try {
        const { of, delivered } = await unlessAborted(look(), ended);
        latest = { of, delivered, isComplete: delivered >= (atLeast ?? of) };
        if (latest.isComplete) return latest;
      } catch (thrown) {
        if (ended.aborted) break;
        failure = ImError.wrap(thrown);
        if (!failure.retryable) throw failure;
      }
      const waitedMs = clock.monotonic() - begun;
      // The last look is shortly before the end.
      const longestMs = Math.min(MAX_PAUSE_MS, (timeoutMs - waitedMs) / 2);
      const missing = latest ? latest.of - latest.delivered : 0;
      const pauseMs = Math.max(MIN_PAUSE_MS, Math.min(longestMs, Math.max(waitedMs / 4, missing / LOOKED_UP_PER_MS)));
      // How it ended is looked at below.
      await pause(pauseMs, clock, ended).catch(() => {});
    }
  } finally {
    timer.cancel();
    for (const other of others) other.removeEventListener('abort', end);
  }
  if (closing.aborted) throw new ImError('CLOSED');
  if (signal?.aborted) throw new ImError('CANCELLED');
  if (!latest) throw failure;
  return latest;
}
