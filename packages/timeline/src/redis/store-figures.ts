/** The figures of a Redis store, by the names that the README lists. */
import type { Counter, Histogram, Metrics } from '@im/protocol/ports';

const labels = { store: 'redis' };

export class StoreFigures {
  readonly appended: Counter;
  readonly duplicates: Counter;
  readonly trimmed: Counter;
  readonly repaired: Counter;
  readonly refused: Counter;
  readonly failed: Counter;
  readonly #commitMs: Histogram;
  readonly #commitEntries: Histogram;

  /** @param pending appends that wait or are under way */
  constructor(metrics: Metrics, pending: () => number) {
    const counter = (name: string, help: string) => metrics.counter(`im_timeline_${name}_total`, { help, labels });
    this.appended = counter('appended', 'Entries appended.');
    this.duplicates = counter('duplicates', 'Appends of a known id.');
    this.trimmed = counter('trimmed', 'Entries no longer kept.');
    this.repaired = counter('repaired_logs', 'Logs found with part of a transaction that a killed server had cut off.');
    this.refused = counter('refused', 'Appends refused for want of room in the queue.');
    this.failed = counter('failed_commits', 'Batches that Redis did not answer as it should.');
    this.#commitMs = metrics.histogram('im_timeline_commit_ms', {
      help: 'From sending a batch to its answer.',
      labels,
      buckets: [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 512],
    });
    this.#commitEntries = metrics.histogram('im_timeline_commit_entries', {
      help: 'Entries sent together.',
      labels,
      buckets: [1, 4, 16, 64, 256],
    });
    metrics.observe('im_timeline_pending_entries', { help: 'Appends that wait for Redis.', labels }, pending);
  }

  committed(entries: number, ms: number): void {
    this.#commitMs.observe(ms);
    this.#commitEntries.observe(entries);
  }
}
