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

  get epoch(): string {
    return this.#epoch;
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
   * The log stands there now. Of one that began anew what it says to hold still is not told again; where it does not say, all is.
   * @param read up to this version whoever tells it has what is open
   * @returns how many it has no more that nobody has
   */
  follow(head: Head, read: number): number {
    const { epoch, first } = head;
    const same = this.#sameUpTo(head);
    this.#epoch = epoch;
    this.#upTo = Math.min(this.#upTo, same);
    for (const each of this.#open) if (each > same) this.#open.delete(each);
    let lost = Math.max(0, first - 1 - this.#upTo);
    this.#upTo += lost;
    for (const each of this.#open) {
      if (each >= first) break;
      this.#open.delete(each);
      if (each > read) lost += 1;
    }
    return lost;
  }

  /** Up to which version the log has what it had when it was followed last. */
  #sameUpTo({ epoch, version, first, continues }: Head): number {
    if (epoch === this.#epoch) return version;
    return continues?.find((before) => before.epoch === this.#epoch)?.version ?? first - 1;
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
