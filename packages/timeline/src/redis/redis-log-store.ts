/**
 * Logs in Redis, for many processes. Gives appends to Redis in the order of the calls, in batches, and answers them;
 * versions, ids, epochs and trimming are the scripts' business, being there is the connection's.
 */
import { ImError, type Position } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Logger, type Metrics, noMetrics, silentLogger } from '@im/protocol/ports';
import { CallLanes, connectRedis, type LaneCall, type RedisConnection } from '@im/redis';
import { checkEntry, checkGroup, checkRange } from '../argument-checks.js';
import type { Appended, Entry, Head, LogStore, NewEntry, Page, ReadRange } from '../log-store.js';
import type { RecordStore } from '../record-store.js';
import { type Retention, type RetentionPolicy, retentionByGroup } from '../retention.js';
import { AcknowledgedVersions } from './acknowledged-versions.js';
import { decodeEntry, encodeEntry } from './entry-bytes.js';
import { APPEND, READ } from './log-scripts.js';
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

/** One batch is the server's for about a millisecond. */
const MAX_BATCH_CALLS = 128;
const MAX_BATCH_BYTES = 1_048_576;
const MAX_PENDING_CALLS = 100_000;
const MAX_PENDING_BYTES = 67_108_864;
/** Batches under way at a time; in a Cluster each log is a lane, since a batch must stay in one slot. */
const LANES = 4;
const MAX_ACKNOWLEDGED = 100_000;
const NOTHING_SEEN: Position = { epoch: '', version: 0 };

interface Append extends LaneCall {
  readonly group: string;
  readonly shared: SharedBody | undefined;
  readonly encoded: Buffer;
  readonly settle: (outcome: Appended | ImError) => void;
}

/** What a batch brings to one log. */
interface LogAppends {
  readonly group: string;
  /** What the script is told to have been acknowledged. */
  readonly seen: Position;
  readonly appends: Append[];
}

