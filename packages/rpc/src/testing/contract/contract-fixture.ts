/** What every contract test stands on: an engine on a fake clock, services that are cleaned up, and a log that is kept. */
import { FakeClock, type LogRecord, RecordingLogger } from '@im/protocol/testing';
import { expect, vi } from 'vitest';
import { BROKER_SERVICE, type BrokerStats } from '../../broker-status.js';
import { decodeJson } from '../../json-body.js';
import type { CallOptions, Registration, Rpc, RpcCaller, RpcReply, RpcRequest, RpcWorker } from '../../rpc.js';
import { NO_HEADERS } from '../../wire-values.js';
import { HeldService } from '../held-service.js';

export interface RpcContractOptions {
  readonly clock: FakeClock;
  readonly logger: RecordingLogger;
  /** Small, so that tests can fill it. */
  readonly queueLimit: number;
  readonly maxBodyBytes: number;
  readonly services: Readonly<Record<string, { readonly concurrency: number }>>;
}

export type RpcFactory = (options: RpcContractOptions) => Rpc | Promise<Rpc>;

export const QUEUE_LIMIT = 4;
export const MAX_BODY_BYTES = 10_000;
/** A service with a limit of calls carried out at once. */
export const LIMITED = { name: 'limited', concurrency: 2 } as const;

type Handle = (request: RpcRequest) => Promise<RpcReply>;

export class ContractFixture {
  readonly clock = new FakeClock();
  readonly logger = new RecordingLogger();
  rpc!: Rpc;
  caller!: RpcCaller;
  worker!: RpcWorker;
  #observer!: RpcCaller;
  readonly #factory: RpcFactory;
  readonly #held: HeldService[] = [];

  constructor(factory: RpcFactory) {
    this.#factory = factory;
  }

  async start(): Promise<this> {
    this.rpc = await this.#factory({
      clock: this.clock,
      logger: this.logger,
      queueLimit: QUEUE_LIMIT,
      maxBodyBytes: MAX_BODY_BYTES,
      services: { [LIMITED.name]: { concurrency: LIMITED.concurrency } },
    });
    this.caller = this.rpc.createCaller();
    this.worker = this.rpc.createWorker();
    this.#observer = this.rpc.createCaller();
    return this;
  }

  /** What the engine logged as errors. */
  get errors(): LogRecord[] {
    return this.logger.records.filter(({ level }) => level === 'error');
  }

  /** Closes the engine and proves that nothing is left. */
  async stop(): Promise<void> {
    for (const service of this.#held) service.answerAll();
    await this.rpc.close();
    expect(this.clock.pendingTimers).toBe(0);
  }

  /** Serves calls that stay open until the test answers them. */
  async hold(
    name: string,
    options: { version?: string; methods?: readonly string[]; concurrency?: number; worker?: RpcWorker } = {},
  ): Promise<HeldService & { registration: Registration }> {
    const { worker = this.worker, ...rest } = options;
    const service = new HeldService(name, rest);
    this.#held.push(service);
    return Object.assign(service, { registration: await worker.serve(service) });
  }

  /** Serves the method `do`. */
  serve(name: string, handle: Handle): Promise<Registration> {
    return this.worker.serve({ name, version: '1', methods: ['do'], handle });
  }

  /** Serves the method `do`, which answers what it gets. */
  echo(name: string): Promise<Registration> {
    return this.serve(name, async ({ body, headers }) => ({ body, headers }));
  }

  /** Calls `do`. */
  call(service: string, body: Uint8Array | string = '', options?: CallOptions): Promise<RpcReply> {
    return this.caller.call(service, 'do', typeof body === 'string' ? bytes(body) : body, options);
  }

  async stats(): Promise<BrokerStats> {
    const { body } = await this.#observer.call(BROKER_SERVICE, 'stats', bytes(''));
    return decodeJson(body) as BrokerStats;
  }

  /** Waits until so many calls stand in queues, as seen by the broker. */
  async queued(count: number): Promise<void> {
    await eventually(async () => expect((await this.stats()).queued).toBe(count));
  }
}

export const answerNothing: Handle = async () => ({ body: bytes(''), headers: NO_HEADERS });

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(reply: RpcReply): string {
  return new TextDecoder().decode(reply.body);
}

/** What a call failed with. The promise is watched from now on, so that it never counts as unhandled. */
export function failure(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => {
      throw new Error('the call was answered');
    },
    (error: unknown) => error,
  );
}

/** Waits until the assertions hold. */
export function eventually<T>(assert: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(assert, { interval: 2, timeout: 4_000 });
}
