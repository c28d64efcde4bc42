/**
 * Logs on the local disk: an append is acknowledged once it is flushed. Gives versions and recognises ids in the order
 * of the calls; what happens between a call and its acknowledgement is the pipeline's business.
 */
import { ImError } from '@im/protocol';
import { checkEntry, checkGroup, checkRange } from '../argument-checks.js';
import type { Appended, Head, LogStore, NewEntry, Page, ReadRange } from '../log-store.js';
import { CommitPipeline, type PipelineOptions } from './commit-pipeline.js';
import type { LmdbLog } from './lmdb-log.js';
import { LmdbRecordStore } from './lmdb-record-store.js';
import { type SharedBody, SMALLEST_SHARED_BODY, shareBody } from './shared-body.js';

export interface StoreOptions extends PipelineOptions {
  /** Of all logs: the identity of the store. */
  readonly epoch: string;
}

export class LmdbLogStore implements LogStore {
  readonly records: LmdbRecordStore;
  readonly #options: StoreOptions;
  readonly #pipeline: CommitPipeline;
  #closing: Promise<void> | undefined;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#pipeline = new CommitPipeline(options);
    this.records = new LmdbRecordStore(options.database, this.#pipeline);
  }

  async head(group: string): Promise<Head> {
    return this.#log(group).head(this.#options.epoch, this.#options.clock.now());
  }

  async read(group: string, range: ReadRange): Promise<Page> {
    checkRange(range);
    const { epoch, clock, figures } = this.#options;
    const log = this.#log(group);
    const page = log.read(epoch, range, clock.now());
    figures.readFrom(page.entries, log.rowLast);
    return page;
  }

  async append(group: string, entry: NewEntry): Promise<Appended> {
    const log = this.#log(group);
    checkEntry(entry);
    const outcome = await this.#append(log, entry, undefined);
    if (outcome instanceof ImError) throw outcome;
    return outcome;
  }

  async appendMany(groups: readonly string[], entry: NewEntry): Promise<ReadonlyMap<string, Appended | Error>> {
    this.#checkOpen();
    checkEntry(entry);
    const distinct = [...new Set(groups)];
    const shared = this.#shareBody(distinct, entry);
    const outcomes = await Promise.all(distinct.map((group) => this.#outcome(group, entry, shared)));
    return new Map(distinct.map((group, index) => [group, outcomes[index] ?? new ImError('INTERNAL')]));
  }

  close(): Promise<void> {
    this.records.close();
    this.#closing ??= this.#pipeline.close().then(() => this.#options.database.close());
    return this.#closing;
  }

  async #outcome(group: string, entry: NewEntry, shared: SharedBody | undefined): Promise<Appended | ImError> {
    try {
      return await this.#append(this.#log(group), entry, shared);
    } catch (error) {
      return ImError.wrap(error);
    }
  }

  /** Gives the version now; resolves, never rejects, when it is flushed or will not be. @throws ImError QUEUE_FULL … */
  #append(log: LmdbLog, entry: NewEntry, shared: SharedBody | undefined): Promise<Appended | ImError> {
    const { clock, epoch, figures } = this.#options;
    const now = clock.now();
    const known = entry.id === undefined ? undefined : log.versionOf(entry.id, now);
    if (known !== undefined) {
      figures.duplicates.add();
      const answer = { epoch, version: known, duplicate: true };
      if (log.assigned === log.durable) return Promise.resolve(answer);
      // Behind appends under way: their answers come first, and one of them may be the first of this id.
      this.#pipeline.enter(0);
      return this.#submit(log, undefined, answer);
    }
    this.#pipeline.enter(entry.body.length);
    this.#pipeline.logs.beginRecent(log);
    const given = log.give(entry, shared, now);
    return this.#submit(log, given, { epoch, version: given.version, duplicate: false });
  }

  #submit(log: LmdbLog, entry: ReturnType<LmdbLog['give']> | undefined, answer: Appended): Promise<Appended | ImError> {
    return new Promise((settle) => {
      this.#pipeline.submit({ log, entry, answer, settle });
    });
  }

  /** Kept until the last log that may refer to it has dropped it by age. */
  #shareBody(groups: readonly string[], entry: NewEntry): SharedBody | undefined {
    if (groups.length < 2 || entry.body.length < SMALLEST_SHARED_BODY) return undefined;
    const { clock, retentionOf } = this.#options;
    const longest = groups.reduce((ms, group) => Math.max(ms, retentionOf(group).maxAgeMs), 0);
    return shareBody(entry.body, clock.now() + longest);
  }

  #log(group: string): LmdbLog {
    this.#checkOpen();
    checkGroup(group);
    return this.#pipeline.logs.get(group);
  }

  #checkOpen(): void {
    if (this.#closing) throw new ImError('CLOSED');
  }
}
