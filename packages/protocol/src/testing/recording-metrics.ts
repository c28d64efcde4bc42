/** Metrics that a test can read. */
import type { Counter, Gauge, Histogram, MetricOptions, Metrics } from '../ports.js';

type Labels = Readonly<Record<string, string>>;

/** Figures are found by name and, where given, labels; asking twice for a handle gives handles on the same figure. */
export class RecordingMetrics implements Metrics {
  readonly #values = new Map<string, number>();
  readonly #reads = new Map<string, () => number>();
  readonly #observations = new Map<string, number[]>();

  counter(name: string, options: MetricOptions): Counter {
    const key = keyOf(name, options.labels);
    return { add: (count = 1) => void this.#values.set(key, (this.#values.get(key) ?? 0) + count) };
  }

  gauge(name: string, options: MetricOptions): Gauge {
    const key = keyOf(name, options.labels);
    return { set: (value) => void this.#values.set(key, value) };
  }

  observe(name: string, options: MetricOptions, read: () => number): void {
    this.#reads.set(keyOf(name, options.labels), read);
  }

  histogram(name: string, options: MetricOptions): Histogram {
    const key = keyOf(name, options.labels);
    const observations = this.#observations.get(key) ?? [];
    this.#observations.set(key, observations);
    return { observe: (value) => void observations.push(value) };
  }

  /** The value of a counter or gauge, observed ones read now; 0 for what was never touched. */
  value(name: string, labels?: Labels): number {
    const key = keyOf(name, labels);
    return this.#reads.get(key)?.() ?? this.#values.get(key) ?? 0;
  }

  /** Everything a histogram was given, in order. */
  observations(name: string, labels?: Labels): readonly number[] {
    return this.#observations.get(keyOf(name, labels)) ?? [];
  }
}

function keyOf(name: string, labels: Labels = {}): string {
  return `${name} ${JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}
