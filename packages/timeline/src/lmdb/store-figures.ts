/** The figures of an LMDB store, by the names that the README lists. */
import type { Counter, Histogram, Metrics } from '@im/protocol/ports';
import type { Entry } from '../log-store.js';
import { RecordFigures } from '../record-figures.js';

/** Read when figures are. */
export interface StoreLevels {
  readonly logs: () => number;
  readonly pending: () => number;
  readonly backlog: () => number;
  readonly bytes: () => number;
  readonly available: () => boolean;
}

const labels = { store: 'lmdb' };

export class StoreFigures {
  readonly appended: Counter;
  readonly duplicates: Counter;
  readonly trimmed: Counter;
  readonly refused: Counter;
  readonly failed: Counter;
  readonly records: RecordFigures;
  readonly hits: Counter;
  readonly misses: Counter;
  readonly #fromMemory: Counter;
  readonly #fromRows: Counter;
  readonly #commitMs: Histogram;
  readonly #commitEntries: Histogram;
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.records = new RecordFigures(metrics, labels.store);
    const counter = (name: string, help: string) => metrics.counter(`im_timeline_${name}_total`, { help, labels });
    this.appended = counter('appended', 'Entries appended.');
    this.duplicates = counter('duplicates', 'Appends of a known id.');
    this.trimmed = counter('trimmed', 'Entries no longer kept.');
    this.refused = counter('refused', 'Appends refused for want of room in the queue.');
    this.failed = counter('failed_commits', 'Transactions that the disk did not take.');
    this.hits = counter('cache_hits', 'Logs that were looked for and in memory.');
    this.misses = counter('cache_misses', 'Logs that were looked for and read from the disk.');
    const entriesRead = (from: string) =>
      metrics.counter('im_timeline_entries_read_total', {
        help: 'Entries that were read, by where they were.',
        labels: { ...labels, from },
      });
    this.#fromMemory = entriesRead('memory');
    this.#fromRows = entriesRead('rows');
    this.#commitMs = metrics.histogram('im_timeline_commit_ms', {
      help: 'From the begin of a transaction to its flush.',
      labels,
      buckets: [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 512],
    });
    this.#commitEntries = metrics.histogram('im_timeline_commit_entries', {
      help: 'Entries flushed together.',
      labels,
      buckets: [1, 4, 16, 64, 256, 1_024, 2_048],
    });
  }

  committed(entries: number, ms: number): void {
    if (entries === 0) return;
    this.appended.add(entries);
    this.#commitMs.observe(ms);
    this.#commitEntries.observe(entries);
  }

  /** @param entries of a page, without holes @param rowLast the newest that has a row: those behind it are in memory */
  readFrom(entries: readonly Entry[], rowLast: number): void {
    const [first, last] = [entries[0], entries.at(-1)];
    if (first === undefined || last === undefined) return;
    const oldest = Math.min(first.version, last.version);
    const rows = Math.min(Math.max(0, rowLast - oldest + 1), entries.length);
    if (rows > 0) this.#fromRows.add(rows);
    if (rows < entries.length) this.#fromMemory.add(entries.length - rows);
  }

  observe(levels: StoreLevels): void {
    const level = (name: string, help: string, read: () => number) =>
      this.#metrics.observe(`im_timeline_${name}`, { help, labels }, read);
    level('logs', 'Logs in use.', levels.logs);
    level('pending_entries', 'Appends that wait for their flush.', levels.pending);
    level('journal_entries', 'Acknowledged entries that have no row yet.', levels.backlog);
    level('bytes', 'Bytes of the file.', levels.bytes);
    level('available', '1 while the store takes appends.', () => (levels.available() ? 1 : 0));
  }
}