class LogsInRedis implements RedisLogStore {
  readonly records: RecordStore;
  readonly #connection: RedisConnection;
  readonly #retentionOf: (group: string) => Retention;
  readonly #prefix: string;
  /** Undefined: the server's. */
  readonly #clock: Clock | undefined;
  readonly #logger: Logger;
  readonly #safety: ServerSafety;
  readonly #figures: StoreFigures;
  readonly #acknowledged = new AcknowledgedVersions(MAX_ACKNOWLEDGED);
  readonly #lanes = new CallLanes<Append>({
    send: (batch) => this.#send(batch),
    maxBatchCalls: MAX_BATCH_CALLS,
    maxBatchBytes: MAX_BATCH_BYTES,
    maxCalls: MAX_PENDING_CALLS,
    maxBytes: MAX_PENDING_BYTES,
  });
  #closing: Promise<void> | undefined;

  constructor(options: RedisLogStoreOptions) {
    const { clock, logger = silentLogger, metrics = noMetrics } = options;
    this.#retentionOf = retentionByGroup(options.retention ?? { default: DEFAULT_RETENTION });
    this.#prefix = options.prefix ?? 'im';
    this.#clock = clock;
    this.#logger = logger;
    this.#safety = new ServerSafety(logger);
    this.#figures = new StoreFigures(metrics, () => this.#lanes.size);
    this.#connection = connectRedis({
      url: options.url,
      name: 'im-timeline',
      ...(options.cluster !== undefined && { cluster: options.cluster }),
      ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }),
      prepare: (connection) => this.#safety.ask(connection),
      clock: clock ?? systemClock,
      logger,
      metrics,
    });
    this.records = new RedisRecordStore(this.#connection, this.#prefix, metrics);
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
    this.#closing ??= this.#lanes.drained().then(() => this.#connection.close());
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
    return new Promise((settle, refuse) => {
      const call: Append = { group, shared, encoded, bytes: encoded.byteLength, settle };
      try {
        this.#lanes.add(this.#connection.cluster ? group : laneOf(group), call);
      } catch (error) {
        this.#figures.refused.add();
        refuse(ImError.wrap(error));
      }
    });
  }

  async #send(batch: readonly Append[]): Promise<void> {
    const bodies = [...new Set(batch.map(({ shared }) => shared))].filter((body) => body !== undefined && !body.stored);
    const keys: string[] = [];
    const args: (string | number | Buffer)[] = [...this.#circumstances(), bodies.length];
    for (const body of bodies as SharedBody[]) {
      keys.push(this.#bodyKeys + body.reference.toString());
      args.push(body.lifeMs, body.body);
    }
    const logs = this.#byLog(batch);
    for (const { group, seen, appends } of logs) {
      keys.push(...this.#keysOf(group));
      args.push(this.#terms(group, seen), appends.length);
      for (const { encoded } of appends) args.push(encoded);
    }
    const began = performance.now();
    try {
      const reply = (await this.#connection.run(APPEND, keys, args)) as (Buffer | number)[];
      this.#figures.committed(batch.length, performance.now() - began);
      for (const body of bodies as SharedBody[]) body.stored = true;
      this.#answer(logs, reply);
    } catch (error) {
      this.#figures.failed.add();
      const failure = ImError.wrap(error);
      for (const { settle } of batch) settle(failure);
    }
  }

  /** In the order of the calls, as far as they concern the same log. */
  #byLog(batch: readonly Append[]): LogAppends[] {
    const logs = new Map<string, LogAppends>();
    for (const append of batch) {
      const { group } = append;
      const log = logs.get(group);
      if (log) log.appends.push(append);
      else logs.set(group, { group, seen: this.#acknowledged.get(group) ?? NOTHING_SEEN, appends: [append] });
    }
    return [...logs.values()];
  }

  #answer(logs: readonly LogAppends[], reply: readonly (Buffer | number)[]): void {
    const trimmed = Number(reply[0]);
    if (trimmed > 0) this.#figures.trimmed.add(trimmed);
    let at = 1;
    for (const { group, seen, appends } of logs) {
      const epoch = String(reply[at]) || seen.epoch;
      at += 1;
      for (const { settle } of appends) {
        settle(this.#outcomeOf(group, epoch, reply[at]));
        at += 1;
      }
    }
    for (const number of reply.slice(at)) this.#repaired(logs[Number(number) - 1]?.group);
  }

  #outcomeOf(group: string, epoch: string, outcome: Buffer | number | undefined): Appended | ImError {
    if (typeof outcome !== 'number') return new ImError('INTERNAL', { cause: new Error(String(outcome)) });
    const appended = { epoch, version: Math.abs(outcome), duplicate: outcome < 0 };
    this.#acknowledged.note(group, appended);
    this.#figures[appended.duplicate ? 'duplicates' : 'appended'].add();
    return appended;
  }

  async #read(group: string, range: ReadRange): Promise<Page> {
    this.#checkOpen();
    checkGroup(group);
    const forward = 'after' in range;
    const from = forward ? range.after : range.before;
    const bytes = range.maxBytes ?? 'inf';
    const args = [...this.#circumstances(), this.#terms(group), forward ? 1 : 0, from, range.limit, bytes];
    const reply = await this.#connection.run(READ, this.#keysOf(group), [...args, this.#bodyKeys]);
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

  /** The first arguments of every script. */
  #circumstances(): [string | number, number] {
    return [this.#clock?.now() ?? '', this.#safety.flushed ? 1 : 0];
  }

  /** What every script is told of a log. */
  #terms(group: string, { epoch, version } = this.#acknowledged.get(group) ?? NOTHING_SEEN): Buffer {
    const { maxEntries, maxBytes, maxAgeMs } = this.#retentionOf(group);
    const terms = Buffer.allocUnsafe(32 + epoch.length);
    terms.writeDoubleBE(maxEntries, 0);
    terms.writeDoubleBE(maxBytes, 8);
    terms.writeDoubleBE(maxAgeMs, 16);
    terms.writeDoubleBE(version, 24);
    terms.write(epoch, 32, 'latin1');
    return terms;
  }

  /** All keys of a log carry the same tag: one slot of a Cluster. */
  #keysOf(group: string): [head: string, entries: string, ids: string] {
    const key = `${this.#prefix}:log:{${group}}`;
    return [`${key}:h`, `${key}:e`, `${key}:i`];
  }

  get #bodyKeys(): string {
    return `${this.#prefix}:body:`;
  }

  #shareBody(groups: readonly string[], entry: NewEntry): SharedBody | undefined {
    if (this.#connection.cluster || groups.length < 2 || entry.body.byteLength < SMALLEST_SHARED_BODY) return undefined;
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

/** The same lane for the same group: a few characters are enough to spread them. */
function laneOf(group: string): number {
  let sum = 0;
  for (let i = Math.max(0, group.length - 4); i < group.length; i += 1) sum = sum * 31 + group.charCodeAt(i);
  return sum % LANES;
}

/** What a head says of the epoch before. */
function continued(before: Buffer): Pick<Head, 'continues'> {
  if (before.length === 0) return {};
  return { continues: { epoch: before.toString('latin1', 8), version: before.readDoubleBE(0) } };
}
