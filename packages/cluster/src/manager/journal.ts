/** What happened, for people: a bounded list, the oldest forgotten first. */
import type { Clock } from '@im/protocol/ports';

export type JournalKind =
  | 'came'
  | 'changed'
  | 'restarted'
  | 'left'
  | 'died'
  | 'refused'
  | 'held-back'
  | 'released'
  | 'ordered';

export interface JournalEntry {
  /** By the manager's clock, milliseconds since 1970. */
  readonly at: number;
  readonly kind: JournalKind;
  /** The node it is about. */
  readonly id?: string;
  /** What happened, and why the manager thinks so, in one line. */
  readonly text: string;
}

export class Journal {
  readonly #clock: Clock;
  readonly #limit: number;
  #entries: JournalEntry[] = [];

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  add(entry: Omit<JournalEntry, 'at'>): void {
    this.#entries.push({ at: this.#clock.now(), ...entry });
    // Cut in large pieces: each costs a copy.
    if (this.#entries.length >= 2 * this.#limit) this.#entries = this.#entries.slice(-this.#limit);
  }

  /** The latest, oldest first. */
  entries(): readonly JournalEntry[] {
    return this.#entries.slice(-this.#limit);
  }
}
