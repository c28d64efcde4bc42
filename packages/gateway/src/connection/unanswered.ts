/**
 * The backlogs of all connections whose clients were asked to confirm and have not yet (PR-115 to PR-117), and how long is too
 * long. Time is counted in ticks of the timer wheel, so that a process that was held up does not take its clients for slow.
 */
import type { Histogram } from '@im/protocol/ports';
import type { Backlog } from './backlog.js';
import { Deadline, type TimerWheel } from './timer-wheel.js';

/** Between two questions to one client, where little is written. */
const ASK_EVERY_MS = 1_000;
/** A client that takes longer is slow. */
const LATE_AFTER_MS = 1_000;
/** How often those who are late are looked at. */
const LOOK_EVERY_MS = 1_000;
/** So many are given up in one turn: closing one costs the loop a tenth of a millisecond or two, and a whole carrier may stall at once. */
const PER_TURN = 32;

export interface UnansweredOptions {
  readonly wheel: TimerWheel;
  /** 0: nobody is given up. */
  readonly stallMs: number;
  /** What a client had not confirmed when it did, and each second while it is late. */
  readonly bytes: Histogram;
  /** Runs something once, in the next turn. */
  readonly nextTurn: (run: () => void) => void;
}

export class Unanswered extends Deadline {
  readonly #wheel: TimerWheel;
  readonly #bytes: Histogram;
  readonly #nextTurn: (run: () => void) => void;
  readonly #askEvery: number;
  readonly #lateAfter: number;
  /** In ticks; infinite: nobody is given up. */
  readonly #stalledAfter: number;
  /** Those asked first come first. */
  readonly #backlogs = new Set<Backlog>();
  /** The next turn gives up more of those who are stalled. */
  #isGivingUp = false;

  constructor({ wheel, stallMs, bytes, nextTurn }: UnansweredOptions) {
    super();
    this.#wheel = wheel;
    this.#bytes = bytes;
    this.#nextTurn = nextTurn;
    // The first of them has begun already: never early.
    const inTicks = (ms: number): number => Math.ceil(ms / wheel.tickMs) + 1;
    this.#askEvery = inTicks(ASK_EVERY_MS);
    this.#lateAfter = inTicks(LATE_AFTER_MS);
    this.#stalledAfter = stallMs === 0 ? Number.POSITIVE_INFINITY : inTicks(stallMs);
  }

  get tick(): number {
    return this.#wheel.ticks;
  }

  /** Questions that are open. */
  get open(): number {
    return this.#backlogs.size;
  }

  /** Connections that are congested now. Walks over all open questions. */
  get congested(): number {
    let congested = 0;
    for (const backlog of this.#backlogs) if (backlog.congested) congested++;
    return congested;
  }

  /** @param ticks since the last question */
  mayAskAgain(ticks: number): boolean {
    return ticks >= this.#askEvery;
  }

  /** @param ticks since a question that is open */
  isLate(ticks: number): boolean {
    return ticks >= this.#lateAfter;
  }

  add(backlog: Backlog): void {
    if (this.#backlogs.size === 0) this.#wheel.set(this, LOOK_EVERY_MS);
    this.#backlogs.add(backlog);
  }

  answered(backlog: Backlog): void {
    this.#bytes.observe(backlog.unconfirmed);
    this.delete(backlog);
  }

  delete(backlog: Backlog): void {
    if (this.#backlogs.delete(backlog) && this.#backlogs.size === 0) this.#wheel.cancel(this);
  }

  reached(): void {
    if (!this.#isGivingUp) this.#giveUpStalled();
    for (const backlog of this.#backlogs) {
      const ticks = backlog.unansweredFor;
      if (!this.isLate(ticks)) break;
      if (ticks < this.#stalledAfter) this.#bytes.observe(backlog.unconfirmed);
    }
    if (this.#backlogs.size > 0) this.#wheel.set(this, LOOK_EVERY_MS);
  }

  readonly #giveUpStalled = (): void => {
    this.#isGivingUp = false;
    let left = PER_TURN;
    for (const backlog of this.#backlogs) {
      if (backlog.unansweredFor < this.#stalledAfter) return;
      if (left === 0) {
        this.#isGivingUp = true;
        this.#nextTurn(this.#giveUpStalled);
        return;
      }
      left -= 1;
      backlog.giveUp();
    }
  };
}
