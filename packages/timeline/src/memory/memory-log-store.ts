/**
 * Bounded logs in one process's memory: as durable as the process. Owns which logs exist and how much they hold together.
 * A log that had to be given up begins anew under another epoch, so that nobody takes its versions for the old ones.
 */
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Metrics, noMetrics, type Random } from '@im/protocol/ports';
import { checkEntry, checkGroup, checkRange } from '../argument-checks.js';
import type { Appended, Head, LogStore, NewEntry, Page, ReadRange } from '../log-store.js';
import { RecencyList } from '../recency-list.js';
import { type Retention, type RetentionPolicy, retentionByGroup } from '../retention.js';
import { MemoryLog, type SharedBody, type Usage } from './memory-log.js';

export interface MemoryLogStoreOptions {
  /** Default: 1,000 entries, 1 MiB of bodies and 10 minutes of every log. */
  readonly retention?: RetentionPolicy;
  /** Logs kept; beyond, the least recently used is given up, those that were never written first. Default 100,000. */
  readonly maxLogs?: number;
  /** Of all logs together, bodies and what surrounds them; beyond, the least recently used are given up. Default 256 MiB. */
  readonly maxTotalBytes?: number;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly metrics?: Metrics;
}

const DEFAULT_RETENTION: Retention = { maxEntries: 1_000, maxBytes: 1_048_576, maxAgeMs: 600_000 };

export function createMemoryLogStore(options: MemoryLogStoreOptions = {}): LogStore {
  return new MemoryLogStore(options);
}

class MemoryLogStore implements LogStore {
  readonly #retentionOf: (group: string) => Retention;
  readonly #maxLogs: number;
  readonly #maxTotalBytes: number;
  readonly #clock: Clock;
  readonly #logs = new Map<string, MemoryLog>();
  /** Logs that were only asked for: given up first, so that naming groups costs nobody's entries. */
  readonly #unwritten = new RecencyList<MemoryLog>();
  readonly #written = new RecencyList<MemoryLog>();
  readonly #usage: Usage;
  /** Of this store's life; 10 characters, so that what follows them cannot be mistaken. */
  readonly #incarnation: string;
  /** Written logs given up so far: a new log's epoch names it, hence differs from all that its group had before. */
  #evictions = 0;
  #closed = false;
  readonly #appended;
  readonly #duplicates;
  readonly #evicted;

  constructor(options: MemoryLogStoreOptions) {
    const { clock = systemClock, random = Math.random, metrics = noMetrics } = options;
    this.#retentionOf = retentionByGroup(options.retention ?? { default: DEFAULT_RETENTION });
    this.#maxLogs = options.maxLogs ?? 100_000;
    this.#maxTotalBytes = options.maxTotalBytes ?? 268_435_456;
    this.#clock = clock;
    this.#incarnation = Array.from({ length: 10 }, () => Math.floor(random() * 36).toString(36)).join('');

    const labels = { store: 'memory' };
    this.#usage = {
      bytes: 0,
      trimmed: metrics.counter('im_timeline_trimmed_total', { help: 'Entries no longer kept.', labels }),
    };
    this.#appended = metrics.counter('im_timeline_appended_total', { help: 'Entries appended.', labels });
    this.#duplicates = metrics.counter('im_timeline_duplicates_total', { help: 'Appends of a known id.', labels });
    this.#evicted = metrics.counter('im_timeline_evicted_logs_total', {
      help: 'Written logs given up for room.',
      labels,
    });
    metrics.observe('im_timeline_logs', { help: 'Logs kept.', labels }, () => this.#logs.size);
    metrics.observe('im_timeline_bytes', { help: 'Bytes kept, about.', labels }, () => this.#usage.bytes);
  }

  async head(group: string): Promise<Head> {
    return this.#log(group).head(this.#clock.monotonic());
  }

  async read(group: string, range: ReadRange): Promise<Page> {
    checkRange(range);
    return this.#log(group).read(range, this.#clock.monotonic());
  }

  async append(group: string, entry: NewEntry): Promise<Appended> {
    checkEntry(entry);
    return this.#append(this.#log(group), entry, undefined);
  }

  async appendMany(groups: readonly string[], entry: NewEntry): Promise<ReadonlyMap<string, Appended | Error>> {
    this.#checkOpen();
    checkEntry(entry);
    const body = copyOf(entry.body);
    const results = new Map<string, Appended | Error>();
    for (const group of new Set(groups)) {
      try {
        results.set(group, this.#append(this.#log(group), entry, body));
      } catch (error) {
        results.set(group, ImError.wrap(error));
      }
    }
    return results;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const log of this.#logs.values()) this.#remove(log);
  }

  /** @param shared the body's copy when several logs share it */
  #append(log: MemoryLog, entry: NewEntry, shared: SharedBody | undefined): Appended {
    const now = this.#clock.monotonic();
    const { epoch } = log;
    const known = entry.id === undefined ? undefined : log.versionOf(entry.id, now);
    if (known !== undefined) {
      this.#duplicates.add();
      return { epoch, version: known, duplicate: true };
    }
    const isFirst = !log.isWritten;
    const version = log.append(entry, shared ?? copyOf(entry.body), now);
    if (isFirst) {
      this.#unwritten.remove(log);
      this.#written.add(log);
    }
    this.#appended.add();
    this.#makeRoom(log);
    return { epoch, version, duplicate: false };
  }

  /** The group's log, made when it is unknown, so that the epoch told to a reader is the one appended to later. */
  #log(group: string): MemoryLog {
    this.#checkOpen();
    const known = this.#logs.get(group);
    if (known !== undefined) {
      this.#recencyOf(known).touch(known);
      return known;
    }
    checkGroup(group);
    const epoch = this.#incarnation + this.#evictions.toString(36);
    const log = new MemoryLog(group, epoch, this.#retentionOf(group), this.#usage);
    this.#logs.set(group, log);
    this.#unwritten.add(log);
    this.#makeRoom(log);
    return log;
  }

  #makeRoom(used: MemoryLog): void {
    while (this.#logs.size > this.#maxLogs || this.#usage.bytes > this.#maxTotalBytes) {
      const oldest = this.#oldestBeside(used);
      if (oldest === undefined) break;
      this.#remove(oldest);
      // Nobody holds a version of a log that was never written: it may come back as the one it was.
      if (!oldest.isWritten) continue;
      this.#evictions += 1;
      this.#evicted.add();
    }
    while (this.#usage.bytes > this.#maxTotalBytes && used.dropOldest());
  }

  #oldestBeside(used: MemoryLog): MemoryLog | undefined {
    return [this.#unwritten.oldest, this.#written.oldest].find((log) => log !== undefined && log !== used);
  }

  #recencyOf(log: MemoryLog): RecencyList<MemoryLog> {
    return log.isWritten ? this.#written : this.#unwritten;
  }

  #remove(log: MemoryLog): void {
    this.#logs.delete(log.group);
    this.#recencyOf(log).remove(log);
    log.dispose();
  }

  #checkOpen(): void {
    if (this.#closed) throw new ImError('CLOSED');
  }
}

/** Not `slice`: a Buffer's would share its memory, and pin the frame that it was read from. */
function copyOf(body: Uint8Array): SharedBody {
  return { bytes: new Uint8Array(body), holders: 0 };
}
