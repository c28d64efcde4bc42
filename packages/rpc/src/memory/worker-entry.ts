/** One worker of one service in the memory engine: its slots, the calls bound to it by routing key, and its draining. */
import type { ServedService } from '../rpc.js';
import { DEFAULT_CONCURRENCY } from '../rpc-limits.js';
import { CallQueue } from './call-queue.js';

export class WorkerEntry {
  readonly id: string;
  readonly service: ServedService;
  readonly methods: ReadonlySet<string>;
  readonly concurrency: number;
  /** On the monotonic clock. */
  readonly since: number;
  /** Calls of routing keys that fell to this worker. */
  readonly queue = new CallQueue();
  draining = false;
  /** Slots taken: handlers that run, also for callers that stopped waiting. */
  inFlight = 0;
  /** Calls whose callers wait for this worker. */
  open = 0;

  readonly #drained: Promise<void>;
  #resolveDrained: () => void = () => {};

  constructor(id: string, service: ServedService, since: number) {
    this.id = id;
    this.service = service;
    this.methods = new Set(service.methods);
    this.concurrency = service.concurrency ?? DEFAULT_CONCURRENCY;
    this.since = since;
    this.#drained = new Promise((resolve) => {
      this.#resolveDrained = resolve;
    });
  }

  get hasRoom(): boolean {
    return this.inFlight < this.concurrency;
  }

  /** Settles when it drains and every call it had has its answer. */
  get drained(): Promise<void> {
    return this.#drained;
  }

  markDrained(): void {
    this.#resolveDrained();
  }
}
