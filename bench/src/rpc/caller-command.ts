/** What a parent tells a caller process, and its answer: one a command. */

interface Measuring {
  /** Calls of that time count for nothing. */
  readonly warmMs: number;
  readonly measureMs: number;
  /** Processes whose CPU time is taken over the window. */
  readonly pids: readonly number[];
}

export type CallerCommand =
  /** So many loops, each of which makes its next call when the last one is answered. A call that fails ends it. */
  | ({ readonly do: 'keep'; readonly inFlight: number } & Measuring)
  /** Calls at a steady rate, whatever becomes of them. */
  | ({ readonly do: 'pace'; readonly callsPerSecond: number } & Measuring);

export interface CallerReply {
  /** Those that were answered, and rightly, within the window. */
  readonly calls: number;
  /** Within the window, or open at its end and failed then; of `pace` only. */
  readonly failed: number;
  readonly seconds: number;
  /** From making a call to having its answer. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** In the order of `pids`. */
  readonly cpuSeconds: readonly number[];
}
