/** The caller's end of the memory engine: turns a call's options into terms, and watches deadline and cancellation. */
import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { abortError, deadlineExceeded, effectiveHeaders, effectiveTimeoutMs } from '../call-terms.js';
import type { CallOptions, RpcCaller, RpcReply } from '../rpc.js';
import { checkBody, encodeHeaders } from '../wire-values.js';
import { type CallOwner, MemoryCall } from './memory-call.js';
import type { ServiceEntry } from './service-entry.js';

export interface MemoryCallerOptions {
  readonly clock: Clock;
  readonly maxBodyBytes: number;
  /** @throws ImError SERVICE_UNKNOWN */
  find(service: string): ServiceEntry;
  onClose(): void;
}

const NO_OPTIONS: CallOptions = {};

export class MemoryCaller implements RpcCaller, CallOwner {
  readonly #options: MemoryCallerOptions;
  /** Bounded by the queues and slots of the services. */
  readonly #open = new Map<MemoryCall, ServiceEntry>();
  #closed = false;

  constructor(options: MemoryCallerOptions) {
    this.#options = options;
  }

  call(service: string, method: string, body: Uint8Array, options = NO_OPTIONS): Promise<RpcReply> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new ImError('CLOSED');
      const { clock, maxBodyBytes, find } = this.#options;
      const timeoutMs = effectiveTimeoutMs(options);
      checkBody(body, maxBodyBytes);
      const headerText = encodeHeaders(effectiveHeaders(options));
      const signals = [options.signal, options.within?.signal];
      for (const signal of signals) if (signal?.aborted) throw abortError(signal, false);
      const entry = find(service);

      const deadline = clock.monotonic() + timeoutMs;
      const call = new MemoryCall(
        { service, method, body, headerText, deadline, options },
        { resolve, reject, owner: this },
      );
      entry.submit(call);
      if (call.stage === 'done') return;
      this.#open.set(call, entry);
      const timer = clock.after(timeoutMs, () => entry.giveUp(call, deadlineExceeded(call.handedOut)));
      call.watch(timer, signals, (signal) => entry.giveUp(call, abortError(signal, call.handedOut)));
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  forget(call: MemoryCall): void {
    this.#open.delete(call);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const [call, entry] of this.#open) entry.giveUp(call, new ImError('CLOSED'));
    this.#options.onClose();
  }
}
