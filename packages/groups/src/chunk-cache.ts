/** The encoded slices of one queue of deliveries, so that each is made once an encoding however many viewers get it. */
import type { Delivery } from '@im/protocol';
import type { Encoding } from './viewer.js';

interface Chunk {
  readonly encoding: Encoding;
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
}

/** Viewers of one start and encoding come mostly one after the other; more than these few chunks are made again. */
const KEPT = 8;

export class ChunkCache {
  readonly #messages: readonly Delivery[];
  readonly #chunks: Chunk[] = [];
  #last: Chunk | undefined;
  #oldest = 0;

  /** The array may grow, but what stands in it must not change unless {@link clear} is called. */
  constructor(messages: readonly Delivery[]) {
    this.#messages = messages;
  }

  /** Messages `from` up to, not including, `to`; at least one. */
  get(encoding: Encoding, from: number, to: number): Uint8Array {
    const last = this.#last;
    if (last !== undefined && fits(last, encoding, from, to)) return last.bytes;
    const found = this.#chunks.find((chunk) => fits(chunk, encoding, from, to)) ?? this.#make(encoding, from, to);
    this.#last = found;
    return found.bytes;
  }

  clear(): void {
    this.#chunks.length = 0;
    this.#last = undefined;
    this.#oldest = 0;
  }

  #make(encoding: Encoding, from: number, to: number): Chunk {
    const whole = from === 0 && to === this.#messages.length;
    const bytes = encoding.pushes(whole ? this.#messages : this.#messages.slice(from, to));
    const chunk = { encoding, from, to, bytes };
    if (this.#chunks.length < KEPT) this.#chunks.push(chunk);
    else {
      this.#chunks[this.#oldest] = chunk;
      this.#oldest = (this.#oldest + 1) % KEPT;
    }
    return chunk;
  }
}

function fits(chunk: Chunk, encoding: Encoding, from: number, to: number): boolean {
  return chunk.encoding === encoding && chunk.from === from && chunk.to === to;
}
