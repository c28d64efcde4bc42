/** What is counted of calls over a time. */
import { createHistogram } from 'node:perf_hooks';
import { cpuSeconds } from '../harness/process-cpu.js';
import type { CallerReply } from './caller-command.js';

/** The longest latency told apart, in microseconds. */
const LONGEST_US = 60_000_000;

export class CallWindow {
  readonly #latenciesUs = createHistogram({ lowest: 1, highest: LONGEST_US, figures: 3 });
  readonly #pids: readonly number[];
  #cpuBefore: readonly number[] = [];
  #startedAt = 0;
  #calls = 0;
  #failed = 0;

  constructor(pids: readonly number[]) {
    this.#pids = pids;
    this.start();
  }

  /** Forgets what was before. */
  start(): void {
    this.#latenciesUs.reset();
    this.#calls = 0;
    this.#failed = 0;
    this.#cpuBefore = this.#pids.map(cpuSeconds);
    this.#startedAt = performance.now();
  }

  answered(latencyMs: number): void {
    this.#calls += 1;
    this.#latenciesUs.record(Math.min(LONGEST_US, Math.max(1, Math.round(latencyMs * 1000))));
  }

  failed(): void {
    this.#failed += 1;
  }

  get failures(): number {
    return this.#failed;
  }

  end(): CallerReply {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const cpu = this.#pids.map((pid, i) => cpuSeconds(pid) - (this.#cpuBefore[i] ?? Number.NaN));
    const milliseconds = (percent: number): number =>
      this.#calls === 0 ? Number.NaN : this.#latenciesUs.percentile(percent) / 1000;
    return {
      ...{ calls: this.#calls, failed: this.#failed, seconds },
      ...{ p50Ms: milliseconds(50), p99Ms: milliseconds(99), cpuSeconds: cpu },
    };
  }
}
