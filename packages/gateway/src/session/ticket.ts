/**
 * Resume tickets: session snapshots, signed with HMAC-SHA-256 and expiring, so that any gateway with the same keys can go
 * on with a session that another one held (PR-91 to PR-93). Readable by the client, forgeable by nobody.
 * Format: `v1.<key id>.<payload>.<signature>`, the last two base64url; signed is everything before the last dot.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { ImError } from '@im/protocol';
import type { SessionSnapshot } from './session-snapshot.js';

export interface TicketKey {
  /** `[A-Za-z0-9_-]{1,16}`; names the key in tickets, so that keys can be replaced one by one. */
  readonly id: string;
  /** At least 32 bytes, from a random source. Text is used as UTF-8. */
  readonly secret: string | Uint8Array;
}

const VERSION = 'v1';
const KEY_ID = /^[A-Za-z0-9_-]{1,16}$/;
const MIN_SECRET_BYTES = 32;

interface Payload extends SessionSnapshot {
  readonly expiresAt: number;
}

/** What is wrong with the keys, a line each. */
export function ticketKeyMistakes(keys: readonly TicketKey[]): string[] {
  const mistakes: string[] = [];
  const ids = new Set<string>();
  for (const { id, secret } of keys) {
    if (!KEY_ID.test(id)) mistakes.push(`ticketKeys: ${JSON.stringify(id)} is no key id ([A-Za-z0-9_-]{1,16})`);
    if (secretBytes(secret).length < MIN_SECRET_BYTES)
      mistakes.push(`ticketKeys: the secret of ${JSON.stringify(id)} is shorter than ${MIN_SECRET_BYTES} bytes`);
    if (ids.has(id)) mistakes.push(`ticketKeys: two keys are called ${JSON.stringify(id)}`);
    ids.add(id);
  }
  if (keys.length === 0) mistakes.push('ticketKeys: at least one key is needed');
  return mistakes;
}

function secretBytes(secret: TicketKey['secret']): Uint8Array {
  return typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret;
}

export class Tickets {
  readonly #keys = new Map<string, Uint8Array>();
  readonly #signingKey: string;

  /**
   * @param keys the first signs, all verify
   * @throws ImError CONFIG_INVALID
   */
  constructor(keys: readonly TicketKey[]) {
    const mistakes = ticketKeyMistakes(keys);
    if (mistakes.length > 0) {
      throw new ImError('CONFIG_INVALID', { message: mistakes.join('; '), details: { mistakes } });
    }
    for (const { id, secret } of keys) this.#keys.set(id, secretBytes(secret));
    this.#signingKey = keys[0]?.id ?? '';
  }

  /** @param expiresAt milliseconds since 1970 */
  issue(snapshot: SessionSnapshot, expiresAt: number): string {
    // In this order: what is added to a copy makes Node 20 a hidden class of its own each time.
    const payload: Payload = { expiresAt, ...snapshot };
    const encoded = Buffer.from(JSON.stringify(payload), 'utf8').toString('base64url');
    const signed = `${VERSION}.${this.#signingKey}.${encoded}`;
    return `${signed}.${this.#sign(this.#signingKey, signed)?.toString('base64url')}`;
  }

  /** The snapshot, or undefined for whatever was not issued with these keys or has expired. Never throws. */
  open(ticket: string, now: number): SessionSnapshot | undefined {
    const [version, keyId = '', encoded = '', signature = '', ...rest] = ticket.split('.', 5);
    if (version !== VERSION || rest.length > 0) return undefined;
    const expected = this.#sign(keyId, `${version}.${keyId}.${encoded}`);
    const given = Buffer.from(signature, 'base64url');
    if (expected?.length !== given.length || !timingSafeEqual(expected, given)) return undefined;
    // Only what this code wrote has passed: its shape needs no further proof.
    const { expiresAt, ...snapshot } = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8')) as Payload;
    return expiresAt > now ? snapshot : undefined;
  }

  #sign(keyId: string, text: string): Buffer | undefined {
    const secret = this.#keys.get(keyId);
    return secret && createHmac('sha256', secret).update(text).digest();
  }
}
