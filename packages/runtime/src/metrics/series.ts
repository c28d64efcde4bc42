/** Owns: the values behind metric handles. Adding to one costs one addition; text is made only when figures are read. */
import type { Counter, Gauge, Histogram } from '../ports.js';

export interface Sample {
  /** Appended to the metric's name: `_bucket`, `_sum`, `_count` or nothing. */
  readonly suffix: string;
  readonly label?: readonly [name: string, value: string];
  readonly value: number;
}

export interface Series {
  samples(): Sample[];
}

export class CounterSeries implements Counter, Series {
  #value = 0;

  add(count = 1): void {
    this.#value += count;
  }

  samples(): Sample[] {
    return [{ suffix: '', value: this.#value }];
  }
}

export class GaugeSeries implements Gauge, Series {
  #value = 0;

  set(value: number): void {
    this.#value = value;
  }

  samples(): Sample[] {
    return [{ suffix: '', value: this.#value }];
  }
}

/** Several readers of one series add up: two gateways in one process have one figure. */
export class ObservedSeries implements Series {
  readonly #readers: (() => number)[] = [];

  addReader(read: () => number): void {
    this.#readers.push(read);
  }

  samples(): Sample[] {
    let value = 0;
    for (const read of this.#readers) {
      try {
        value += read();
      } catch {
        // A figure that cannot be read must not hide the others.
        value = Number.NaN;
      }
    }
    return [{ suffix: '', value }];
  }
}

export class HistogramSeries implements Histogram, Series {
  readonly #bounds: Float64Array;
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param bounds upper bounds, ascending, without infinity */
  constructor(bounds: readonly number[]) {
    this.#bounds = Float64Array.from(bounds);
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket += 1;
    (this.#counts[bucket] as number) += 1;
    this.#sum += value;
  }

  samples(): Sample[] {
    const samples: Sample[] = [];
    let count = 0;
    this.#counts.forEach((within, bucket) => {
      count += within;
      const bound = this.#bounds[bucket];
      samples.push({ suffix: '_bucket', label: ['le', bound === undefined ? '+Inf' : String(bound)], value: count });
    });
    samples.push({ suffix: '_sum', value: this.#sum }, { suffix: '_count', value: count });
    return samples;
  }
}
