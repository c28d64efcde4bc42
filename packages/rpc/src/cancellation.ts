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

/** One for each call that somebody may give up. Its listeners are treated as those of an AbortSignal are. */
export class Cancellation implements CancelSignal {
  #aborted = false;
  #listeners: Set<Listener> | undefined;

  get aborted(): boolean {
    return this.#aborted;
  }

  /** Whoever listens hears of it, once. Never throws: what a listener throws is uncaught. */
  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    for (const listener of this.#listeners ?? []) this.#tell(listener);
    this.#listeners = undefined;
  }

  addEventListener(_type: 'abort', listener: Listener): void {
    if (this.#aborted) return;
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: Listener): void {
    this.#listeners?.delete(listener);
  }

  #tell(listener: Listener): void {
    try {
      listener.call(this);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
