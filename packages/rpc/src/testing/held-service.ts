/** A service whose calls stay open until a test answers them. */
import type { RpcHeaders, RpcReply, RpcRequest, ServedService } from '../rpc.js';
import { NO_HEADERS } from '../wire-values.js';

export interface HeldCall {
  readonly request: RpcRequest;
  answer(body?: Uint8Array, headers?: RpcHeaders): void;
  fail(error: unknown): void;
}

export class HeldService implements ServedService {
  readonly name: string;
  readonly version: string;
  readonly methods: readonly string[];
  readonly concurrency: number | undefined;
  /** Every call that ever reached it, in order. */
  readonly calls: HeldCall[] = [];
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(name: string, options: { version?: string; methods?: readonly string[]; concurrency?: number } = {}) {
    this.name = name;
    this.version = options.version ?? '1';
    this.methods = options.methods ?? ['do'];
    this.concurrency = options.concurrency;
  }

  handle(request: RpcRequest): Promise<RpcReply> {
    return new Promise((resolve, reject) => {
      this.calls.push({
        request,
        answer: (body = request.body, headers = NO_HEADERS) => resolve({ body, headers }),
        fail: reject,
      });
      this.#waiting.shift()?.();
    });
  }

  /** The next call in order of arrival; waits for it. */
  async next(): Promise<HeldCall> {
    const index = this.#taken++;
    while (this.calls[index] === undefined) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.calls[index];
  }

  /** So that nothing stays open after a test. Answering twice does nothing. */
  answerAll(): void {
    for (const call of this.calls) call.answer();
  }
}
