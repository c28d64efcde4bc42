/**
 * A gateway on memory engines, with a worker whose service `test` does as it is told: what tests of the gateway and of what
 * stands on it start from.
 */
import type { Broadcast, Publisher } from '@im/broadcast';
import { createMemoryBroadcast } from '@im/broadcast/memory';
import { createMemoryOnlineList, type OnlineList } from '@im/groups';
import { type CallerContext, CONNECTION_HEADER, EFFECTS_HEADER, type Effect, type Position } from '@im/protocol';
import type { Metrics } from '@im/protocol/ports';
import { noMetrics } from '@im/protocol/ports';
import { FakeClock, RecordingLogger } from '@im/protocol/testing';
import { decodeJson, encodeJson, type RpcRequest } from '@im/rpc';
import { createMemoryRpc } from '@im/rpc/memory';
import type { LogReader, LogStore } from '@im/timeline';
import { createMemoryLogStore, type MemoryLogStoreOptions } from '@im/timeline/memory';
import { createGateway, type Gateway } from '../gateway.js';
import type { GatewayOptions } from '../gateway-options.js';
import { FakeLink } from './fake-link.js';
import { tokenTable } from './token-table.js';

export type TestHandler = (input: unknown, request: RpcRequest) => unknown;

export interface FixtureOptions extends Partial<Omit<GatewayOptions, 'log'>> {
  readonly retention?: NonNullable<MemoryLogStoreOptions['retention']>;
  /** Stands between the gateway and the log. */
  readonly log?: (log: LogStore) => LogReader;
}

export class GatewayFixture {
  readonly clock = new FakeClock();
  readonly logger = new RecordingLogger();
  readonly log: LogStore;
  readonly broadcast: Broadcast;
  readonly publisher: Publisher;
  readonly online: OnlineList;
  readonly gateway: Gateway;
  /** Calls that the worker got, oldest first. */
  readonly calls: { method: string; caller: CallerContext; input: unknown; request: RpcRequest }[] = [];
  /** What the worker was told of rejected effects. */
  readonly rejected: unknown[] = [];
  readonly #held = new Map<string, (effects: unknown) => void>();
  /** By method: replaces what the worker does. */
  readonly handlers = new Map<string, TestHandler>();
  readonly #rpc;
  readonly #gateways: Gateway[] = [];

  constructor(readonly options: FixtureOptions = {}) {
    const metrics: Metrics = options.metrics ?? noMetrics;
    const { clock, logger } = this;
    this.log = createMemoryLogStore({ clock, ...(options.retention && { retention: options.retention }) });
    this.broadcast = createMemoryBroadcast({ sequencer: this.log, clock, logger });
    this.publisher = this.broadcast.createPublisher();
    this.online = createMemoryOnlineList();
    this.#rpc = createMemoryRpc({ clock, logger, metrics });
    this.gateway = this.another(options);
  }

  /** A gateway with the same keys and engines. */
  another(options: FixtureOptions = {}): Gateway {
    const { clock, logger, broadcast, online } = this;
    const gateway = createGateway({
      node: `gw-${this.#gateways.length + 1}`,
      verifier: tokenTable(),
      rpc: this.#rpc.createCaller(),
      broadcast,
      online,
      ticketKeys: [{ id: 'k1', secret: 'a secret for tests, 32 bytes long' }],
      framesPerSecond: 0,
      clock,
      logger,
      ...this.options,
      ...options,
      log: options.log?.(this.log) ?? this.options.log?.(this.log) ?? this.log,
    });
    this.#gateways.push(gateway);
    return gateway;
  }

  /** Serves `test`; call before clients call. */
  async serve(): Promise<this> {
    await this.#rpc.createWorker().serve({
      name: 'test',
      version: '1',
      methods: ['effects', 'echo', 'held', 'never', '$effectsRejected', ...this.handlers.keys()],
      handle: async (request) => {
        const input = decodeJson(request.body);
        if (request.method === '$effectsRejected') {
          this.rejected.push(input);
          return { body: new Uint8Array(0), headers: {} };
        }
        const caller = request.headers[CONNECTION_HEADER] as CallerContext;
        this.calls.push({ method: request.method, caller, input, request });
        const handler = this.handlers.get(request.method);
        if (handler) return { body: encodeJson(await handler(input, request)), headers: {} };
        if (request.method === 'effects') return { body: new Uint8Array(0), headers: { [EFFECTS_HEADER]: input } };
        if (request.method === 'held') {
          const effects = await new Promise((resolve) => this.#held.set(String(input), resolve));
          return { body: request.body, headers: { [EFFECTS_HEADER]: effects } };
        }
        if (request.method === 'never') await aborted(request.signal);
        return { body: request.body, headers: {} };
      },
    });
    return this;
  }

  /** Lets a call `test.held` whose data is this key be answered, once it is there. */
  async answer(key: string, ...list: readonly unknown[]): Promise<void> {
    while (!this.#held.has(key)) await new Promise(setImmediate);
    this.#held.get(key)?.(list);
    this.#held.delete(key);
  }

  /** A new connection. */
  connect(gateway = this.gateway): FakeLink {
    return new FakeLink((link) => gateway.accept(link));
  }

  /** A connection that was let in. */
  async enter(user: string, hello: object = {}, gateway = this.gateway): Promise<FakeLink> {
    const link = this.connect(gateway);
    link.say({ type: 'hello', id: 1, token: `user:${user}`, device: 'd1', platform: 'web', ...hello });
    await link.until('welcome');
    return link;
  }

  /** Priority, and durable: it has its version. */
  async gift(group: string, data: unknown, event = 'gift'): Promise<Position> {
    const publication = { lane: 'priority', event, body: encodeJson(data), time: this.clock.now() } as const;
    const { epoch = '', version = 0 } = await this.publisher.publish(group, publication, { acknowledge: 'durable' });
    return { epoch, version };
  }

  async chat(group: string, data: unknown): Promise<void> {
    await this.publisher.publish(group, {
      lane: 'normal',
      event: 'chat',
      body: encodeJson(data),
      time: this.clock.now(),
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#gateways.map((gateway) => gateway.stop({ graceMs: 0 })));
    await this.#rpc.close();
    await this.broadcast.close();
    await this.log.close();
  }
}

/** Has a worker answer these effects to a call `test.effects`. */
export function effects(...list: Effect[]): { method: string; data: Effect[] } {
  return { method: 'test.effects', data: list };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
