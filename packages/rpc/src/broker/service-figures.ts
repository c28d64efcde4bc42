/** What is counted of one service at a broker: for `$broker`, and for metrics. */
import type { Counter, Metrics } from '@im/protocol/ports';

/** Since the service was first served. */
export interface ServiceCounts {
  readonly calls: number;
  /** Answered with an error, by the service or the engine. */
  readonly failed: number;
  /** Refused because the queue was full. */
  readonly overloaded: number;
  /** Answered after the caller had stopped waiting. */
  readonly late: number;
}

export interface ServiceLoad {
  readonly queued: number;
  readonly running: number;
}

export class ServiceFigures {
  #overloaded: Counter | undefined;
  #late: Counter | undefined;
  #counts = { calls: 0, failed: 0, overloaded: 0, late: 0 };

  /** From now on as metrics too: of services that workers serve, not of every name that callers make up. */
  publish(metrics: Metrics, service: string, load: ServiceLoad): void {
    const labels = { service };
    metrics.observe('im_rpc_queued_calls', { help: 'Calls that wait for a worker', labels }, () => load.queued);
    metrics.observe('im_rpc_running_calls', { help: 'Calls that workers carry out', labels }, () => load.running);
    this.#overloaded = metrics.counter('im_rpc_overloaded_total', { help: 'Calls refused by a full queue', labels });
    this.#late = metrics.counter('im_rpc_late_replies_total', { help: 'Replies nobody waited for any more', labels });
  }

  get counts(): ServiceCounts {
    return this.#counts;
  }

  call(): void {
    this.#counts.calls++;
  }

  fail(): void {
    this.#counts.failed++;
  }

  overload(): void {
    this.#counts.overloaded++;
    this.#overloaded?.add();
  }

  late(): void {
    this.#counts.late++;
    this.#late?.add();
  }
}
