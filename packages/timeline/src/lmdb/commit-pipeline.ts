/**
 * Group commit: what is appended or written while one transaction is flushed goes into the next, all of it with one flush,
 * and is acknowledged after it. Owns the journal and when checkpoints and sweeps ride along. After a failure nothing that was
 * under way is acknowledged; the files are opened again, until they take a write, and everything known is read from them.
 */
import { ImError } from '@im/protocol';
import type { Clock, Logger, Timer } from '@im/protocol/ports';
import type { RecordChange } from '../record-store.js';
import type { Retention } from '../retention.js';
import { AppendQueue, type Pending } from './append-queue.js';
import { Checkpoint } from './checkpoint.js';
import type { Database, Writes } from './database.js';
import { readBatch, writeBatch } from './journal-batch.js';
import { numberKey, parseNumberKey } from './keys.js';
import { LmdbLog, type RecentEntry } from './lmdb-log.js';
import { LogCache } from './log-cache.js';
import { RecordQueue } from './record-queue.js';
import type { StoreFigures } from './store-figures.js';
import { Sweep } from './sweep.js';

export interface PipelineOptions {
  readonly database: Database;
  readonly retentionOf: (group: string) => Retention;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly figures: StoreFigures;
  /** Appends under way; beyond, more are refused. The same again of writes of records. */
  readonly maxPendingEntries: number;
  readonly maxPendingBytes: number;
  /** Logs kept in memory although they have no recent entries. */
  readonly maxIdleLogs: number;
  /** Entries without a row from which on checkpoints ride along with every commit. */
  readonly checkpointFrom: number;
  /** Told once, when this process cannot write any more. */
  readonly onFailed: (error: ImError) => void;
}

interface Entered extends Pending {
  readonly entry: RecentEntry;
}

/** What is known of the disk; built anew after a failure. */
interface State {
  readonly logs: LogCache;
  readonly checkpoint: Checkpoint;
  readonly sweep: Sweep;
}

/** Bytes without a row from which on checkpoints ride along. */
const CHECKPOINT_FROM_BYTES = 8_388_608;
/** Entries moved by a transaction that has nothing better to do. */
const IDLE_BUDGET = 1_024;
const SMALLEST_BUDGET = 256;
const HOUSEKEEPING_MS = 1_000;
/** Between two attempts to mend the store. */
const MENDING_MS = 1_000;
/** Written by an attempt, so that a disk that takes nothing is found out. */
const MENDED_KEY = Buffer.from('mended');
const JOURNAL_START = numberKey(0);
const JOURNAL_END = numberKey(Number.MAX_SAFE_INTEGER);

