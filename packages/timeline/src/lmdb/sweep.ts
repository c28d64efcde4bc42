/**
 * Goes round all logs, a few at a time, and drops what retention no longer keeps of those nobody appends to; and shared
 * bodies that no log can want any more.
 */
import type { Checkpoint } from './checkpoint.js';
import type { Database, Writes } from './database.js';
import { entryKey, numberKey, parseEntryKey } from './keys.js';
import type { LogCache } from './log-cache.js';

/** At one time. */
const MOST_LOGS = 32;
const MOST_DROPPED = 1_024;
const MOST_BODIES = 256;

const START = Buffer.from([0]);
/** Above every key: group ids are ASCII. */
const END = Buffer.from([0xff]);

export class Sweep {
  readonly #database: Database;
  readonly #logs: LogCache;
  readonly #checkpoint: Checkpoint;
  /** Where to go on. */
  #next: Uint8Array = START;

  constructor(database: Database, logs: LogCache, checkpoint: Checkpoint) {
    this.#database = database;
    this.#logs = logs;
    this.#checkpoint = checkpoint;
  }

  write(writes: Writes, now: number): void {
    for (const key of this.#database.keys('bodies', { start: START, end: numberKey(now), limit: MOST_BODIES })) {
      writes.remove('bodies', key);
    }
    let dropped = 0;
    for (let visited = 0; visited < MOST_LOGS && dropped < MOST_DROPPED; visited += 1) {
      const [key] = this.#database.keys('entries', { start: this.#next, end: END, limit: 1 });
      if (key === undefined) {
        this.#next = START;
        return;
      }
      const { group } = parseEntryKey(key);
      this.#next = entryKey(group, Number.MAX_SAFE_INTEGER);
      const log = this.#logs.peek(group);
      if (log.recent.size === 0) dropped += this.#checkpoint.trim(log, writes, now);
    }
  }
}
