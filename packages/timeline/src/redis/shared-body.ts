/** A body that many logs hold by reference; named by what it says, so that a repetition finds it. */
import { createHash } from 'node:crypto';

/** Smaller ones cost less where they are than a reference does. */
export const SMALLEST_SHARED_BODY = 128;
/** A body outlives the entries that refer to it, whatever the clocks that age them. */
const GRACE_MS = 3_600_000;

export interface SharedBody {
  /** 192 bits of its SHA-256, 32 characters. */
  readonly reference: Buffer;
  readonly body: Buffer;
  readonly lifeMs: number;
  /** Redis has it. */
  stored: boolean;
}

/** @param maxAgeMs the longest that any of its logs may keep it */
export function shareBody(body: Uint8Array, maxAgeMs: number): SharedBody {
  const reference = Buffer.from(createHash('sha256').update(body).digest('base64url').slice(0, 32));
  return { reference, body: Buffer.from(body), lifeMs: maxAgeMs + GRACE_MS, stored: false };
}
