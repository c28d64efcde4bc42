/** Which commands of one connection are carried out: counts unanswered ids (PR-20 to PR-22, PR-26) and rates (PR-27, PR-28). */
import { ImError, type Limits, type ReceivedCommand } from '@im/protocol';
import { Rate } from './rate.js';

/** Bursts, as a multiple of a rate. */
const BURST = 2;
/** What nobody sends in good faith, as a multiple of the rate of commands. */
const FLOOD = 10;
/** Reading a frame costs by its size: so many bytes count as one more message. */
const FRAME_BYTES = 1_024;
/** Answering `sync` costs by its limit: so many entries count as one more command. */
const SYNC_ENTRIES = 100;

/** What the gates of all connections share. */
export class GateRules {
  readonly commands: Rate;
  readonly anything: Rate;

  constructor(readonly limits: Limits) {
    const perSecond = limits.commandsPerSecond;
    this.commands = new Rate(perSecond, perSecond * BURST);
    this.anything = new Rate(perSecond * FLOOD, perSecond * FLOOD * BURST);
  }
}

export class CommandGate {
  readonly #rules: GateRules;
  /** Buckets of the rates. */
  #commands = 0;
  #anything = 0;
  /** Only while there are any: most connections are idle most of the time. */
  #unanswered: Set<number> | undefined;

  constructor(rules: GateRules) {
    this.#rules = rules;
  }

  /** Ids that wait for their answer. */
  get unanswered(): number {
    return this.#unanswered?.size ?? 0;
  }

  /** Counts a message, a frame without any, or a ping of the transport. False: this is a flood. */
  countAnything(now: number, count = 1): boolean {
    const bucket = this.#rules.anything.take(this.#anything, now, count);
    if (bucket === undefined) return false;
    this.#anything = bucket;
    return true;
  }

  /** Counts the bytes of a frame, before they are read. False: this is a flood. */
  countFrame(bytes: number, now: number): boolean {
    return bytes < FRAME_BYTES || this.countAnything(now, bytes / FRAME_BYTES);
  }

  /**
   * Takes in a command that asks for an answer; the reason if it is not to be carried out.
   * @param now monotonic milliseconds, as everywhere here
   */
  admit(id: number, command: ReceivedCommand<Uint8Array>, now: number): ImError | undefined {
    const { type } = command;
    const { commands, limits } = this.#rules;
    if (type !== 'hello') {
      const cost = type === 'sync' ? 1 + Math.floor(command.limit / SYNC_ENTRIES) : 1;
      const bucket = commands.take(this.#commands, now, cost);
      if (bucket === undefined) {
        const retryAfterMs = commands.retryAfterMs(this.#commands, now, cost);
        return new ImError('RATE_LIMITED', { details: { retryAfterMs } });
      }
      this.#commands = bucket;
    }
    if (this.#unanswered?.has(id)) return new ImError('DUPLICATE_ID');
    if (type === 'call' || type === 'sync') {
      if (this.unanswered >= limits.pendingCalls) return new ImError('TOO_MANY_PENDING');
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
