/**
 * How far the log of one group was handed on, in the epoch at hand and in those that it has left. Must not know deliveries, nor how a log
 * is read.
 *
 * While the store is away a node goes on in its memory, under an epoch of its own; afterwards the log goes on under its old one, where it
 * was left: so an epoch may be returned to. A store that may have lost something begins a new epoch and says what of the old one it has:
 * what of that was handed on is not handed on again.
 */
import type { Position } from '@im/protocol';
import type { Head, Page } from '@im/timeline';
import { continued } from './continued.js';

/** Stands for a log whose position could not be read: the first thing that follows begins another epoch. */
export const UNKNOWN_EPOCH = '?';

/** Epochs left behind of which it is known how far they were handed on: a log may return to one, and what is late of it still counts. */
const PAST_EPOCHS = 4;
const NO_POSITIONS: readonly Position[] = [];
const UNKNOWN: Position = { epoch: UNKNOWN_EPOCH, version: 0 };

export class Epochs {
  #at: Position | undefined;
  /** How far each of them was handed on, the latest last. */
  #past: readonly Position[] = NO_POSITIONS;
  /** What a member has seen at least, in each epoch, of a log whose position could not be read. */
  #expected: readonly Position[] = NO_POSITIONS;

  /** Whether {@link at} was set. */
  get isKnown(): boolean {
    return this.#at !== undefined;
  }

  /** How far the log was handed on; at {@link UNKNOWN_EPOCH} until that is known. */
  get at(): Position {
    return this.#at ?? UNKNOWN;
  }

  /** Goes on, or begins with what was found. */
  moveTo(position: Position): void {
    this.#at = position;
  }

  /** Begins an epoch, or returns to one. */
  turnTo(position: Position): void {
    const left = this.#at;
    const others = this.#past.filter(({ epoch }) => epoch !== position.epoch);
    if (left !== undefined) this.#past = [...others, left].slice(-PAST_EPOCHS);
    this.#at = position;
  }

  /** Whether this was the log's epoch once and is no more. */
  isPast(epoch: string): boolean {
    return this.#past.some((position) => position.epoch === epoch);
  }

  /** Up to which version of this epoch everything was handed on or given up; undefined for one that is not known. */
  handedOn(epoch: string): number | undefined {
    if (this.#at?.epoch === epoch) return this.#at.version;
    return this.#past.find((position) => position.epoch === epoch)?.version;
  }

  /** A member has seen so much of a log whose position could not be read. */
  expect({ epoch, version }: Position): void {
    const least = Math.min(version, this.expected(epoch) ?? version);
    const others = this.#expected.filter((position) => position.epoch !== epoch);
    this.#expected = [...others, { epoch, version: least }].slice(-PAST_EPOCHS);
  }

  /** The least of it that a member has seen, as far as is known. */
  expected(epoch: string): number | undefined {
    return this.#expected.find((position) => position.epoch === epoch)?.version;
  }

  /** Up to which version of an epoch that begins here everything was handed on, or seen by all members; undefined: nothing is known of that. */
  seenOf(page: Page): number | undefined {
    const { epoch, version, continues = [] } = page;
    for (const before of continues) {
      const handedOn = this.handedOn(before.epoch);
      if (handedOn !== undefined) return Math.min(handedOn, before.version);
    }
    const seen = this.#expected.flatMap((position) => {
      // A client may name any version: one beyond the log would hide from all what comes up to there.
      if (position.epoch === epoch) return Math.min(position.version, version);
      return continued(position, page)?.version ?? [];
    });
    return seen.length === 0 ? undefined : Math.min(...seen);
  }

  /** What went over into the epoch that the log has now is handed on there, and not when it comes late. */
  leaveBehind({ continues }: Head): void {
    if (continues === undefined) return;
    const left = continues.map(({ epoch, version }) => {
      return { epoch, version: Math.max(version, this.handedOn(epoch) ?? 0) };
    });
    const others = this.#past.filter(({ epoch }) => !left.some((one) => one.epoch === epoch));
    // The latest last.
    this.#past = [...left.reverse(), ...others].slice(-PAST_EPOCHS);
  }
}
