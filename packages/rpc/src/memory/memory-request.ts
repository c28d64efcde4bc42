/** A call as the memory engine shows it to a service. What few handlers read is made when it is read. */
import { setMaxListeners } from 'node:events';
import type { Clock } from '@im/protocol/ports';
import type { RpcHeaders, RpcRequest } from '../rpc.js';
import { decodeHeaders } from '../wire-values.js';
import type { MemoryCall } from './memory-call.js';

export class MemoryRequest implements RpcRequest {
  readonly #call: MemoryCall;
  readonly #clock: Clock;
  #headers: RpcHeaders | undefined;
  #controller: AbortController | undefined;
  #abortReason: Error | undefined;

  constructor(call: MemoryCall, clock: Clock) {
    this.#call = call;
    this.#clock = clock;
  }

  get service(): string {
    return this.#call.service;
  }

  get method(): string {
    return this.#call.method;
  }

  get body(): Uint8Array {
    return this.#call.body;
  }

  get idempotencyKey(): string | undefined {
    return this.#call.idempotencyKey;
  }

  get routingKey(): string | undefined {
    return this.#call.routingKey;
  }

  get headers(): RpcHeaders {
    this.#headers ??= decodeHeaders(this.#call.headerText);
    return this.#headers;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      // Every call made on behalf of this one listens.
      setMaxListeners(0, this.#controller.signal);
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  remainingMs(): number {
    return Math.max(0, this.#call.deadline - this.#clock.monotonic());
  }

  /** The caller is not waiting any more. */
  abort(reason: Error): void {
    this.#abortReason = reason;
    this.#controller?.abort(reason);
  }
}
