/** Owns: how a JSON head and opaque bodies travel in one body of a call: length of the head, head, bodies one after the other. Pure. */
import { ImError } from '@im/protocol';
import { decodeJson, encodeJson } from '@im/rpc';

const LENGTH_BYTES = 4;

/** The head says where one body ends and the next begins. */
export function encodeFrame(head: unknown, bodies: readonly Uint8Array[]): Uint8Array {
  const text = encodeJson(head);
  const length = Buffer.allocUnsafe(LENGTH_BYTES);
  length.writeUInt32LE(text.byteLength);
  return Buffer.concat([length, text, ...bodies]);
}

export interface RelayFrame {
  readonly head: unknown;
  /** Cuts the next body off; it is a copy, so that it does not hold the whole frame. @throws ImError INVALID_INPUT beyond the end */
  next(bytes: number): Uint8Array;
}

/** @throws ImError INVALID_INPUT */
export function decodeFrame(frame: Uint8Array): RelayFrame {
  const view = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  const begin = view.length < LENGTH_BYTES ? Number.POSITIVE_INFINITY : LENGTH_BYTES + view.readUInt32LE(0);
  if (begin > view.length) throw malformed();
  let at = begin;
  return {
    head: headOf(view.subarray(LENGTH_BYTES, begin)),
    next(bytes) {
      if (at + bytes > view.length) throw malformed();
      const body = Uint8Array.from(view.subarray(at, at + bytes));
      at += bytes;
      return body;
    },
  };
}

function headOf(text: Uint8Array): unknown {
  try {
    return decodeJson(text);
  } catch {
    throw malformed();
  }
}

function malformed(): ImError {
  return new ImError('INVALID_INPUT', { message: 'not a head and bodies' });
}
