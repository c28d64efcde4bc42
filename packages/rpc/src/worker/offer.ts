/** A service that a worker serves, as it stands with the brokers: offered → served → draining → drained. */
import type { BrokerConnection } from '../connection/broker-connection.js';
import type { ServedService } from '../rpc.js';
import { DEFAULT_CONCURRENCY } from '../rpc-limits.js';
import { Slots } from './slots.js';

export class Offer {
  readonly number: number;
  readonly service: ServedService;
  readonly slots: Slots;
  /** Settles when a first broker has taken it; rejects when one refuses it. */
  readonly served: Promise<void>;
  readonly drained: Promise<void>;
  #accept!: () => void;
  #refuse!: (error: Error) => void;
  #finish!: () => void;
  /** Brokers that have not said `drained` yet. */
  #draining: Set<BrokerConnection> | undefined;

  constructor(number: number, service: ServedService) {
    this.number = number;
    this.service = service;
    this.slots = new Slots(service.concurrency ?? DEFAULT_CONCURRENCY);
    this.served = new Promise((resolve, reject) => {
      this.#accept = resolve;
      this.#refuse = reject;
    });
    this.drained = new Promise((resolve) => {
      this.#finish = resolve;
    });
    // Nobody may be waiting when the worker closes.
    this.served.catch(() => {});
  }

  get isDraining(): boolean {
    return this.#draining !== undefined;
  }

  accept(): void {
    this.#accept();
  }

  refuse(error: Error): void {
    this.#refuse(error);
  }

  beginDraining(connections: readonly BrokerConnection[]): void {
    this.#draining = new Set(connections);
    if (this.#draining.size === 0) this.#finish();
  }

  drainedAt(connection: BrokerConnection): void {
    if (this.#draining?.delete(connection) && this.#draining.size === 0) this.#finish();
  }
}
