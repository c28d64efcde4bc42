/**
 * What a client compressed (RFC 7692), as it was. Messages have no context in common, so nothing is kept between them: an inflater for
 * each connection, as servers usually have, would be kept for every browser. Within one turn, which the limit keeps short.
 */
import { constants, inflateRawSync } from 'node:zlib';

const MIN_PIECE = 1_024;
const MAX_PIECE = 16_384;

/** @param maxBytes of the result: no more is made @returns the message, or why there is none */
export function inflateMessage(payload: Uint8Array, maxBytes: number): Uint8Array | 'oversized' | 'corrupt' {
  try {
    return inflateRawSync(payload, {
      // What is left out at the end of a message is an empty block: nothing is missing without it.
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: maxBytes,
      // The result keeps a piece alive: for short messages a small one.
      chunkSize: Math.min(MAX_PIECE, Math.max(MIN_PIECE, payload.length * 4)),
    });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'oversized' : 'corrupt';
  }
}
