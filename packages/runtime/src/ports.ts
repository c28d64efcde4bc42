/**
 * What this package implements and takes. The same shapes as the ports of the domain packages, so that values pass
 * from one to the other by structure: neither side imports the other.
 */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonic(): number;
  /** Runs once after the delay; with `background` it does not keep the process alive. */
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

export interface Metrics {
  counter(name: string, options: MetricOptions): Counter;
  gauge(name: string, options: MetricOptions): Gauge;
  /** A gauge that is asked for its value when figures are read. */
  observe(name: string, options: MetricOptions, read: () => number): void;
  histogram(name: string, options: MetricOptions & { buckets: readonly number[] }): Histogram;
}
