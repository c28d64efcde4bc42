/** A call as a worker's service sees it. What few handlers read is made when it is read. */
import { setMaxListeners } from 'node:events';
import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import type { RpcHeaders, RpcRequest } from '../rpc.js';
import type { PackReader } from '../wire/pack-reader.js';
import { FLAG } from '../wire/record.js';
import { checkBody, decodeHeaders, TRACE_HEADER } from '../wire-values.js';

/** What the requests of one connection share. */
export interface RequestLine {
  readonly clock: Clock;
  readonly maxBodyBytes: number;
  /** Nothing is sent for a request that is over. */
  sendPart(request: IncomingRequest, part: Uint8Array): void;
}

/** Parts that may be sent unasked. */
const FIRST_CREDIT = 32;

export class IncomingRequest implements RpcRequest {
  readonly id: number;
  readonly service: string;
  readonly method: string;
  readonly body: Uint8Array;
  readonly idempotencyKey: string | undefined;
  readonly routingKey: string | undefined;
  readonly isStream: boolean;
  readonly #line: RequestLine;
  /** On the monotonic clock. */
  readonly #deadline: number;
  readonly #headerText: string;
  readonly #trace: string | undefined;
  #headers: RpcHeaders | undefined;
  #controller: AbortController | undefined;
  #ended: ImError | undefined;
  #credit = FIRST_CREDIT;
  #waiting: { resolve(): void; reject(error: Error): void } | undefined;

  /** @param reader stands at the call, which it has read */
  constructor(line: RequestLine, reader: PackReader, deadline: number) {
    this.id = reader.id;
    this.service = reader.service;
    this.method = reader.method;
    this.body = reader.body;
    this.idempotencyKey = reader.key;
    this.routingKey = reader.route;
    this.isStream = (reader.flags & FLAG.stream) !== 0;
    this.#line = line;
    this.#deadline = deadline;
    this.#headerText = reader.headers;
    this.#trace = reader.trace;
  }

  /** Why nobody waits for it any more. */
  get ended(): ImError | undefined {
    return this.#ended;
  }

  get headers(): RpcHeaders {
    if (this.#headers === undefined) {
      const own = decodeHeaders(this.#headerText);
      this.#headers = this.#trace === undefined ? own : { ...own, [TRACE_HEADER]: this.#trace };
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
    return Math.max(0, this.#deadline - this.#line.clock.monotonic());
  }

  async send(part: Uint8Array): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended;
    if (!this.isStream)
      throw new ImError('INVALID_ARGUMENT', { message: 'the caller takes no parts: it did not call stream' });
    if (this.#waiting !== undefined) throw new ImError('INVALID_ARGUMENT', { message: 'await the last part first' });
    checkBody(part, this.#line.maxBodyBytes, 'reply body');
    this.#line.sendPart(this, part);
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
