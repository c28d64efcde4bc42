/** A message of the client as a frame that the gateway takes. Pure. */
import { type ClientMessage, jsonClientCodec } from '@im/protocol';
import { ownError } from '../errors.js';

/**
 * @param limit bytes of UTF-8, once the gateway has said how many it takes
 * @throws CodedError FRAME_TOO_LARGE, INVALID_ARGUMENT
 */
export function encodeFrame(message: ClientMessage<unknown>, limit: number | undefined): string {
  let frame: string;
  try {
    frame = jsonClientCodec.encode(message);
  } catch (cause) {
    throw ownError('INVALID_ARGUMENT', undefined, cause);
  }
  // A gateway closes for good when it gets more (PR-13).
  if (limit && frame.length * 3 > limit && new TextEncoder().encode(frame).length > limit) {
    throw ownError('FRAME_TOO_LARGE');
  }
  return frame;
}
