/**
 * Logs in Redis, for many processes: calls, checked, and pages. Batches of appends are AppendBatches' business, versions, ids, epochs
 * and trimming the scripts', being there is the connection's.
 */
import { ImError, type Position } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Logger, type Metrics, noMetrics, silentLogger } from '@im/protocol/ports';
import { connectRedis, type RedisConnection } from '@im/redis';
import { checkEntry, checkGroup, checkRange } from '../argument-checks.js';
import type { Appended, Entry, Head, LogStore, NewEntry, Page, ReadRange } from '../log-store.js';
import type { RecordStore } from '../record-store.js';
import { type Retention, type RetentionPolicy, retentionByGroup } from '../retention.js';
import { AcknowledgedVersions } from './acknowledged-versions.js';
import { AppendBatches } from './append-batches.js';
import { decodeEntry, encodeEntry } from './entry-bytes.js';
import { LogArguments } from './log-arguments.js';
import { READ } from './log-scripts.js';
import { RedisRecordStore } from './redis-record-store.js';
import { ServerSafety } from './server-safety.js';
import { type SharedBody, SMALLEST_SHARED_BODY, shareBody } from './shared-body.js';
import { StoreFigures } from './store-figures.js';

export interface RedisLogStoreOptions {
  /** `redis://user:password@host:6379/0`; `rediss://` for TLS; of a Redis Cluster one or several of its nodes. */
  readonly url: string | readonly string[];
  /** Default: whether there are several urls. Bodies are then stored in every log that holds them. */
  readonly cluster?: boolean;
  /** What all keys begin with: stores with different ones know nothing of each other. Default `im`. */
  readonly prefix?: string;
  /** Default: 10,000 entries, 16 MiB of bodies and 90 days of every log. */
  readonly retention?: RetentionPolicy;
  /** For connecting, and for each answer. Default 2,000. */
  readonly timeoutMs?: number;
  /** Decides what is too old. Default: the server's own, so that processes whose clocks differ agree. */
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

export interface RedisLogStore extends LogStore {
  /** Beside the logs, on the same connection. */
  readonly records: RecordStore;
  /** False: every call fails at once with STORE_UNAVAILABLE; it comes back by itself. */
  readonly available: boolean;
  /** Resolves when Redis was reached. @throws ImError STORE_UNAVAILABLE, CONFIG_INVALID (user or password), CLOSED */
  ready(): Promise<void>;
  /** @returns ends it */
  onAvailability(listener: (available: boolean) => void): () => void;
}

/**
 * Connects in the background: await `ready`.
 * @throws ImError CONFIG_INVALID naming what is wrong with url or retention
 */
export function createRedisLogStore(options: RedisLogStoreOptions): RedisLogStore {
  return new LogsInRedis(options);
}

const DEFAULT_RETENTION: Retention = { maxEntries: 10_000, maxBytes: 16_777_216, maxAgeMs: 90 * 86_400_000 };
const MAX_ACKNOWLEDGED = 100_000;
/** In what a head says of an epoch before: a version (8), and the epoch. */
const BEFORE_BYTES = 32;

class LogsInRedis implements RedisLogStore {
  readonly records: RecordStore;
  readonly #connection: RedisConnection;
  readonly #retentionOf: (group: string) => Retention;
  readonly #logger: Logger;
  readonly #figures: StoreFigures;
  readonly #arguments: LogArguments;
  readonly #batches: AppendBatches;
  #closing: Promise<void> | undefined;

