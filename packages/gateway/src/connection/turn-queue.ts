/**
 * Who is dealt with now, and who waits: so many begin in one turn of the event loop, so that ten thousand clients who return at once
 * keep neither each other nor those who are connected waiting for long; so many are under way at once; so many may wait, in
 * the order in which they came. Must not know what is done about them.
 */
import type { Counter } from '@im/protocol/ports';

/** A hello, or a connection, that is to be dealt with. */
export interface Applying {
  /** Its turn has come. What it returns settles when there is nothing more to be done; nothing: that is so now. */
  begin(): Promise<void> | undefined;
}

export interface TurnQueueOptions {
  readonly maxRunning: number;
  readonly maxWaiting: number;
  /** Runs something once, in a turn that is not this one. */
  readonly nextTurn: (run: () => void) => void;
  /** Those that there was no room for. */
  readonly refused: Counter;
}

/** One costs the loop a quarter of a millisecond, as a rule. */
const PER_TURN = 32;

export class TurnQueue {
  readonly #options: TurnQueueOptions;
  /** In the order in which they came. */
  readonly #waiting = new Set<Applying>();
  #running = 0;
  /** How many more may begin in this turn. */
  #left = PER_TURN;
  #turnRequested = false;

  constructor(options: TurnQueueOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get running(): number {
    return this.#running;
  }

  /** Begins it now or when its turn comes. @returns false when too many wait: nothing comes of it */
  enter(applying: Applying): boolean {
    if (this.waiting === 0 && this.#mayBegin) {
      this.#begin(applying);
      return true;
    }
    if (this.waiting >= this.#options.maxWaiting) {
      this.#options.refused.add();
      return false;
    }
    this.#waiting.add(applying);
    return true;
  }

  /** It has gone: where it waited it gives up its place, and does not begin. */
  leave(applying: Applying): void {
    this.#waiting.delete(applying);
  }

  get #mayBegin(): boolean {
    return this.#left > 0 && this.#running < this.#options.maxRunning;
  }

  #begin(applying: Applying): void {
    this.#left -= 1;
    this.#running += 1;
    this.#requestTurn();
    const done = applying.begin();
    if (done === undefined) this.#end();
    else void done.finally(() => this.#end());
  }

  #end(): void {
    this.#running -= 1;
    // Those that wait for a place, and not for a turn.
    if (this.waiting > 0) this.#requestTurn();
  }

  #requestTurn(): void {
    if (this.#turnRequested) return;
    this.#turnRequested = true;
    this.#options.nextTurn(this.#turn);
  }

  readonly #turn = (): void => {
    this.#turnRequested = false;
    this.#left = PER_TURN;
    for (const applying of this.#waiting) {
      if (!this.#mayBegin) return;
      this.#waiting.delete(applying);
      this.#begin(applying);
    }
  };
}
