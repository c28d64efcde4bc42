/**
 * What one connection was written and its client has not confirmed (PR-86, PR-87, PR-115 to PR-117). Owns the arithmetic and
 * whoever waits for relief. Must not know how a transport asks, nor what is shed.
 *
 * What Node has buffered says little, since the kernels of both ends hide megabytes. So the client is asked now and then, one
 * question at a time, and its answer confirms what was written before the question. More than half the soft limit is never
 * left unasked: whoever is congested will be relieved by an answer.
 */
import type { CloseName } from '@im/protocol';
import type { Link } from '../link.js';
import type { Unanswered } from './unanswered.js';

export interface BacklogLimits {
  readonly softBacklogBytes: number;
  readonly hardBacklogBytes: number;
}

/** The connection, as its backlog sees it. */
interface Backlogged {
  close(name: CloseName): void;
}

/** Less is not worth a question: calls and heartbeats of those who are idle are never asked about. */
const WORTH_ASKING_BYTES = 4_096;

export class Backlog {
  readonly #connection: Backlogged;
  readonly #link: Link;
  readonly #limits: BacklogLimits;
  readonly #unanswered: Unanswered;
  #unconfirmed = 0;
  /** How much of it the open question is about; 0: none is open. */
  #asked = 0;
  /** Tick of the last question, which is also its number; at first that of the beginning. */
  #askedAt: number;
  #waiting: (() => void)[] | undefined;

  constructor(connection: Backlogged, link: Link, limits: BacklogLimits, unanswered: Unanswered) {
    this.#connection = connection;
    this.#link = link;
    this.#limits = limits;
    this.#unanswered = unanswered;
    this.#askedAt = unanswered.tick;
  }

  get unconfirmed(): number {
    return this.#unconfirmed;
  }

  /** For how many ticks a question has been open. */
  get unansweredFor(): number {
    return this.#asked === 0 ? 0 : this.#unanswered.tick - this.#askedAt;
  }

  /** Normal messages are to be shed. */
  get congested(): boolean {
    return this.#unconfirmed > this.#limits.softBacklogBytes || this.#unanswered.isLate(this.unansweredFor);
  }

  /** The client is to be given up. */
  get overflowing(): boolean {
    return this.#unconfirmed > this.#limits.hardBacklogBytes;
  }

  /** So many bytes are about to be written. @returns the number of the question that has to follow them, if one is due */
  writing(bytes: number): number | undefined {
    this.#unconfirmed += bytes;
    return this.#asked === 0 && !this.overflowing ? this.#questionIfDue() : undefined;
  }

  /** The client has answered a question. @returns whether it was the open one */
  confirmed(number: number): boolean {
    if (this.#asked === 0 || number !== this.#askedAt) return false;
    this.#unanswered.answered(this);
    // What has not left this process cannot have been read, whatever a client says.
    this.#unconfirmed = Math.max(this.#unconfirmed - this.#asked, this.#link.bufferedBytes);
    this.#asked = 0;
    const question = this.#questionIfDue();
    if (question !== undefined) this.#link.probe(question);
    if (!this.congested) this.#relieve();
    return true;
  }

  /** Settles once it is no longer congested, or is closed. */
  async relieved(): Promise<void> {
    if (!this.congested) return;
    await new Promise<void>((resolve) => {
      this.#waiting ??= [];
      this.#waiting.push(resolve);
    });
  }

  giveUp(): void {
    this.#connection.close('SLOW_CONSUMER');
  }

  /** The connection is closed: nobody needs to wait any longer. */
  close(): void {
    this.#unanswered.delete(this);
    this.#asked = 0;
    this.#relieve();
  }

  #questionIfDue(): number | undefined {
    const unconfirmed = this.#unconfirmed;
    const { tick } = this.#unanswered;
    const isDue = unconfirmed >= WORTH_ASKING_BYTES && this.#unanswered.mayAskAgain(tick - this.#askedAt);
    if (!isDue && unconfirmed <= this.#limits.softBacklogBytes / 2) return undefined;
    this.#asked = unconfirmed;
    this.#askedAt = tick;
    this.#unanswered.add(this);
    return tick;
  }

  #relieve(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (const settle of waiting ?? []) settle();
  }
}