  constructor(options: RedisLogStoreOptions) {
    const { prefix = 'im', clock, logger = silentLogger, metrics = noMetrics } = options;
    const acknowledged = new AcknowledgedVersions(MAX_ACKNOWLEDGED);
    const safety = new ServerSafety(logger);
    const retentionOf = retentionByGroup(options.retention ?? { default: DEFAULT_RETENTION });
    this.#retentionOf = retentionOf;
    this.#logger = logger;
    this.#figures = new StoreFigures(metrics, () => this.#batches.size);
    this.#connection = connectRedis({
      url: options.url,
      name: 'im-timeline',
      ...(options.cluster !== undefined && { cluster: options.cluster }),
      ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }),
      prepare: (connection) => safety.ask(connection),
      clock: clock ?? systemClock,
      logger,
      metrics,
    });
    this.#arguments = new LogArguments({ prefix, retentionOf, acknowledged, safety, clock });
    this.#batches = new AppendBatches({
      connection: this.#connection,
      logArguments: this.#arguments,
      acknowledged,
      figures: this.#figures,
      onRepaired: (group) => this.#repaired(group),
    });
    this.records = new RedisRecordStore(this.#connection, prefix, metrics);
  }

  get available(): boolean {
    return this.#connection.available;
  }

  ready(): Promise<void> {
    return this.#connection.ready();
  }

  onAvailability(listener: (available: boolean) => void): () => void {
    return this.#connection.onAvailability(listener);
  }

  async head(group: string): Promise<Head> {
    const { entries: _, ...head } = await this.#read(group, { after: 0, limit: 0 });
    return head;
  }

  async read(group: string, range: ReadRange): Promise<Page> {
    checkRange(range);
    return this.#read(group, range);
  }

  async append(group: string, entry: NewEntry): Promise<Appended> {
    checkEntry(entry);
    const outcome = await this.#append(group, encodeEntry(entry), undefined);
    if (outcome instanceof ImError) throw outcome;
    return outcome;
  }

  async appendMany(groups: readonly string[], entry: NewEntry): Promise<ReadonlyMap<string, Appended | Error>> {
    this.#checkOpen();
    checkEntry(entry);
    const distinct = [...new Set(groups)];
    const shared = this.#shareBody(distinct, entry);
    const encoded = encodeEntry(entry, shared?.reference);
    const outcomes = await Promise.all(distinct.map((group) => this.#outcome(group, encoded, shared)));
    return new Map(distinct.map((group, index) => [group, outcomes[index] ?? new ImError('INTERNAL')]));
  }

  close(): Promise<void> {
    this.#closing ??= this.#batches.drained().then(() => this.#connection.close());
    return this.#closing;
  }

  async #outcome(group: string, encoded: Buffer, shared: SharedBody | undefined): Promise<Appended | ImError> {
    try {
      return await this.#append(group, encoded, shared);
    } catch (error) {
      return ImError.wrap(error);
    }
  }

  /** Queues it now. Resolves, never rejects, when it was answered. @throws ImError STORE_UNAVAILABLE, QUEUE_FULL … */
  #append(group: string, encoded: Buffer, shared: SharedBody | undefined): Promise<Appended | ImError> {
    this.#checkOpen();
    checkGroup(group);
    this.#checkAvailable();
    return this.#batches.add(group, encoded, shared);
  }

  async #read(group: string, range: ReadRange): Promise<Page> {
    this.#checkOpen();
    checkGroup(group);
    const forward = 'after' in range;
    const from = forward ? range.after : range.before;
    const bytes = range.maxBytes ?? 'inf';
    const own = this.#arguments;
    const terms = own.terms(group, own.seen(group));
    const args = [...own.circumstances(), terms, forward ? 1 : 0, from, range.limit, bytes];
    const reply = await this.#connection.run(READ, own.keysOf(group), [...args, own.bodyKeys]);
    const [epoch, version, first, next, repaired, before, ...rest] = reply as [
      Buffer,
      number,
      number,
      number,
      number,
      Buffer,
      ...Buffer[],
    ];
    if (repaired === 1) this.#repaired(group);
    const step = forward ? 1 : -1;
    const entries: Entry[] = rest.map((entry, index) => decodeEntry(entry, next + step * index));
    return { epoch: epoch.toString(), version, first, ...continued(before), entries };
  }

  #repaired(group: string | undefined): void {
    this.#figures.repaired.add();
    this.#logger.warn(
      'Redis: a log held part of a transaction that was cut off when its server was killed; it is whole again',
      { group },
    );
  }

  #shareBody(groups: readonly string[], entry: NewEntry): SharedBody | undefined {
    if (this.#connection.cluster || groups.length < 2 || entry.body.length < SMALLEST_SHARED_BODY) return undefined;
    return shareBody(
      entry.body,
      groups.reduce((ms, group) => Math.max(ms, this.#retentionOf(group).maxAgeMs), 0),
    );
  }

  #checkAvailable(): void {
    if (!this.#connection.available) {
      throw new ImError('STORE_UNAVAILABLE', { message: `Redis at ${this.#connection.address} is away` });
    }
  }

  #checkOpen(): void {
    if (this.#closing) throw new ImError('CLOSED');
  }
}

/** What a head says of the epochs before. */
function continued(before: Buffer): Pick<Head, 'continues'> {
  if (before.length === 0) return {};
  const continues: Position[] = [];
  for (let at = 0; at < before.length; at += BEFORE_BYTES) {
    continues.push({ epoch: before.toString('latin1', at + 8, at + BEFORE_BYTES), version: before.readDoubleBE(at) });
  }
  return { continues };
}
