/**
 * Writes of records on their way to the disk: those that wait, and those that the transaction under way holds, which settle with
 * it. Owns no transaction: the pipeline takes them along with appends.
 */
import type { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { PendingBound, type PendingLimits } from '../pending-bound.js';
import type { RecordFigures } from '../record-figures.js';
import type { RecordChange } from '../record-store.js';
import { Revisions } from '../revisions.js';
import type { Database, Writes } from './database.js';
import { RecordTransaction } from './record-transaction.js';

/** Bounds of one transaction. */
const MOST_CHANGES = 4_096;
const MOST_BYTES = 4_194_304;

interface PendingWrite {
  readonly owner: string;
  readonly changes: readonly RecordChange[];
  readonly bytes: number;
  /** Why it will not be written, known when the transaction was composed. */
  refusal: ImError | undefined;
  readonly resolve: () => void;
  readonly reject: (error: ImError) => void;
}

export interface RecordQueueOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly figures: RecordFigures;
  readonly limits: PendingLimits;
}

export class RecordQueue {
  readonly #database: Database;
  readonly #figures: RecordFigures;
  readonly #revisions: Revisions;
  readonly #bound: PendingBound;
  #waiting: PendingWrite[] = [];
  #underWay: readonly PendingWrite[] = [];

  constructor({ database, clock, figures, limits }: RecordQueueOptions) {
    this.#database = database;
    this.#figures = figures;
    this.#revisions = new Revisions(clock);
    this.#bound = new PendingBound(limits, figures.refused);
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** @param bytes of all bodies @throws ImError QUEUE_FULL */
  add(owner: string, changes: readonly RecordChange[], bytes: number): Promise<void> {
    this.#bound.enter(bytes);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ owner, changes, bytes, refusal: undefined, resolve, reject });
    });
  }

  /** Puts what waits into a transaction. {@link committed} or {@link failed} must follow. */
  write(writes: Writes): void {
    if (this.#waiting.length === 0) return;
    const transaction = new RecordTransaction(this.#database, this.#revisions, writes);
    this.#underWay = this.#take();
    for (const each of this.#underWay) each.refusal = transaction.write(each.owner, each.changes);
  }

  committed(): void {
    const settled = this.#underWay;
    this.#underWay = [];
    for (const { refusal, bytes, resolve, reject } of settled) {
      this.#bound.leave(bytes);
      if (refusal === undefined) {
        this.#figures.writes.add();
        resolve();
      } else {
        if (refusal.name === 'RECORD_CHANGED') this.#figures.conflicts.add();
        reject(refusal);
      }
    }
  }

  /** Nothing that was under way or waited is written. */
  failed(error: ImError): void {
    const lost = [...this.#underWay, ...this.#waiting];
    this.#underWay = [];
    this.#waiting = [];
    for (const { bytes, reject } of lost) {
      this.#bound.leave(bytes);
      reject(error);
    }
  }

  #take(): readonly PendingWrite[] {
    let [changes, bytes] = [0, 0];
    const beyond = this.#waiting.findIndex((each, index) => {
      changes += each.changes.length;
      bytes += each.bytes;
      return index > 0 && (changes > MOST_CHANGES || bytes > MOST_BYTES);
    });
    return this.#waiting.splice(0, beyond < 0 ? this.#waiting.length : beyond);
  }
}