export class CommitPipeline {
  readonly #options: PipelineOptions;
  #state: State;
  /** Of the newest batch in the journal. */
  #sequence = 0;
  readonly #appends: AppendQueue;
  readonly #records: RecordQueue;
  #running: Promise<void> | undefined;
  #housekeeping: Timer | undefined;
  /** Something was committed since housekeeping looked. */
  #active = false;
  /** Nobody is waiting: move everything to rows. */
  #emptying = false;
  #sweepDue = false;
  /** Why nothing can be appended now. */
  #failure: ImError | undefined;
  /** By the monotonic clock. */
  #mendingAt = -Infinity;
  #closing = false;
  /** Ends a wait between attempts to mend. */
  #endWait: (() => void) | undefined;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#state = this.#recover();
    const { database, clock, figures, maxPendingEntries: maxCalls, maxPendingBytes: maxBytes } = options;
    const limits = { maxCalls, maxBytes };
    this.#appends = new AppendQueue(limits, figures.refused);
    this.#records = new RecordQueue({ database, clock, figures: figures.records, limits });
    options.figures.observe({
      logs: () => this.#state.logs.size,
      pending: () => this.#appends.length,
      backlog: () => this.#state.checkpoint.entries,
      bytes: () => options.database.size(),
      available: () => this.#failure === undefined,
    });
    this.#scheduleHousekeeping();
  }

  get logs(): LogCache {
    return this.#state.logs;
  }

  /** To be followed by {@link submit}. @throws ImError QUEUE_FULL, STORE_FULL, STORE_UNAVAILABLE: the entry must not be given a version */
  enter(bytes: number): void {
    if (this.#failure) throw this.#failure;
    this.#appends.enter(bytes);
  }

  submit(pending: Pending): void {
    this.#appends.push(pending);
    this.#wake();
  }

  /** Settles when they are flushed. @param bytes of all bodies @throws ImError as a record store's `write` */
  async writeRecords(owner: string, changes: readonly RecordChange[], bytes: number): Promise<void> {
    if (this.#failure) throw this.#failure;
    const written = this.#records.add(owner, changes, bytes);
    this.#wake();
    await written;
  }

  /** Settles when everything was acknowledged and moved to rows, as far as the disk lets it. */
  async close(): Promise<void> {
    this.#housekeeping?.cancel();
    this.#housekeeping = undefined;
    this.#closing = true;
    this.#endWait?.();
    this.#emptying = true;
    this.#wake();
    await this.#running;
  }

  #wake(): void {
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // Everything appended in this turn belongs to one transaction.
    await new Promise(setImmediate);
    while (this.#hasWork()) {
      if (this.#failure) await this.#mend(this.#failure);
      else await this.#commit(this.#appends.take());
    }
    this.#running = undefined;
  }

  #hasWork(): boolean {
    if (this.#failure) return !this.#closing && !this.#options.database.isBroken;
    if (this.#appends.length > 0 || this.#records.isWaiting) return true;
    this.#emptying &&= this.#state.checkpoint.entries > 0;
    return this.#emptying || this.#sweepDue;
  }

  async #commit(batch: readonly Pending[]): Promise<void> {
    const { database, clock, figures } = this.#options;
    const { checkpoint, sweep } = this.#state;
    const startedAt = clock.monotonic();
    const entries = batch.filter(hasEntry);
    const now = clock.now();
    try {
      await database.commit((writes) => {
        if (entries.length > 0) this.#journal(entries, writes);
        this.#records.write(writes);
        checkpoint.write(writes, this.#checkpointBudget(batch.length), now);
        if (this.#sweepDue) sweep.write(writes, now);
        this.#sweepDue = false;
      });
    } catch (error) {
      this.#fail(batch, ImError.wrap(error));
      return;
    }
    this.#active = true;
    checkpoint.committed();
    this.#records.committed();
    figures.committed(entries.length, clock.monotonic() - startedAt);
    for (const { log, entry, answer, settle } of batch) {
      if (entry !== undefined) {
        log.durable = entry.version;
        checkpoint.add(entry);
      }
      settle(answer);
    }
  }

  #journal(entries: readonly Entered[], writes: Writes): void {
    for (const { entry } of entries) {
      const body = entry.sharedBody;
      if (body === undefined || body.written) continue;
      body.written = true;
      writes.put('bodies', body.key, body.bytes);
    }
    this.#sequence += 1;
    const batch = writeBatch(this.#sequence, entries);
    writes.put('journal', numberKey(batch.sequence), batch.bytes);
  }

  #checkpointBudget(batchLength: number): number {
    if (this.#emptying) return IDLE_BUDGET;
    const { entries, bytes } = this.#state.checkpoint;
    const behind = entries >= this.#options.checkpointFrom || bytes >= CHECKPOINT_FROM_BYTES;
    // Twice what came in, so that the backlog shrinks.
    return behind ? Math.max(SMALLEST_BUDGET, batchLength * 2) : 0;
  }

  #fail(batch: readonly Pending[], error: ImError): void {
    const { logger, figures } = this.#options;
    figures.failed.add();
    logger.error('the store could not write; what was under way is not acknowledged', { error });
    this.#failure = error;
    this.#emptying = false;
    for (const { settle } of batch) settle(error);
    this.#appends.failed(error);
    this.#records.failed(error);
    if (this.#options.database.isBroken) this.#options.onFailed(error);
  }

  /** One attempt: opens the files again, and appending with them if they take a write. Readers go on meanwhile. */
  async #mend(failure: ImError): Promise<void> {
    const { database, clock, logger } = this.#options;
    const wait = this.#mendingAt + MENDING_MS - clock.monotonic();
    if (wait > 0) await this.#wait(wait);
    if (this.#closing) return;
    this.#mendingAt = clock.monotonic();
    try {
      await database.reopen();
      this.#state = this.#recover();
      await database.commit((writes) => writes.put('meta', MENDED_KEY, numberKey(clock.now())));
      this.#failure = undefined;
      logger.info('the store writes again');
    } catch (error) {
      this.#failure = ImError.wrap(error);
      if (this.#failure.name !== failure.name) logger.error('the store still cannot write', { error });
      if (database.isBroken) this.#options.onFailed(this.#failure);
    }
  }

  /** Until the time is over, or the pipeline is closed. */
  async #wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(ms, resolve, { background: true });
      this.#endWait = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#endWait = undefined;
  }

  /** Reads the journal: what was acknowledged and has no row yet. */
  #recover(): State {
    const { database, retentionOf, maxIdleLogs, figures } = this.#options;
    const logs = new LogCache({
      load: (group) => new LmdbLog(group, retentionOf(group), database),
      ...{ maxIdle: maxIdleLogs, hits: figures.hits, misses: figures.misses },
    });
    const checkpoint = new Checkpoint(database, logs, figures.trimmed);
    for (const { key, value } of database.rows('journal', { start: JOURNAL_START, end: JOURNAL_END })) {
      const batch = { sequence: parseNumberKey(key), bytes: value, remaining: 0 };
      this.#sequence = Math.max(this.#sequence, batch.sequence);
      for (const { group, version, start, end } of readBatch(value)) {
        const log = logs.get(group);
        if (version <= log.rowLast) continue;
        logs.beginRecent(log);
        checkpoint.add(log.restore(batch, version, start, end));
        batch.remaining += 1;
      }
    }
    return { logs, checkpoint, sweep: new Sweep(database, logs, checkpoint) };
  }

  #scheduleHousekeeping(): void {
    this.#housekeeping = this.#options.clock.after(
      HOUSEKEEPING_MS,
      () => {
        this.#scheduleHousekeeping();
        if (this.#failure) return;
        this.#emptying = !this.#active;
        this.#active = false;
        this.#sweepDue = true;
        this.#wake();
      },
      { background: true },
    );
  }
}

function hasEntry(pending: Pending): pending is Entered {
  return pending.entry !== undefined;
}
