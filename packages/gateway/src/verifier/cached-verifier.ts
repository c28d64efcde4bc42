/**
 * Remembers what another verifier said, so that a storm of reconnects asks it once a token. Keys are hashes: no token is kept.
 * What was said holds for the same token from the same place only.
 */
import { createHash } from 'node:crypto';
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Metrics, noMetrics } from '@im/protocol/ports';
import { Cancellation, type CancelSignal } from '@im/rpc';
import type { Identity, TokenSource, TokenVerifier } from './token-verifier.js';

export interface CachedVerifierOptions {
  /** Of identities, and as many of refusals; the least recently used goes first. Default 10,000. */
  readonly maxEntries?: number;
  /** How long an identity is remembered, never past its token's expiry: as long may a revoked token still let somebody in. Default 60,000. */
  readonly ttlMs?: number;
  /** How long a refusal is remembered. Default 5,000. */
  readonly refusalTtlMs?: number;
  readonly clock?: Clock;
  readonly metrics?: Metrics;
}

interface Remembered<T> {
  readonly outcome: T;
  readonly until: number;
}

/** A verification under way, and how many wait for it. */
interface UnderWay {
  readonly outcome: Promise<Identity>;
  readonly cancellation: Cancellation;
  waiting: number;
}

export function cachedVerifier(verifier: TokenVerifier, options: CachedVerifierOptions = {}): TokenVerifier {
  return new CachedVerifier(verifier, options);
}

class CachedVerifier implements TokenVerifier {
  readonly #verifier: TokenVerifier;
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #refusalTtlMs: number;
  readonly #identities: Memory<Identity>;
  /** Apart, so that made-up tokens cannot push out good ones. */
  readonly #refusals: Memory<ImError>;
  readonly #underWay = new Map<string, UnderWay>();
  readonly #hits;
  readonly #misses;

  constructor(verifier: TokenVerifier, options: CachedVerifierOptions) {
    const {
      maxEntries = 10_000,
      ttlMs = 60_000,
      refusalTtlMs = 5_000,
      clock = systemClock,
      metrics = noMetrics,
    } = options;
    this.#verifier = verifier;
    this.#clock = clock;
    this.#ttlMs = ttlMs;
    this.#refusalTtlMs = refusalTtlMs;
    this.#identities = new Memory(maxEntries);
    this.#refusals = new Memory(maxEntries);
    this.#hits = metrics.counter('im_gateway_verifier_cache_hits_total', { help: 'Tokens known from before.' });
    this.#misses = metrics.counter('im_gateway_verifier_cache_misses_total', {
      help: 'Tokens that had to be verified.',
    });
    const size = (): number => this.#identities.size + this.#refusals.size;
    metrics.observe('im_gateway_verifier_cache_entries', { help: 'Tokens remembered.' }, size);
  }

  async verify(token: string, source: TokenSource, signal: CancelSignal): Promise<Identity> {
    const key = keyOf(token, source);
    const now = this.#clock.now();
    const known = this.#identities.recall(key, now) ?? this.#refusals.recall(key, now);
    if (known) {
      this.#hits.add();
      if (known instanceof ImError) throw known;
      return known;
    }
    const underWay = this.#underWay.get(key) ?? this.#begin(key, token, source);
    underWay.waiting++;
    // The last one to lose interest ends it for all.
    const leave = (): void => {
      if (--underWay.waiting > 0) return;
      this.#underWay.delete(key);
      underWay.cancellation.abort();
    };
    signal.addEventListener('abort', leave);
    try {
      return await underWay.outcome;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  #begin(key: string, token: string, source: TokenSource): UnderWay {
    this.#misses.add();
    const cancellation = new Cancellation();
    const outcome = this.#verifier.verify(token, source, cancellation).then(
      (identity) => {
        const now = this.#clock.now();
        const until = Math.min(now + this.#ttlMs, identity.expiresAt ?? Number.POSITIVE_INFINITY);
        this.#identities.remember(key, { outcome: identity, until });
        return identity;
      },
      (thrown: unknown) => {
        const error = ImError.wrap(thrown);
        if (error.name === 'UNAUTHORIZED' || error.name === 'TOKEN_EXPIRED') {
          this.#refusals.remember(key, { outcome: error, until: this.#clock.now() + this.#refusalTtlMs });
        }
        throw error;
      },
    );
    const underWay = { outcome, cancellation, waiting: 0 };
    this.#underWay.set(key, underWay);
    const forget = (): void => {
      if (this.#underWay.get(key) === underWay) this.#underWay.delete(key);
    };
    outcome.then(forget, forget);
    return underWay;
  }
}

/** Bounded, the least recently used goes first. */
class Memory<T> {
  readonly #maxEntries: number;
  readonly #entries = new Map<string, Remembered<T>>();

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#entries.size;
  }

  recall(key: string, now: number): T | undefined {
    const found = this.#entries.get(key);
    if (!found) return undefined;
    this.#entries.delete(key);
    if (found.until <= now) return undefined;
    this.#entries.set(key, found);
    return found.outcome;
  }

  remember(key: string, entry: Remembered<T>): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size <= this.#maxEntries) return;
    for (const oldest of this.#entries.keys()) return void this.#entries.delete(oldest);
  }
}

function keyOf(token: string, { device, platform, address }: TokenSource): string {
  return createHash('sha256')
    .update(JSON.stringify([token, device, platform, address]))
    .digest('base64');
}
