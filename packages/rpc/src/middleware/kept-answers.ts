/** Answers by key, bounded by number, bytes and age; the oldest go first. No timer: what is too old goes when next looked at. */
import type { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import type { Clock, Counter, Metrics } from '@im/protocol/ports';
import type { RpcReply } from '../rpc.js';
import { encodeError, encodeHeaders } from '../wire-values.js';

export type Answer = { readonly reply: RpcReply } | { readonly error: ImError };

export interface KeptAnswersOptions {
  /** Answers kept; beyond it the oldest is displaced, and its key would be carried out again. Default 10,000. */
  readonly maxEntries?: number | undefined;
  /** Bytes of the answers kept; beyond it the oldest are displaced. Default 32 MiB. */
  readonly maxBytes?: number | undefined;
  /** How long an answer is kept. Default ten minutes. */
  readonly ttlMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly metrics?: Metrics | undefined;
}

interface Entry {
  readonly answer: Answer;
  readonly bytes: number;
  readonly expiresAt: number;
}

export class KeptAnswers {
  /** In order of expiry: every answer is kept equally long. */
  readonly #entries = new Map<string, Entry>();
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #ttlMs: number;
  readonly #clock: Clock;
  readonly #displaced: Counter;
  #bytes = 0;

  constructor(
    metrics: Metrics,
    {
      maxEntries = 10_000,
      maxBytes = 33_554_432,
      ttlMs = 600_000,
      clock = systemClock,
    }: Omit<KeptAnswersOptions, 'metrics'>,
  ) {
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
    this.#ttlMs = ttlMs;
    this.#clock = clock;
    metrics.observe('im_rpc_kept_answers', { help: 'Answers kept for repetition' }, () => this.#entries.size);
    metrics.observe('im_rpc_kept_answer_bytes', { help: 'Their bytes' }, () => this.#bytes);
    this.#displaced = metrics.counter('im_rpc_displaced_answers_total', {
      help: 'Answers forgotten before their time',
    });
  }

  get(key: string): Answer | undefined {
    this.#dropExpired();
    return this.#entries.get(key)?.answer;
  }

  keep(key: string, answer: Answer): void {
    this.#dropExpired();
    const bytes = key.length + sizeOf(answer);
    if (bytes > this.#maxBytes) {
      this.#displaced.add();
      return;
    }
    this.#drop(key);
    this.#entries.set(key, { answer: detached(answer), bytes, expiresAt: this.#clock.monotonic() + this.#ttlMs });
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxEntries && this.#bytes <= this.#maxBytes) return;
      this.#drop(oldest);
      this.#displaced.add();
    }
  }

  #dropExpired(): void {
    const now = this.#clock.monotonic();
    for (const [key, { expiresAt }] of this.#entries) {
      if (expiresAt > now) return;
      this.#drop(key);
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0;
    this.#entries.delete(key);
  }
}

/** Bodies may be views into larger buffers, which must not be kept alive by them. */
function detached(answer: Answer): Answer {
  if ('error' in answer) return answer;
  const { body, headers } = answer.reply;
  return { reply: { body: new Uint8Array(body), headers } };
}

function sizeOf(answer: Answer): number {
  if ('error' in answer) return encodeError(answer.error).length;
  try {
    return answer.reply.body.length + encodeHeaders(answer.reply.headers).length;
  } catch {
    // Headers that cannot travel: the engine will refuse this reply, so it is not to be repeated.
    return Number.POSITIVE_INFINITY;
  }
}
