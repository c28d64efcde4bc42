/** A call at its caller, from the moment it is accepted until nobody waits for anything of it. */

import type { ImError } from '@im/protocol';
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
  #unlisten: (() => void) | undefined;

  deadline = 0;
  deadlineList: DeadlineList<Expiring> | undefined;
  earlier: Expiring | undefined;
  later: Expiring | undefined;

  constructor(terms: PendingTerms, resolve: (reply: RpcReply) => void, reject: (error: Error) => void) {
    this.terms = terms;
    this.resolve = resolve;
    this.reject = reject;
  }

  /** Until {@link unlisten}. */
  listen(signals: readonly (AbortSignal | undefined)[], onAbort: (signal: AbortSignal) => void): void {
    const listened: [AbortSignal, () => void][] = [];
    for (const signal of signals) {
      if (signal === undefined) continue;
      const listener = () => onAbort(signal);
      signal.addEventListener('abort', listener);
      listened.push([signal, listener]);
    }
    this.#unlisten = () => {
      for (const [signal, listener] of listened) signal.removeEventListener('abort', listener);
    };
  }

  unlisten(): void {
    this.#unlisten?.();
  }

  /** Carrying it out twice is harmless. */
  get isRepeatable(): boolean {
    const { idempotent, idempotencyKey } = this.terms.options;
    return (idempotent === true || idempotencyKey !== undefined) && this.terms.parts?.hasBegun !== true;
  }
}
