/**
 * Owns: the order of what one publisher sends in one lane. The next call leaves once the one before was taken; what comes
 * meanwhile waits and goes together. Bounded by what has no outcome yet. Knows items and their sizes, not what they are.
 */
import { ImError } from '@im/protocol';

export interface QueueItem {
  readonly bytes: number;
  /** Repeating it is harmless. Only such items share a call with each other. */
  readonly repeatable: boolean;
}

/** An item that waits for what becomes of it. */
export interface Entrusted<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

const MAX_OPEN = 10_000;
const MAX_OPEN_BYTES = 16_777_216;
const MAX_BATCH = 256;
/** With the heads of a batch still below what one call may carry. */
const MAX_BATCH_BYTES = 524_288;

export class LaneQueue<Item extends QueueItem, Result> {
  readonly #send: (batch: readonly Entrusted<Item, Result>[]) => Promise<void>;
  readonly #waiting: Entrusted<Item, Result>[] = [];
  readonly #onIdle: (() => void)[] = [];
  #open = 0;
  #openBytes = 0;
  #sending = false;

  /** @param send settles when the next may follow; never rejects, but settles every item in the end */
  constructor(send: (batch: readonly Entrusted<Item, Result>[]) => Promise<void>) {
    this.#send = send;
  }

  /** Items without an outcome. */
  get size(): number {
    return this.#open;
  }

  /** @throws ImError QUEUE_FULL: nothing was taken */
  async push(item: Item): Promise<Result> {
    if (this.#open >= MAX_OPEN || this.#openBytes + item.bytes > MAX_OPEN_BYTES) {
      throw new ImError('QUEUE_FULL', { details: { limit: 'relayed publications' } });
    }
    this.#open += 1;
    this.#openBytes += item.bytes;
    try {
      return await new Promise<Result>((resolve, reject) => {
        this.#waiting.push({ item, resolve, reject });
        if (!this.#sending) void this.#sendAll();
      });
    } finally {
      this.#open -= 1;
      this.#openBytes -= item.bytes;
      if (this.#open === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
    }
  }

  /** Settles when every item has its outcome. */
  async idle(): Promise<void> {
    if (this.#open > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  async #sendAll(): Promise<void> {
    this.#sending = true;
    while (this.#waiting.length > 0) await this.#send(this.#takeBatch());
    this.#sending = false;
  }

  #takeBatch(): Entrusted<Item, Result>[] {
    const repeatable = this.#waiting[0]?.item.repeatable;
    let bytes = 0;
    const end = this.#waiting.findIndex(({ item }, index) => {
      bytes += item.bytes;
      return index > 0 && (item.repeatable !== repeatable || bytes > MAX_BATCH_BYTES || index >= MAX_BATCH);
    });
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
  }
}
