/**
 * Owns: how far a log of what is to be told was told: up to where it was taken, and what of that is still open. Pure. Must not know
 * what the log says, nor who tells it.
 */
import type { Head } from '@im/timeline';

/** As it is kept in a record. */
export interface KeptProgress {
  readonly epoch: string;
  readonly upTo: number;
  /** Stretches of versions that are open, ascending: first and last of each. */
  readonly open: readonly (readonly [number, number])[];
}

/** With the largest versions less than a record may have. Where there are more the last one covers the rest: that is told again. */
const MAX_STRETCHES = 1_500;

export class OutboxProgress {
  #epoch: string;
  #upTo: number;
  /** Ascending. */
  readonly #open: Set<number>;

  constructor({ epoch, upTo, open }: KeptProgress = { epoch: '', upTo: 0, open: [] }) {
    this.#epoch = epoch;
    this.#upTo = upTo;
    this.#open = new Set(
      open.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, index) => from + index)),
    );
  }

  /** What was taken lies at or below this. */
  get upTo(): number {
    return this.#upTo;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Behind this version is all that is open or was never taken. */
  get start(): number {
    const [first = this.#upTo + 1] = this.#open;
    return first - 1;
  }

  isBehind({ epoch, version }: Pick<Head, 'epoch' | 'version'>): boolean {
    return this.#open.size > 0 || version > this.#upTo || epoch !== this.#epoch;
  }

  /**
   * The log stands there now. A log that began anew goes on with its versions, or lost the last ones: what was told is not told again.
   * @param read up to this version whoever tells it has what is open
   * @returns how many it has no more that nobody has
   */
  follow({ epoch, version, first }: Head, read: number): number {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#upTo = Math.min(this.#upTo, version);
      for (const each of this.#open) if (each > version) this.#open.delete(each);
    }
    let lost = Math.max(0, first - 1 - this.#upTo);
    this.#upTo += lost;
    for (const each of this.#open) {
      if (each >= first) break;
      this.#open.delete(each);
      if (each > read) lost += 1;
    }
    return lost;
  }

  isOpen(version: number): boolean {
    return this.#open.has(version);
  }

  /** All up to this one are taken; those that were not are open from now on. */
  take(version: number): void {
    while (this.#upTo < version) {
      this.#upTo += 1;
      this.#open.add(this.#upTo);
    }
  }

  done(version: number): void {
    this.#open.delete(version);
  }

  kept(): KeptProgress {
    const open: [number, number][] = [];
    for (const version of this.#open) {
      const last = open.at(-1);
      if (last && (last[1] === version - 1 || open.length === MAX_STRETCHES)) last[1] = version;
      else open.push([version, version]);
    }
    return { epoch: this.#epoch, upTo: this.#upTo, open };
  }
}
