/**
 * The priority messages of a group that not every member has been written: those of this turn, and, while a
 * membership is held, those since it began to be. Owns their order, sequence and bounds. Must not know the viewers.
 */
import { type Delivery, ImError, type Position } from '@im/protocol';
import { type Budget, weigh } from './budget.js';
import { ChunkCache } from './chunk-cache.js';
import type { Encoding } from './viewer.js';

/** A priority delivery: its place in the group's log is known. */
export interface VersionedDelivery extends Delivery {
  readonly epoch: string;
  readonly version: number;
}

/** Messages of one epoch without a hole in their versions, by sequence: `from` up to, not including, `to`. */
export interface Run {
  readonly epoch: string;
  readonly from: number;
  readonly to: number;
  /** Version of the message at `from`, and of the one before `to`. */
  readonly first: number;
  readonly last: number;
}

interface ResetNotice {
  readonly encoding: Encoding;
  readonly to: Position;
  readonly after: Position;
  readonly bytes: Uint8Array;
}

export class PriorityLog {
  readonly #messages: VersionedDelivery[] = [];
  readonly #chunks = new ChunkCache(this.#messages);
  readonly #group: string;
  readonly #budget: Budget;
  /** Sequence of the first message kept: sequences count what was ever added. */
  #base = 0;
  #flushed = 0;
  #last: VersionedDelivery | undefined;
  #notice: ResetNotice | undefined;

  constructor(group: string, budget: Budget) {
    this.#group = group;
    this.#budget = budget;
  }

  /** Sequence of the oldest message kept. */
  get base(): number {
    return this.#base;
  }

  /** Sequence up to which live members were written everything. */
  get flushed(): number {
    return this.#flushed;
  }

  /** When the oldest message that live members were not written was published; there must be one. */
  get unflushedSince(): number {
    return this.#at(this.#flushed).time;
  }

  /** Sequence that the next message will have. */
  get end(): number {
    return this.#base + this.#messages.length;
  }

  /**
   * @returns false for one that came before: within an epoch versions only rise
   * @throws ImError INVALID_ARGUMENT without epoch or version
   */
  add(delivery: Delivery): boolean {
    if (!isVersioned(delivery)) {
      throw new ImError('INVALID_ARGUMENT', { details: { argument: 'delivery', expected: 'epoch and version' } });
    }
    const last = this.#last;
    if (last !== undefined && last.epoch === delivery.epoch && delivery.version <= last.version) return false;
    this.#last = delivery;
    this.#messages.push(delivery);
    this.#budget.take(weigh(delivery));
    return true;
  }

  /** Messages `from` up to, not including, `to`, by sequence, cut where the epoch changes or versions are missing. */
  runs(from: number, to: number): Run[] {
    const runs: Run[] = [];
    for (let start = from; start < to; ) {
      const { epoch, version: first } = this.#at(start);
      let end = start + 1;
      while (end < to && this.#at(end).epoch === epoch && this.#at(end).version === first + end - start) end += 1;
      runs.push({ epoch, from: start, to: end, first, last: first + end - start - 1 });
      start = end;
    }
    return runs;
  }

  /** Sequence of the first message of a run above a version; its last one must be. */
  above(run: Run, version: number): number {
    let from = run.from;
    if (version >= run.first) while (this.#at(from).version <= version) from += 1;
    return from;
  }

  /** Messages `from` up to, not including, `to`, by sequence; at least one. */
  chunk(encoding: Encoding, from: number, to: number): Uint8Array {
    return this.#chunks.get(encoding, from - this.#base, to - this.#base);
  }

  /** Tells a viewer that its position does not lead to that one: another epoch, or versions that it is not sent. Shared like chunks. */
  resetChunk(encoding: Encoding, to: Position, { epoch, version }: Position): Uint8Array {
    let notice = this.#notice;
    if (notice?.encoding !== encoding || !isSame(notice.to, to) || !isSame(notice.after, { epoch, version })) {
      const missed = epoch === to.epoch ? { after: version, upto: to.version } : { epoch, after: version };
      const reset = { group: this.#group, ...to, recovered: false, missed };
      notice = { encoding, to, after: { epoch, version }, bytes: encoding.reset(reset) };
      this.#notice = notice;
    }
    return notice.bytes;
  }

  /**
   * Sequence of the first message, not before `from`, that follows a position of the log: after the last one that
   * the position covers; without such, from the first of its epoch on, since what stands before that is older;
   * without such, everything, since a new epoch follows the position.
   */
  following(position: Position, from: number): number {
    let follows: number | undefined;
    for (let sequence = from; sequence < this.end; sequence += 1) {
      const { epoch, version } = this.#at(sequence);
      if (epoch !== position.epoch) continue;
      if (version <= position.version) follows = sequence + 1;
      else follows ??= sequence;
    }
    return follows ?? from;
  }

  /** Live members were written everything up to, not including, that sequence. */
  markFlushed(to: number): void {
    this.#flushed = to;
  }

  /** Forgets the oldest of what was flushed, until at most `keep` of it is left and the budget is kept. */
  trim(keep: number): void {
    let cut = Math.max(0, this.#flushed - this.#base - keep);
    for (let i = 0; i < cut; i += 1) this.#budget.give(this.#weight(i));
    while (this.#budget.exceeded && this.#base + cut < this.#flushed) {
      this.#budget.give(this.#weight(cut));
      cut += 1;
    }
    if (cut === 0) return;
    this.#messages.splice(0, cut);
    this.#base += cut;
    this.#chunks.clear();
    this.#notice = undefined;
  }

  /** Gives back the room it took; the group is empty. */
  discard(): void {
    this.markFlushed(this.end);
    this.trim(0);
  }

  #at(sequence: number): VersionedDelivery {
    return this.#messages[sequence - this.#base] as VersionedDelivery;
  }

  #weight(index: number): number {
    return weigh(this.#messages[index] as VersionedDelivery);
  }
}

function isSame(one: Position, other: Position): boolean {
  return one.version === other.version && one.epoch === other.epoch;
}

function isVersioned(delivery: Delivery): delivery is VersionedDelivery {
  return delivery.epoch !== undefined && delivery.version !== undefined;
}
