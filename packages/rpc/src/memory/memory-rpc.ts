/**
 * The RPC engine inside one process: callers, workers and the broker between them share memory, with the semantics
 * that they have between processes. Headers, errors and limits pass through the same encoding; bodies by reference.
 */
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Logger, type Metrics, noMetrics, silentLogger } from '@im/protocol/ports';
import { BROKER_SERVICE } from '../broker-status.js';
import type { Rpc, RpcCaller, RpcWorker } from '../rpc.js';
import { DEFAULT_MAX_BODY_BYTES, DEFAULT_MAX_SERVICES, DEFAULT_QUEUE_LIMIT } from '../rpc-limits.js';
import { createBrokerService } from './broker-service.js';
import { MemoryCaller } from './memory-caller.js';
import { MemoryWorker } from './memory-worker.js';
import { ServiceEntry } from './service-entry.js';
import { ServiceTable } from './service-table.js';
import { WorkerEntry } from './worker-entry.js';

export interface MemoryRpcOptions {
  readonly clock?: Clock | undefined;
  /** Default: silent, so that what services throw is seen nowhere. */
  readonly logger?: Logger | undefined;
  readonly metrics?: Metrics | undefined;
  /** Calls that wait in front of one service; beyond it they are refused with OVERLOADED. Default 1,024. */
  readonly queueLimit?: number | undefined;
  /** Body of one call or reply; larger ones are refused with BODY_TOO_LARGE. Default 1 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Services that may ever be served; more are refused with OVERLOADED. Default 1,024. */
  readonly maxServices?: number | undefined;
}

export function createMemoryRpc(options: MemoryRpcOptions = {}): Rpc {
  return new MemoryRpc(options);
}

class MemoryRpc implements Rpc {
  readonly #clock: Clock;
  readonly #maxBodyBytes: number;
  readonly #table: ServiceTable;
  readonly #broker: ServiceEntry;
  readonly #callers = new Set<MemoryCaller>();
  readonly #workers = new Set<MemoryWorker>();
  #nextWorker = 1;
  #closing: Promise<void> | undefined;

  constructor({
    queueLimit = DEFAULT_QUEUE_LIMIT,
    maxBodyBytes = DEFAULT_MAX_BODY_BYTES,
    maxServices = DEFAULT_MAX_SERVICES,
    clock = systemClock,
    logger = silentLogger,
    metrics = noMetrics,
  }: MemoryRpcOptions) {
    this.#clock = clock;
    this.#maxBodyBytes = maxBodyBytes;
    const environment = { clock, logger, metrics, queueLimit, maxBodyBytes };
    this.#table = new ServiceTable({ ...environment, maxServices });
    this.#broker = new ServiceEntry(BROKER_SERVICE, environment);
    this.#broker.add(new WorkerEntry(BROKER_SERVICE, createBrokerService(this.#table), this.#clock.monotonic()));
  }

  createCaller(): RpcCaller {
    this.#refuseIfClosing();
    const caller = new MemoryCaller({
      clock: this.#clock,
      maxBodyBytes: this.#maxBodyBytes,
      find: (service) => (service === BROKER_SERVICE ? this.#broker : this.#table.find(service)),
      onClose: () => this.#callers.delete(caller),
    });
    this.#callers.add(caller);
    return caller;
  }

  createWorker(): RpcWorker {
    this.#refuseIfClosing();
    const worker = new MemoryWorker({
      clock: this.#clock,
      id: `memory-${this.#nextWorker++}`,
      findOrAdd: (service) => this.#table.findOrAdd(service),
      onClose: () => this.#workers.delete(worker),
    });
    this.#workers.add(worker);
    return worker;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.close()));
    await Promise.all([...this.#callers].map((caller) => caller.close()));
  }

  #refuseIfClosing(): void {
    if (this.#closing !== undefined) throw new ImError('CLOSED');
  }
}
