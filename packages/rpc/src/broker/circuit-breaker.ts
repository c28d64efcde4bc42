/**
 * Stops calls to a service that fails (docs/rpc.md RP-23). closed → open when half of the last calls failed → half-open
 * after a while: one call at a time → closed when one is answered, open again when it fails.
 */

const WINDOW_MS = 10_000;
const BUCKETS = 10;
const BUCKET_MS = WINDOW_MS / BUCKETS;
const LEAST_CALLS = 20;
const OPEN_MS = 2_000;

export type Outcome = 'answered' | 'failed' | 'neither';
export type BreakerState = 'closed' | 'open' | 'half-open';

export class CircuitBreaker {
  readonly #answered = new Array<number>(BUCKETS).fill(0);
  readonly #failed = new Array<number>(BUCKETS).fill(0);
  #bucket = 0;
  #state: BreakerState = 'closed';
  #openUntil = 0;
  #probeIsOut = false;

  get state(): BreakerState {
    return this.#state;
  }

  /** @returns whether a call may pass; through a half-open one it is a probe, whose outcome must be recorded as one */
  admit(now: number): 'pass' | 'probe' | 'refuse' {
    if (this.#state === 'closed') return 'pass';
    if (this.#state === 'open') {
      if (now < this.#openUntil) return 'refuse';
      this.#state = 'half-open';
      this.#probeIsOut = false;
    }
    if (this.#probeIsOut) return 'refuse';
    this.#probeIsOut = true;
    return 'probe';
  }

  record(outcome: Outcome, isProbe: boolean, now: number): void {
    if (isProbe) {
      this.#probeIsOut = false;
      if (this.#state !== 'half-open') return;
      if (outcome === 'answered') this.#close();
      else if (outcome === 'failed') this.#open(now);
      return;
    }
    if (outcome === 'neither' || this.#state !== 'closed') return;
    this.#turnTo(Math.floor(now / BUCKET_MS));
    const counts = outcome === 'failed' ? this.#failed : this.#answered;
    const index = this.#bucket % BUCKETS;
    counts[index] = (counts[index] as number) + 1;
    if (outcome === 'failed' && this.#isFailing()) this.#open(now);
  }

  #isFailing(): boolean {
    const failed = sum(this.#failed);
    const all = failed + sum(this.#answered);
    return all >= LEAST_CALLS && failed * 2 >= all;
  }

  #open(now: number): void {
    this.#state = 'open';
    this.#openUntil = now + OPEN_MS;
  }

  #close(): void {
    this.#state = 'closed';
    this.#answered.fill(0);
    this.#failed.fill(0);
  }

  #turnTo(bucket: number): void {
    const passed = Math.min(bucket - this.#bucket, BUCKETS);
    for (let i = 1; i <= passed; i++)
      this.#answered[(bucket - passed + i) % BUCKETS] = this.#failed[(bucket - passed + i) % BUCKETS] = 0;
    if (passed > 0) this.#bucket = bucket;
  }
}

function sum(counts: readonly number[]): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
