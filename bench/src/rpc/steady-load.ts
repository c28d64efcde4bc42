/** Calls of one method at a steady rate from this process, some that may be repeated and some that may not; what became of each. */
import { ImError } from '@im/protocol';
import { encodeJson, type RpcCaller } from '@im/rpc';

export interface LoadFigures {
  readonly calls: number;
  readonly seconds: number;
  /** Of those that may be repeated. */
  readonly failedRepeatable: number;
  readonly failedOthers: number;
  /** Of the others, those whose error does not say that they may have been carried out. */
  readonly failedUnclear: number;
  readonly latencies: readonly number[];
  /** Of calls begun within a second after a disturbance. */
  readonly disturbedLatencies: readonly number[];
}

const STEP_MS = 2;
/** On a busy machine the rate falls instead of calls being refused: fewer than brokers let wait in front of a service. */
const MAX_OPEN = 1_000;
const DISTURBED_MS = 1_000;

export class SteadyLoad {
  readonly #caller: RpcCaller;
  readonly #isRepeatable: (call: number) => boolean;
  readonly #input = encodeJson({});
  readonly #open = new Set<Promise<void>>();
  readonly #latencies: number[] = [];
  readonly #disturbed: number[] = [];
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #disturbedUntil = 0;
  #begun = 0;
  #failedRepeatable = 0;
  #failedOthers = 0;
  #failedUnclear = 0;

  constructor(caller: RpcCaller, callsPerSecond: number, isRepeatable: (call: number) => boolean) {
    this.#caller = caller;
    this.#isRepeatable = isRepeatable;
    this.#timer = setInterval(() => {
      const due = ((performance.now() - this.#startedAt) / 1_000) * callsPerSecond;
      while (this.#begun < due && this.#open.size < MAX_OPEN) {
        const call: Promise<void> = this.#call(this.#begun).finally(() => this.#open.delete(call));
        this.#open.add(call);
        this.#begun += 1;
      }
    }, STEP_MS);
  }

  /** Something happens to the other side now. */
  disturbed(): void {
    this.#disturbedUntil = performance.now() + DISTURBED_MS;
  }

  /** Once every call has its answer. */
  async end(): Promise<LoadFigures> {
    clearInterval(this.#timer);
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    await Promise.all(this.#open);
    return {
      ...{ calls: this.#begun, seconds },
      ...{
        failedRepeatable: this.#failedRepeatable,
        failedOthers: this.#failedOthers,
        failedUnclear: this.#failedUnclear,
      },
      ...{ latencies: this.#latencies, disturbedLatencies: this.#disturbed },
    };
  }

  async #call(number: number): Promise<void> {
    const idempotent = this.#isRepeatable(number);
    const begin = performance.now();
    try {
      await this.#caller.call('gift', 'catalogue', this.#input, { idempotent });
      const latency = performance.now() - begin;
      this.#latencies.push(latency);
      if (begin < this.#disturbedUntil) this.#disturbed.push(latency);
    } catch (thrown) {
      const { name } = ImError.wrap(thrown);
      if (idempotent) this.#failedRepeatable += 1;
      else {
        this.#failedOthers += 1;
        if (name !== 'CALL_LOST') this.#failedUnclear += 1;
      }
      process.stderr.write(`${idempotent ? 'repeatable' : 'other'} call failed: ${name}\n`);
    }
  }
}
