/** Appends on their way to the disk that no transaction has taken yet. Owns their bounds; must not know how they are written. */
import type { ImError } from '@im/protocol';
import type { Counter } from '@im/protocol/ports';
import type { Appended } from '../log-store.js';
import { PendingBound, type PendingLimits } from '../pending-bound.js';
import { journalBound } from './journal-batch.js';
import type { LmdbLog, RecentEntry } from './lmdb-log.js';

/** One append on its way. */
export interface Pending {
  readonly log: LmdbLog;
  /** Undefined when the id was known: only the order of answers is kept. */
  readonly entry: RecentEntry | undefined;
  readonly answer: Appended;
  readonly settle: (outcome: Appended | ImError) => void;
}

/** Bounds of one transaction. */
const MOST_ENTRIES = 2_048;
const MOST_BYTES = 4_194_304;

export class AppendQueue {
  readonly #bound: PendingBound;
  #waiting: Pending[] = [];

  /** @param refused counts what there was no room for */
  constructor(limits: PendingLimits, refused: Counter) {
    this.#bound = new PendingBound(limits, refused);
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** To be followed by {@link push}. @param bytes of the body @throws ImError QUEUE_FULL */
  enter(bytes: number): void {
    this.#bound.enter(bytes);
  }

  push(pending: Pending): void {
    this.#waiting.push(pending);
  }

  /** What one transaction takes, in order. */
  take(): readonly Pending[] {
    let bytes = 0;
    let length = 0;
    for (const pending of this.#waiting) {
      const { log, entry } = pending;
      bytes += entry === undefined ? 0 : journalBound(log.group, entry);
      if (length > 0 && (length === MOST_ENTRIES || bytes > MOST_BYTES)) break;
      length += 1;
      this.#leave(pending);
    }
    if (length === this.#waiting.length) return this.#takeAll();
    return this.#waiting.splice(0, length);
  }

  /** Nothing that waited is written. */
  failed(error: ImError): void {
    for (const pending of this.#takeAll()) {
      this.#leave(pending);
      pending.settle(error);
    }
  }

  #leave({ entry }: Pending): void {
    this.#bound.leave(entry?.bodyLength ?? 0);
  }

  #takeAll(): readonly Pending[] {
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }
}
