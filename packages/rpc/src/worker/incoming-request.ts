/** A call as a worker's service sees it. What few handlers read is made when it is read. */
import { setMaxListeners } from 'node:events';
import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import type { RpcHeaders, RpcRequest } from '../rpc.js';
import { checkBody, decodeHeaders, TRACE_HEADER } from '../wire-values.js';

export interface IncomingTerms {
  readonly service: string;
  readonly method: string;
  readonly body: Uint8Array;
  /** JSON text, empty for none. */
  readonly headers: string;
  readonly trace: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly routingKey: string | undefined;
  readonly isStream: boolean;
  /** On the monotonic clock. */
  readonly deadline: number;
}

export interface PartSink {
  readonly clock: Clock;
  readonly maxBodyBytes: number;
  sendPart(part: Uint8Array): void;
}

/** Parts that may be sent unasked. */
const FIRST_CREDIT = 32;

export class IncomingRequest implements RpcRequest {
  readonly #terms: IncomingTerms;
  readonly #sink: PartSink;
  #headers: RpcHeaders | undefined;
  #controller: AbortController | undefined;
  #ended: ImError | undefined;
  #credit = FIRST_CREDIT;
  #waiting: { resolve(): void; reject(error: Error): void } | undefined;

  constructor(terms: IncomingTerms, sink: PartSink) {
    this.#terms = terms;
    this.#sink = sink;
  }

  get service(): string {
    return this.#terms.service;
  }

  get method(): string {
    return this.#terms.method;
  }

  get body(): Uint8Array {
    return this.#terms.body;
  }

  get idempotencyKey(): string | undefined {
    return this.#terms.idempotencyKey;
  }

  get routingKey(): string | undefined {
    return this.#terms.routingKey;
  }

  get isStream(): boolean {
    return this.#terms.isStream;
  }

  get headers(): RpcHeaders {
    if (this.#headers === undefined) {
      const { headers, trace } = this.#terms;
      const own = decodeHeaders(headers);
      this.#headers = trace === undefined ? own : { ...own, [TRACE_HEADER]: trace };
    }
    return this.#headers;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      // Every call made on behalf of this one listens.
      setMaxListeners(0, this.#controller.signal);
      if (this.#ended !== undefined) this.#controller.abort(this.#ended);
    }
    return this.#controller.signal;
  }

  remainingMs(): number {
    return Math.max(0, this.#terms.deadline - this.#sink.clock.monotonic());
  }

  async send(part: Uint8Array): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended;
    if (!this.isStream)
      throw new ImError('INVALID_ARGUMENT', { message: 'the caller takes no parts: it did not call stream' });
    if (this.#waiting !== undefined) throw new ImError('INVALID_ARGUMENT', { message: 'await the last part first' });
    checkBody(part, this.#sink.maxBodyBytes, 'reply body');
    this.#sink.sendPart(part);
    if (--this.#credit > 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** So many parts more may be sent. */
  grant(count: number): void {
    this.#credit += count;
    if (this.#credit <= 0) return;
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  /** Nobody is waiting for the answer any more. */
  abort(reason: ImError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#waiting?.reject(reason);
    this.#waiting = undefined;
    this.#controller?.abort(reason);
  }
}
