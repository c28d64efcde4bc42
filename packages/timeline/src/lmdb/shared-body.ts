/** A body that several logs refer to: stored once, under a key that says when no log can want it any more. */
import { randomBytes } from 'node:crypto';
import { bodyKey } from './keys.js';

export interface SharedBody {
  readonly key: Uint8Array;
  readonly bytes: Uint8Array;
  /** Set when it goes into a transaction, the same as the first entry that refers to it or an earlier one. */
  written: boolean;
}

/** Smaller ones are stored with each entry: a reference would save nothing. */
export const SMALLEST_SHARED_BODY = 64;

/** @param expiresAt when retention has dropped the last entry that may refer to it, milliseconds since 1970 */
export function shareBody(bytes: Uint8Array, expiresAt: number): SharedBody {
  return { key: bodyKey(expiresAt, randomBytes(16)), bytes, written: false };
}
