/** Which commands of one connection are carried out: counts unanswered ids (PR-20 to PR-22, PR-26) and rates (PR-27, PR-28). */
import { ImError, type Limits, type ReceivedCommand } from '@im/protocol';
import { TokenBucket } from './token-bucket.js';

/** Bursts, as a multiple of a rate. */
const BURST = 2;
/** What nobody sends in good faith, as a multiple of the rate of commands. */
const FLOOD = 10;
/** Reading a frame costs by its size: so many bytes count as one more message. */
const FRAME_BYTES = 1_024;
/** Answering `sync` costs by its limit: so many entries count as one more command. */
const SYNC_ENTRIES = 100;

export class CommandGate {
  readonly #limits: Limits;
  readonly #commands: TokenBucket;
  readonly #anything: TokenBucket;
  /** Only while there are any: most connections are idle most of the time. */
  #unanswered: Set<number> | undefined;

  /** @param now monotonic milliseconds, as everywhere here */
  constructor(limits: Limits, now: number) {
    const perSecond = limits.commandsPerSecond;
    this.#limits = limits;
    this.#commands = new TokenBucket(perSecond, perSecond * BURST, now);
    this.#anything = new TokenBucket(perSecond * FLOOD, perSecond * FLOOD * BURST, now);
  }

  /** Ids that wait for their answer. */
  get unanswered(): number {
    return this.#unanswered?.size ?? 0;
  }

  /** Counts a message, a frame without any, or a ping of the transport. False: this is a flood. */
  countAnything(now: number): boolean {
    return this.#anything.take(now);
  }

  /** Counts the bytes of a frame, before they are read. False: this is a flood. */
  countFrame(bytes: number, now: number): boolean {
    return bytes < FRAME_BYTES || this.#anything.take(now, bytes / FRAME_BYTES);
  }

  /** Takes in a command that asks for an answer; the reason if it is not to be carried out. */
  admit(id: number, command: ReceivedCommand<Uint8Array>, now: number): ImError | undefined {
    const { type } = command;
    const cost = type === 'sync' ? 1 + Math.floor(command.limit / SYNC_ENTRIES) : 1;
    if (type !== 'hello' && !this.#commands.take(now, cost)) {
      return new ImError('RATE_LIMITED', { details: { retryAfterMs: this.#commands.retryAfterMs } });
    }
    if (this.#unanswered?.has(id)) return new ImError('DUPLICATE_ID');
    if (type === 'call' || type === 'sync') {
      if (this.unanswered >= this.#limits.pendingCalls) return new ImError('TOO_MANY_PENDING');
    }
    this.#unanswered ??= new Set();
    this.#unanswered.add(id);
    return undefined;
  }

  answered(id: number): void {
    this.#unanswered?.delete(id);
    if (this.#unanswered?.size === 0) this.#unanswered = undefined;
  }

  /** The connection is gone: nothing will be answered. */
  close(): void {
    this.#unanswered = undefined;
  }
}
