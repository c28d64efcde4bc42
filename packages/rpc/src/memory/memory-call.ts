/**
 * One call inside the memory engine, from the moment it is accepted until its caller has an answer and its worker is
 * done. Owns the caller's side: promise, deadline timer, cancellation. Which worker gets it, is ServiceEntry's business.
 */
import type { ImError } from '@im/protocol';
import type { Timer } from '@im/protocol/ports';
import type { CallOptions, RpcReply } from '../rpc.js';
import type { CallQueue } from './call-queue.js';
import type { MemoryRequest } from './memory-request.js';
import type { WorkerEntry } from './worker-entry.js';

/**
 * waiting → handedOut (has a slot, starts in the next microtask) → running → done. A caller that stops waiting turns
 * `waiting` and `handedOut` into `done`, and `running` into `abandoned` until the handler ends.
 */
export type Stage = 'waiting' | 'handedOut' | 'running' | 'abandoned' | 'done';

export interface CallTerms {
  readonly service: string;
  readonly method: string;
  readonly body: Uint8Array;
  readonly headerText: string;
  /** On the monotonic clock. */
  readonly deadline: number;
  readonly options: CallOptions;
}

/** How the caller learns of the outcome. */
export interface Settlement {
  resolve(reply: RpcReply): void;
  reject(error: ImError): void;
  readonly owner: CallOwner;
}

/** The caller, as its calls see it. */
export interface CallOwner {
  /** Nobody wants to hear of its calls any more. */
  readonly closed: boolean;
  /** The call settles now. */
  forget(call: MemoryCall): void;
}

export class MemoryCall {
  readonly service: string;
  readonly method: string;
  readonly body: Uint8Array;
  readonly headerText: string;
  readonly deadline: number;
  readonly idempotencyKey: string | undefined;
  readonly routingKey: string | undefined;

  stage: Stage = 'waiting';
  /** Who has it, once handed out. */
  worker: WorkerEntry | undefined;
  /** Order of arrival at the service. */
  sequence = 0;
  /** Set once it runs. */
  request: MemoryRequest | undefined;

  /** Links of the queue it waits in. */
  queue: CallQueue | undefined;
  previous: MemoryCall | undefined;
  next: MemoryCall | undefined;

  readonly #settlement: Settlement;
  readonly #onLate: CallOptions['onLate'];
  #timer: Timer | undefined;
  #unlisten: (() => void) | undefined;

  constructor(terms: CallTerms, settlement: Settlement) {
    this.service = terms.service;
    this.method = terms.method;
    this.body = terms.body;
    this.headerText = terms.headerText;
    this.deadline = terms.deadline;
    this.idempotencyKey = terms.options.idempotencyKey;
    this.routingKey = terms.options.routingKey;
    this.#onLate = terms.options.onLate;
    this.#settlement = settlement;
  }

  /** Whether a worker may have begun to carry it out. */
  get handedOut(): boolean {
    return this.stage !== 'waiting' && this.stage !== 'handedOut';
  }

  /** Calls back when one of the signals aborts, and keeps the deadline's timer, both until the call settles. */
  watch(timer: Timer, signals: readonly (AbortSignal | undefined)[], onAbort: (signal: AbortSignal) => void): void {
    this.#timer = timer;
    const listened: [AbortSignal, () => void][] = [];
    for (const signal of signals) {
      if (signal === undefined) continue;
      const listener = () => onAbort(signal);
      signal.addEventListener('abort', listener);
      listened.push([signal, listener]);
    }
    if (listened.length > 0) {
      this.#unlisten = () => {
        for (const [signal, listener] of listened) signal.removeEventListener('abort', listener);
      };
    }
  }

  succeed(reply: RpcReply): void {
    this.#end();
    this.#settlement.resolve(reply);
  }

  fail(error: ImError): void {
    this.#end();
    this.#settlement.reject(error);
  }

  /** Hands a reply to a caller that stopped waiting. @returns whether it wanted it */
  answerLate(reply: RpcReply): boolean {
    if (this.#onLate === undefined || this.#settlement.owner.closed) return false;
    this.#onLate(reply);
    return true;
  }

  #end(): void {
    this.#timer?.cancel();
    this.#unlisten?.();
    this.#unlisten = undefined;
    this.#settlement.owner.forget(this);
  }
}
