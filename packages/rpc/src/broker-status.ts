/**
 * What `$broker` answers, on every engine: bodies of its methods, as plain JSON (docs/rpc.md, section 9).
 */

export const BROKER_SERVICE = '$broker';

/** One element of the answer to `$broker.services`. */
export interface ServiceStatus {
  readonly name: string;
  /** Of the workers that serve it, without repetition. */
  readonly versions: readonly string[];
  readonly methods: readonly string[];
  readonly workers: number;
  readonly queued: number;
  readonly queueLimit: number;
  readonly running: number;
  readonly breaker: 'closed' | 'open' | 'half-open';
  /** Shares of calls by version; empty when none are set. */
  readonly weights: Readonly<Record<string, number>>;
  /** Since the service was first served. */
  readonly calls: number;
  readonly failed: number;
  readonly overloaded: number;
  readonly late: number;
}

/** One element of the answer to `$broker.workers`. */
export interface WorkerStatus {
  readonly id: string;
  readonly service: string;
  readonly version: string;
  readonly state: 'serving' | 'draining';
  readonly running: number;
  readonly concurrency: number;
  readonly upMs: number;
}

/** The answer to `$broker.stats`: sums over all services. */
export interface BrokerStats {
  readonly upMs: number;
  readonly services: number;
  readonly workers: number;
  readonly queued: number;
  readonly running: number;
  readonly calls: number;
  readonly failed: number;
  readonly overloaded: number;
  readonly late: number;
}
