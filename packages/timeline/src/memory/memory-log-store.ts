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
import { IdFilter } from './id-filter.js';
import { type Kept, MemoryLog, type Usage } from './memory-log.js';

export interface MemoryLogStoreOptions {
  /** Default: 1,000 entries, 1 MiB of bodies and 10 minutes of every log. */
  readonly retention?: RetentionPolicy;
  /** Logs kept; beyond, the least recently used is given up. Default 100,000. */
  readonly maxLogs?: number;
  /** Of all logs together, bodies and what surrounds them; beyond, the least recently used are given up. Default 256 MiB. */
  readonly maxTotalBytes?: number;
  /** Begins every epoch, so that readers see whose memory it is: 1 to 40 of `[A-Za-z0-9_-]`. */
  readonly node?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly metrics?: Metrics;
}

/** How finely {@link MemoryLogStore} remembers whose logs were given up. */
const LIVES = 4_096;

const DEFAULT_RETENTION: Retention = { maxEntries: 1_000, maxBytes: 1_048_576, maxAgeMs: 600_000 };

/** @throws ImError CONFIG_INVALID naming what is wrong with the retention or the node's name */
export function createMemoryLogStore(options: MemoryLogStoreOptions = {}): LogStore {
  return new MemoryLogStore(options);
}

class MemoryLogStore implements LogStore {
  readonly #retentionOf: (group: string) => Retention;
  readonly #maxLogs: number;
  readonly #maxTotalBytes: number;
  readonly #clock: Clock;
  readonly #logs = new Map<string, MemoryLog>();
  readonly #recency = new RecencyList<MemoryLog>();
  readonly #usage: Usage;
  /** Of this store's life; ends in 10 characters of its own, so that what follows them cannot be mistaken. */
  readonly #incarnation: string;
  /**
   * Logs given up so far, by hash of the group: a log's epoch names the count, hence differs from all that its group had
   * before, and is known of logs that were never written without keeping anything for them.
   */
  readonly #lives = new Uint32Array(LIVES);
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
    this.#incarnation =
      nodePrefix(options.node) + Array.from({ length: 10 }, () => Math.floor(random() * 36).toString(36)).join('');

    const labels = { store: 'memory' };
    this.#usage = {
      bytes: 0,
      ids: new IdFilter(),
      trimmed: metrics.counter('im_timeline_trimmed_total', { help: 'Entries no longer kept.', labels }),
    };
    this.#appended = metrics.counter('im_timeline_appended_total', { help: 'Entries appended.', labels });
    this.#duplicates = metrics.counter('im_timeline_duplicates_total', { help: 'Appends of a known id.', labels });
    this.#evicted = metrics.counter('im_timeline_evicted_logs_total', { help: 'Logs given up for room.', labels });
    metrics.observe('im_timeline_logs', { help: 'Logs kept.', labels }, () => this.#logs.size);
    metrics.observe('im_timeline_bytes', { help: 'Bytes kept, about.', labels }, () => this.#usage.bytes);
  }

  async head(group: string): Promise<Head> {
    return this.#known(group)?.head(this.#clock.monotonic()) ?? this.#unwritten(group);
  }

  async read(group: string, range: ReadRange): Promise<Page> {
    checkRange(range);
    return this.#known(group)?.read(range, this.#clock.monotonic()) ?? { ...this.#unwritten(group), entries: [] };
  }

  async append(group: string, entry: NewEntry): Promise<Appended> {
    checkEntry(entry);
    return this.#append(this.#log(group), entry, this.#mayKnow(entry), undefined);
  }

  async appendMany(groups: readonly string[], entry: NewEntry): Promise<ReadonlyMap<string, Appended | Error>> {
    this.#checkOpen();
    checkEntry(entry);
    const mayBeKnown = this.#mayKnow(entry);
    const kept = this.#kept(entry);
    const results = new Map<string, Appended | Error>();
    for (const group of groups) {
      if (results.has(group)) continue;
      try {
        results.set(group, this.#append(this.#log(group), entry, mayBeKnown, kept));
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

  #mayKnow({ id }: NewEntry): boolean {
    return id !== undefined && this.#usage.ids.mayHold(id);
  }

  /** @param shared what is kept of it when several logs share that */
  #append(log: MemoryLog, entry: NewEntry, mayBeKnown: boolean, shared: Kept | undefined): Appended {
    const { epoch } = log;
    const mayHave = mayBeKnown && entry.id !== undefined;
    const known = mayHave ? log.versionOf(entry.id, this.#clock.monotonic()) : undefined;
    if (known !== undefined) {
      this.#duplicates.add();
      return { epoch, version: known, duplicate: true };
    }
    const version = log.append(shared ?? this.#kept(entry));
    this.#appended.add();
    this.#makeRoom(log);
    return { epoch, version, duplicate: false };
  }

  #kept({ id, event, body, time }: NewEntry): Kept {
    // Not `slice`: a Buffer's would share its memory, and pin the frame that it was read from.
    const copy = new Uint8Array(body);
    const kept = { event, body: copy, time, appendedAt: this.#clock.monotonic(), holders: 0 };
    return id === undefined ? kept : { ...kept, id };
  }

  #known(group: string): MemoryLog | undefined {
    this.#checkOpen();
    const known = this.#logs.get(group);
    if (known !== undefined) this.#recency.touch(known);
    return known;
  }

  /** Readers alone make no log: there may be many more of them than logs that are ever written. */
  #unwritten(group: string): Head {
    checkGroup(group);
    return { epoch: this.#epochOf(group), version: 0, first: 1 };
  }

  /** The group's log, made when it is unknown, under the epoch that its readers were told. */
  #log(group: string): MemoryLog {
    const known = this.#known(group);
    if (known !== undefined) return known;
    checkGroup(group);
    const log = new MemoryLog(group, this.#epochOf(group), this.#retentionOf(group), this.#usage);
    this.#logs.set(group, log);
    this.#recency.add(log);
    this.#makeRoom(log);
    return log;
  }

  #epochOf(group: string): string {
    return this.#incarnation + (this.#lives[lifeOf(group)] as number).toString(36);
  }

  #makeRoom(used: MemoryLog): void {
    while (this.#logs.size > this.#maxLogs || this.#usage.bytes > this.#maxTotalBytes) {
      const { oldest } = this.#recency;
      if (oldest === undefined || oldest === used) break;
      this.#remove(oldest);
      this.#lives[lifeOf(oldest.group)] = (this.#lives[lifeOf(oldest.group)] as number) + 1;
      this.#evicted.add();
    }
    while (this.#usage.bytes > this.#maxTotalBytes && used.dropOldest());
  }

  #remove(log: MemoryLog): void {
    this.#logs.delete(log.group);
    this.#recency.remove(log);
    log.dispose();
  }

  #checkOpen(): void {
    if (this.#closed) throw new ImError('CLOSED');
  }
}

function nodePrefix(node: string | undefined): string {
  if (node === undefined) return '';
  if (/^[A-Za-z0-9_-]{1,40}$/.test(node)) return `${node}-`;
  const mistake = `node of a memory log store: 1 to 40 of [A-Za-z0-9_-], not ${JSON.stringify(node.slice(0, 64))}`;
  throw new ImError('CONFIG_INVALID', { message: mistake, details: { mistakes: [mistake] } });
}

/** Which of the {@link LIVES} is the group's: FNV-1a (Fowler, Noll, Vo). */
function lifeOf(group: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < group.length; i += 1) hash = Math.imul(hash ^ group.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % LIVES;
}
