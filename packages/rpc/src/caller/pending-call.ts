/** A call at its caller, from the moment it is accepted until nobody waits for anything of it. */

import type { ImError } from '@im/protocol';
import type { CancelSignal } from '../cancellation.js';
import type { BrokerConnection } from '../connection/broker-connection.js';
import type { DeadlineList, Expiring } from '../deadlines/deadline-lists.js';
import type { CallOptions, RpcReply } from '../rpc.js';
import type { PartQueue } from './part-queue.js';

/**
 * waiting (for a broker) → sent → settled. `ending`: deadline or cancellation is there, the broker is asked whether a
 * worker had begun. `late`: the caller has its error, and wants a reply that still comes.
 */
export type PendingStage = 'waiting' | 'sent' | 'ending' | 'late' | 'settled';

export interface PendingTerms {
  readonly service: string;
  readonly method: string;
  readonly body: Uint8Array;
  /** JSON text, empty for none. */
  readonly headers: string;
  readonly trace: string | undefined;
  readonly flags: number;
  readonly options: CallOptions;
  readonly parts: PartQueue | undefined;
}

export class PendingCall implements Expiring {
  /** Of the place, and how often it was used. */
  id = 0;
  stage: PendingStage = 'waiting';
  readonly terms: PendingTerms;
  readonly resolve: (reply: RpcReply) => void;
  readonly reject: (error: Error) => void;
  /** Who has it. */
  connection: BrokerConnection | undefined;
  /** Brokers that had no worker for it. */
  refusals = 0;
  /** Why it ends before its answer. */
  reason: ImError | undefined;
  #own: Listening | undefined;
  #inherited: Listening | undefined;

  deadline = 0;
  deadlineList: DeadlineList<Expiring> | undefined;
  earlier: Expiring | undefined;
  later: Expiring | undefined;

  constructor(terms: PendingTerms, resolve: (reply: RpcReply) => void, reject: (error: Error) => void) {
    this.terms = terms;
    this.resolve = resolve;
    this.reject = reject;
  }

  /** To what cancels it, until {@link unlisten}. */
  listen(onAbort: (signal: CancelSignal) => void): void {
    const { signal, within } = this.terms.options;
    if (signal) this.#own = new Listening(signal, onAbort);
    if (within) this.#inherited = new Listening(within.signal, onAbort);
  }

  unlisten(): void {
    this.#own?.end();
    this.#inherited?.end();
    this.#own = this.#inherited = undefined;
  }

  /** Carrying it out twice is harmless. */
  get isRepeatable(): boolean {
    const { idempotent, idempotencyKey } = this.terms.options;
    return (idempotent === true || idempotencyKey !== undefined) && this.terms.parts?.hasBegun !== true;
  }
}

/** Kept in fields: an array of them, and all that hangs on it, survived until the old generation was collected (decision 35). */
class Listening {
  readonly #signal: CancelSignal;
  readonly #listener: () => void;

  constructor(signal: CancelSignal, onAbort: (signal: CancelSignal) => void) {
    this.#signal = signal;
    this.#listener = () => onAbort(signal);
    signal.addEventListener('abort', this.#listener);
  }

  end(): void {
    this.#signal.removeEventListener('abort', this.#listener);
  }
}
