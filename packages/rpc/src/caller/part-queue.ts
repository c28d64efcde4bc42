/** Parts of one reply between the connection and the one who reads them. Bounded by the credit that the worker has. */

const GRANT = 16;
/** What a worker may send unasked, and again after another took the call over. */
const MAX_PARTS = 64;

export interface PartQueueEvents {
  /** So many parts more may come. */
  onRead(count: number): void;
  /** Whoever read does not want the rest. */
  onReturn(): void;
}

interface Waiting {
  resolve(result: IteratorResult<Uint8Array>): void;
  reject(error: Error): void;
}

export class PartQueue implements AsyncIterableIterator<Uint8Array> {
  /** A part has come: the call must not be repeated. */
  hasBegun = false;
  readonly #events: PartQueueEvents;
  #parts: Uint8Array[] = [];
  #waiting: Waiting[] = [];
  #read = 0;
  #ended = false;
  #error: Error | undefined;

  constructor(events: PartQueueEvents) {
    this.#events = events;
  }

  /** @returns false when more wait than ever should: the part is not taken */
  push(part: Uint8Array): boolean {
    this.hasBegun = true;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve({ done: false, value: part });
      this.#count();
      return true;
    }
    if (this.#parts.length >= MAX_PARTS) return false;
    this.#parts.push(part);
    return true;
  }

  /** @param error what the call failed with */
  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const waiting of this.#waiting.splice(0)) this.#finish(waiting);
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      const part = this.#parts.shift();
      if (part !== undefined) {
        resolve({ done: false, value: part });
        this.#count();
      } else if (this.#ended) this.#finish({ resolve, reject });
      else this.#waiting.push({ resolve, reject });
    });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#parts = [];
    if (!this.#ended) this.#events.onReturn();
    this.#ended = true;
    this.#error = undefined;
    for (const waiting of this.#waiting.splice(0)) this.#finish(waiting);
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The error is thrown once, then the iteration is over. */
  #finish({ resolve, reject }: Waiting): void {
    const error = this.#error;
    this.#error = undefined;
    if (error === undefined) resolve({ done: true, value: undefined });
    else reject(error);
  }

  #count(): void {
    if (++this.#read % GRANT === 0 && !this.#ended) this.#events.onRead(GRANT);
  }
}
