/** The bounded place where a caller's open calls stand, found by the ids that they have on the wire. */
import type { PendingCall } from './pending-call.js';

const INDEX_BITS = 16;
const MAX_PENDING = 1 << INDEX_BITS;
const GENERATIONS = 1 << (32 - INDEX_BITS);

export class PendingCalls {
  readonly #calls: (PendingCall | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#calls.length - this.#free.length;
  }

  /** Gives the call its id. @returns false when there are as many as there may be */
  add(call: PendingCall): boolean {
    let index = this.#free.pop();
    if (index === undefined) {
      index = this.#calls.length;
      if (index >= MAX_PENDING) return false;
      this.#calls.push(undefined);
      this.#generations.push(0);
    }
    this.#calls[index] = call;
    call.id = (((this.#generations[index] as number) << INDEX_BITS) | index) >>> 0;
    return true;
  }

  find(id: number): PendingCall | undefined {
    const call = this.#calls[id & (MAX_PENDING - 1)];
    return call?.id === id ? call : undefined;
  }

  remove({ id }: PendingCall): void {
    const index = id & (MAX_PENDING - 1);
    this.#calls[index] = undefined;
    // The last generation is left out: NO_ID is nobody's.
    this.#generations[index] = ((this.#generations[index] as number) + 1) % (GENERATIONS - 1);
    this.#free.push(index);
  }

  *[Symbol.iterator](): Iterator<PendingCall> {
    for (const call of this.#calls) if (call !== undefined) yield call;
  }
}
