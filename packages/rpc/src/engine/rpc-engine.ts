/** Callers and workers of one process over some brokers' links. The same for every kind of link. */
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Logger, type Random, silentLogger } from '@im/protocol/ports';
import { Caller } from '../caller/caller.js';
import type { EndOptions } from '../connection/end-options.js';
import type { Connector } from '../connection/link.js';
import type { Rpc, RpcCaller, RpcWorker } from '../rpc.js';
import { DEFAULT_MAX_BODY_BYTES } from '../rpc-limits.js';
import { Worker } from '../worker/worker.js';

export interface EngineOptions {
  readonly clock?: Clock | undefined;
  /** Default: silent, so that what services throw is seen nowhere. */
  readonly logger?: Logger | undefined;
  readonly random?: Random | undefined;
  /** Body of one call, part or reply; larger ones are refused with BODY_TOO_LARGE. Default 1 MiB. */
  readonly maxBodyBytes?: number | undefined;
}

/** How to reach each broker. */
export interface BrokerConnectors {
  readonly callers: Connector;
  readonly workers: Connector;
}

export class RpcEngine implements Rpc {
  readonly #brokers: readonly BrokerConnectors[];
  readonly #ports: Omit<EndOptions, 'connectors' | 'onClose'>;
  readonly #callers = new Set<RpcCaller>();
  readonly #workers = new Set<RpcWorker>();
  readonly #onClosed: () => Promise<void> | void;
  #closing: Promise<void> | undefined;

  /** @param onClosed runs after all callers and workers have closed */
  constructor(
    brokers: readonly BrokerConnectors[],
    options: EngineOptions,
    onClosed: () => Promise<void> | void = () => {},
  ) {
    const {
      clock = systemClock,
      logger = silentLogger,
      random = Math.random,
      maxBodyBytes = DEFAULT_MAX_BODY_BYTES,
    } = options;
    this.#brokers = brokers;
    this.#ports = { clock, logger, random, maxBodyBytes };
    this.#onClosed = onClosed;
  }

  createCaller(): RpcCaller {
    this.#refuseIfClosing();
    const caller = new Caller({
      ...this.#ports,
      connectors: this.#brokers.map(({ callers }) => callers),
      onClose: () => this.#callers.delete(caller),
    });
    this.#callers.add(caller);
    return caller;
  }

  createWorker(): RpcWorker {
    this.#refuseIfClosing();
    const worker = new Worker({
      ...this.#ports,
      connectors: this.#brokers.map(({ workers }) => workers),
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
    await this.#onClosed();
  }

  #refuseIfClosing(): void {
    if (this.#closing !== undefined) throw new ImError('CLOSED');
  }
}
