/**
 * Ports that all packages share, so that each can be driven by a fake clock, log into anything and be measured by
 * anything. Entry point `@im/protocol/ports`. No implementations beyond the trivial ones.
 */

export { EMPTY_TOPOLOGY, type NodeInfo, type Topology, type TopologySource } from './topology.js';

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonic(): number;
  /** Runs once after the delay. The real one does not keep a process alive by itself when `background` is set. */
  after(delayMs: number, run: () => void, options?: { background?: boolean }): Timer;
}

/** Uniform in [0, 1). */
export type Random = () => number;

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export interface Counter {
  add(count?: number): void;
}

export interface Gauge {
  set(value: number): void;
}

export interface Histogram {
  observe(value: number): void;
}

export interface MetricOptions {
  /** One line for people. */
  help: string;
  labels?: Readonly<Record<string, string>>;
}

/**
 * Where figures go. Names are `im_<package>_<what>_<unit>`; handles are made once and kept, so that a hot path
 * only adds to a number. Labels are few and bounded: never users, rooms or sessions.
 */
export interface Metrics {
  counter(name: string, options: MetricOptions): Counter;
  gauge(name: string, options: MetricOptions): Gauge;
  /** A gauge that is asked for its value when figures are read. */
  observe(name: string, options: MetricOptions, read: () => number): void;
  histogram(name: string, options: MetricOptions & { buckets: readonly number[] }): Histogram;
}

const nothing = (): void => {};

export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

export const noMetrics: Metrics = {
  counter: () => ({ add: nothing }),
  gauge: () => ({ set: nothing }),
  observe: nothing,
  histogram: () => ({ observe: nothing }),
};
