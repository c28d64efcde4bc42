/**
 * Deflates the chunks that many connections share, where it pays: neither short ones nor those that do not shrink, none that would
 * hold up the loop, and no more than a tenth of the time. Each by itself (RFC 7692, no context takeover).
 */
import { constants, deflateRawSync } from 'node:zlib';
import type { Clock, Counter } from '@im/protocol/ports';

export interface DeflateMetrics {
  /** Bytes of the chunks that were deflated, before and after. */
  readonly inputBytes: Counter;
  readonly outputBytes: Counter;
  /** Chunks left as they were because deflating had had its share of the time. */
  readonly skipped: Counter;
}

/** A chunk of one or two short messages. */
const MIN_BYTES = 256;
/** Up to here the effort is worth its time; above, less of it keeps turns short. */
const MAX_CAREFUL_BYTES = 32 * 1024;
const CAREFUL_LEVEL = 6;
const QUICK_LEVEL = 1;
/** More takes longer than a turn may: this takes some 6 ms. */
const MAX_BYTES = 1024 * 1024;
/** Milliseconds of a second. Many small rooms would else cost more time than their bytes are worth. */
const SHARE_MS = 100;
/** The end of a flush, which receivers add themselves: 00 00 ff ff. */
const TAIL_BYTES = 4;

export class ChunkDeflater {
  readonly #clock: Clock;
  readonly #metrics: DeflateMetrics;
  /** Milliseconds that may be spent now; below 0 after a chunk that took longer than was left. */
  #creditMs = SHARE_MS;
  #creditedAt: number;

  constructor(clock: Clock, metrics: DeflateMetrics) {
    this.#clock = clock;
    this.#metrics = metrics;
    this.#creditedAt = clock.monotonic();
  }

  /** The payload of a compressed message; undefined where the chunk had better go as it is. */
  deflate(chunk: Uint8Array): Uint8Array | undefined {
    if (chunk.length < MIN_BYTES || chunk.length > MAX_BYTES) return undefined;
    const beganAt = this.#clock.monotonic();
    this.#creditMs = Math.min(SHARE_MS, this.#creditMs + ((beganAt - this.#creditedAt) * SHARE_MS) / 1000);
    this.#creditedAt = beganAt;
    if (this.#creditMs <= 0) {
      this.#metrics.skipped.add();
      return undefined;
    }
    const flushed = deflateRawSync(chunk, {
      level: chunk.length <= MAX_CAREFUL_BYTES ? CAREFUL_LEVEL : QUICK_LEVEL,
      windowBits: windowFor(chunk.length),
      finishFlush: constants.Z_SYNC_FLUSH,
    });
    const deflated = flushed.subarray(0, flushed.length - TAIL_BYTES);
    this.#creditMs -= this.#clock.monotonic() - beganAt;
    this.#metrics.inputBytes.add(chunk.length);
    this.#metrics.outputBytes.add(Math.min(deflated.length, chunk.length));
    return deflated.length < chunk.length ? deflated : undefined;
  }
}

/** As large as the chunk: setting up a larger window takes longer than deflating a short chunk. */
function windowFor(bytes: number): number {
  return Math.min(15, Math.max(9, Math.ceil(Math.log2(bytes))));
}
