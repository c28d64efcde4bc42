/**
 * Calls that travel together: each lane has one batch under way, and what comes meanwhile waits for the next, so that
 * batches grow with the load and a lone call goes at once. Calls of a lane keep their order whatever becomes of a batch.
 * Must not know what calls say.
 */
import { ImError } from '@im/protocol';

export interface LaneCall {
  /** What it counts against the limits on bytes. */
  readonly bytes: number;
}

export interface CallLanesOptions<Call extends LaneCall> {
  /** Carries a batch out and answers its calls, also when it fails. Must not reject. */
  readonly send: (batch: readonly Call[]) => Promise<void>;
  /** Of one batch. */
  readonly maxBatchCalls: number;
  /** Of one batch; a single call may be larger. */
  readonly maxBatchBytes: number;
  /** Waiting or under way, in all lanes; beyond, calls are refused. */
  readonly maxCalls: number;
  readonly maxBytes: number;
}

interface Lane<Call> {
  waiting: Call[];
}

export class CallLanes<Call extends LaneCall> {
  readonly #options: CallLanesOptions<Call>;
  /** Only those at work. */
  readonly #lanes = new Map<string | number, Lane<Call>>();
  readonly #idle: (() => void)[] = [];
  #calls = 0;
  #bytes = 0;

  constructor(options: CallLanesOptions<Call>) {
    this.#options = options;
  }

  /** Calls waiting or under way. */
  get size(): number {
    return this.#calls;
  }

  /** @throws ImError QUEUE_FULL: nothing was taken */
  add(name: string | number, call: Call): void {
    const { maxCalls, maxBytes } = this.#options;
    if (this.#calls >= maxCalls || this.#bytes + call.bytes > maxBytes) throw new ImError('QUEUE_FULL');
    this.#calls += 1;
    this.#bytes += call.bytes;
    const lane = this.#lanes.get(name);
    if (lane !== undefined) {
      lane.waiting.push(call);
      return;
    }
    const begun: Lane<Call> = { waiting: [call] };
    this.#lanes.set(name, begun);
    void this.#work(name, begun);
  }

  /** Resolves when every call was answered. */
  async drained(): Promise<void> {
    if (this.#lanes.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #work(name: string | number, lane: Lane<Call>): Promise<void> {
    // After this turn's code: calls of one turn travel together.
    await Promise.resolve();
    while (lane.waiting.length > 0) {
      const batch = this.#take(lane);
      await this.#options.send(batch);
      for (const { bytes } of batch) this.#bytes -= bytes;
      this.#calls -= batch.length;
    }
    this.#lanes.delete(name);
    if (this.#lanes.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #take(lane: Lane<Call>): readonly Call[] {
    const { maxBatchCalls, maxBatchBytes } = this.#options;
    let count = 0;
    for (let bytes = 0; count < lane.waiting.length && count < maxBatchCalls; count += 1) {
      bytes += (lane.waiting[count] as Call).bytes;
      if (count > 0 && bytes > maxBatchBytes) break;
    }
    return lane.waiting.splice(0, count);
  }
}
