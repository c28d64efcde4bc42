/**
 * A turn of the event loop, for all links: the first chunk for a socket is written at once, which is all there is for most of them;
 * what follows in the same turn is held back and goes out in one system call at its end, or when many sockets hold something back: whoever
 * writes to thousands in slices of a turn must see what that costs.
 */
import type { Duplex } from 'node:stream';

const MAX_HOLDING = 64;

class Turn {
  #number = 1;
  #hasBegun = false;
  #corked: Duplex[] = [];

  get number(): number {
    return this.#number;
  }

  /** Something is written: it will have an end. @returns its number */
  begin(): number {
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      process.nextTick(this.#end);
    }
    return this.#number;
  }

  uncorkLater(socket: Duplex): void {
    this.#corked.push(socket);
    if (this.#corked.length === MAX_HOLDING) this.#uncork();
  }

  readonly #end = (): void => {
    this.#hasBegun = false;
    this.#number += 1;
    if (this.#corked.length > 0) this.#uncork();
  };

  #uncork(): void {
    const corked = this.#corked;
    this.#corked = [];
    for (const socket of corked) socket.uncork();
  }
}

export const turn = new Turn();
