/** A message of the client as a frame that the gateway takes. Pure. */
import type { ClientMessage } from '@im/protocol';
import { ownError } from '../errors.js';
import type { Codec } from '../options.js';

/**
 * @param limit bytes, once the gateway has said how many it takes
 * @throws CodedError FRAME_TOO_LARGE, INVALID_ARGUMENT
 */
export function encodeFrame(
  codec: Codec,
  message: ClientMessage<unknown>,
  limit: number | undefined,
): string | Uint8Array<ArrayBuffer> {
  let frame: string | Uint8Array<ArrayBuffer>;
  try {
    frame = codec.encode(message);
  } catch (cause) {
    throw ownError('INVALID_ARGUMENT', undefined, { cause });
  }
  // A gateway closes for good when it gets more (PR-13).
  const bytes = typeof frame === 'string' ? new TextEncoder().encode(frame) : frame;
  if (limit && bytes.length > limit) throw ownError('FRAME_TOO_LARGE');
  return frame;
}
