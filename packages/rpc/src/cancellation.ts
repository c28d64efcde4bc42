/**
 * Telling a call that it is no longer wanted, for programs that make very many. An AbortSignal of Node takes 2 µs to make, and is kept, with all
 * that hangs on it, until the old generation is collected.
 */

/** As much of an AbortSignal as a call looks at; each of those is one. */
export interface CancelSignal {
  readonly aborted: boolean;
  /** An ImError DEADLINE_EXCEEDED says that the deadline has passed; anything else, that somebody cancelled. */
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

type Listener = () => void;

/** One for each call that somebody may give up. */
export class Cancellation implements CancelSignal {
  #aborted = false;
  /** As a rule the only one. */
  #listener: Listener | undefined;
  #others: Set<Listener> | undefined;

  get aborted(): boolean {
    return this.#aborted;
  }

  /** Whoever listens hears of it, once. */
  abort(): void {
    this.#aborted = true;
    const listener = this.#listener;
    const others = this.#others;
    this.#listener = this.#others = undefined;
    listener?.();
    for (const other of others ?? []) other();
  }

  addEventListener(_type: 'abort', listener: Listener): void {
    if (this.#aborted) return;
    if (this.#listener === undefined) this.#listener = listener;
    else this.#others = (this.#others ?? new Set()).add(listener);
  }

  removeEventListener(_type: 'abort', listener: Listener): void {
    if (this.#listener === listener) this.#listener = undefined;
    else this.#others?.delete(listener);
  }
}
