/** A broadcast node on ZeroMQ: a PULL and an XPUB socket for each lane around {@link BroadcastNode}. */
import { setImmediate } from 'node:timers/promises';
import { ImError, type Lane } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Logger, type Metrics, noMetrics, type Random, silentLogger } from '@im/protocol/ports';
import { type Context, Pull, XPublisher } from 'zeromq';
import type { Sequencer } from '../broadcast.js';
import type { NodeAddresses } from '../link/link-transport.js';
import { BroadcastNode, type NodeLimits } from '../node/broadcast-node.js';
import type { NodePeersOptions } from '../node/node-peers.js';
import { COMMON, HIGH_WATER_MARK, LOCAL, READ_AT_ONCE, SUBSCRIPTION_MARK } from './socket-options.js';

export interface ZeromqNodeOptions extends NodeLimits, NodeSocketsOptions {
  readonly sequencer: Sequencer;
}

export interface NodeSocketsOptions {
  /** Name of the node, the same after a restart. */
  readonly id: string;
  /** Where publishers and subscribers connect, by lane; ports may be `*`. Default: free ports of 127.0.0.1. */
  readonly publish?: Readonly<Record<Lane, string>>;
  readonly subscribe?: Readonly<Record<Lane, string>>;
  /**
   * Everything is encrypted, and peers must prove who they are: whom the ZAP handler of `context` lets in (rfc.zeromq.org 27;
   * `createGuardedContext` of @im/rpc/zeromq makes one). Without keys it binds to this host only.
   */
  readonly keys?: NodeKeys | undefined;
  /** Binds beyond this host without keys: anybody who reaches the ports may publish and read everything. */
  readonly insecure?: boolean;
  readonly context?: Context | undefined;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

/** Z85 text. */
export interface NodeKeys {
  readonly secretKey: string;
}

export interface ZeromqNode {
  /** With the ports that were chosen. */
  readonly addresses: NodeAddresses;
  /** Passes on and answers what it has taken, takes nothing new. Its addresses are free a moment later. */
  close(): Promise<void>;
}

/** What the sockets of a node serve. */
export interface PackTaker {
  /** Whether the priority lane should wait. */
  readonly isCrowded: boolean;
  /** Settles after messages under way went on. */
  turn(): Promise<void>;
  /** @returns when the next one may come, if not at once */
  takeNormal(pack: Buffer): Promise<void> | undefined;
  takePriority(pack: Buffer): void;
  takeSubscription(lane: Lane, bytes: Buffer): void;
  drained(): Promise<void>;
  close(): void;
}

/** What the sockets give it. */
export type PackTakerPorts = Pick<NodePeersOptions, 'clock' | 'random' | 'logger' | 'metrics' | 'send' | 'defer'>;

const FREE: Readonly<Record<Lane, string>> = { normal: 'tcp://127.0.0.1:*', priority: 'tcp://127.0.0.1:*' };
const NORMAL_SLICE_MS = 1;
const RETRY_AFTER_ERROR_MS = 10;
const LANES: readonly Lane[] = ['priority', 'normal'];

/** Settles when it can be reached. @throws ImError CONFIG_INVALID for an address that must not be bound, or cannot be */
export function createZeromqNode(options: ZeromqNodeOptions): Promise<ZeromqNode> {
  return openNodeSockets(options, (ports) => new BroadcastNode({ ...options, ...ports }));
}

/** @throws ImError CONFIG_INVALID */
export async function openNodeSockets(
  options: NodeSocketsOptions,
  createNode: (ports: PackTakerPorts) => PackTaker,
): Promise<ZeromqNode> {
  const { publish = FREE, subscribe = FREE, keys, insecure = false } = options;
  if (keys === undefined && !insecure) {
    for (const lane of LANES) [publish[lane], subscribe[lane]].forEach(refuseRemote);
  }
  const sockets = new NodeSockets(options, createNode);
  try {
    return await sockets.open();
  } catch (cause) {
    await sockets.close();
    throw cause;
  }
}

class NodeSockets {
  readonly #options: NodeSocketsOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #node: PackTaker;
  readonly #pulls: Readonly<Record<Lane, Pull>>;
  readonly #publishers: Readonly<Record<Lane, XPublisher>>;
  readonly #loops: Promise<void>[] = [];
  #isOpen = true;

  constructor(options: NodeSocketsOptions, createNode: (ports: PackTakerPorts) => PackTaker) {
    const { context, keys, clock = systemClock, logger = silentLogger, metrics = noMetrics } = options;
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
    const common = {
      ...COMMON,
      ...(context !== undefined && { context }),
      ...(keys !== undefined && { curveServer: true, curveSecretKey: keys.secretKey, zapDomain: 'im' }),
    };
    const pull = (lane: Lane) => new Pull({ ...common, receiveHighWaterMark: HIGH_WATER_MARK[lane] });
    const publisher = (lane: Lane) =>
      new XPublisher({
        ...common,
        sendHighWaterMark: HIGH_WATER_MARK[lane],
        receiveHighWaterMark: SUBSCRIPTION_MARK,
        // This socket never waits. Otherwise the binding puts every 513th send off, and refuses those that come before that is done.
        sendTimeout: 0,
        // Also those that are known: a peer that connects anew is greeted before its old connection is found dead.
        verbosity: 'allSubs',
      });
    this.#pulls = { normal: pull('normal'), priority: pull('priority') };
    this.#publishers = { normal: publisher('normal'), priority: publisher('priority') };
    this.#node = createNode({
      clock,
      logger,
      metrics,
      random: options.random ?? Math.random,
      // It never waits: who does not keep up misses packs, and sees that.
      send: (lane, pack, shared) => void this.#send(lane, shared === undefined ? pack : [pack, shared]),
      defer: (run) => process.nextTick(run),
    });
  }

  async open(): Promise<ZeromqNode> {
    const { id, publish = FREE, subscribe = FREE } = this.#options;
    for (const lane of LANES) {
      await bind(this.#pulls[lane], publish[lane]);
      await bind(this.#publishers[lane], subscribe[lane]);
    }
    const endpoints = (sockets: Readonly<Record<Lane, Pull | XPublisher>>) => ({
      normal: sockets.normal.lastEndpoint ?? '',
      priority: sockets.priority.lastEndpoint ?? '',
    });
    this.#loops.push(this.#pullPriority(), this.#pullNormal());
    for (const lane of LANES) this.#loops.push(this.#takeSubscriptions(lane));
    return {
      addresses: { id, publish: endpoints(this.#pulls), subscribe: endpoints(this.#publishers) },
      close: () => this.close(),
    };
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // Not unbound before: that makes libzmq abort now and then (zeromq/libzmq#3442).
    for (const lane of LANES) this.#pulls[lane].close();
    await this.#node.drained();
    this.#node.close();
    for (const lane of LANES) this.#publishers[lane].close();
    await Promise.all(this.#loops);
  }

  async #send(lane: Lane, pack: Buffer | Buffer[]): Promise<void> {
    try {
      await this.#publishers[lane].send(pack);
    } catch (error) {
      if (this.#isOpen) this.#logger.error('a pack could not be sent', { lane, error });
    }
  }

  /** Publishers are held back while more is under way than is good. */
  async #pullPriority(): Promise<void> {
    const socket = this.#pulls.priority;
    for (let read = 1; this.#isOpen; read++) {
      try {
        const [pack] = await socket.receive();
        if (pack !== undefined) this.#node.takePriority(pack);
        while (this.#node.isCrowded && this.#isOpen) await this.#node.turn();
        if (read % READ_AT_ONCE === 0) await setImmediate();
      } catch (error) {
        await this.#failed('a pack could not be read', error);
      }
    }
  }

  /** In slices, between which the priority lane has its turn. */
  async #pullNormal(): Promise<void> {
    const socket = this.#pulls.normal;
    let until = this.#clock.monotonic() + NORMAL_SLICE_MS;
    while (this.#isOpen) {
      try {
        const [pack] = await socket.receive();
        const ready = pack === undefined ? undefined : this.#node.takeNormal(pack);
        if (ready !== undefined) await ready;
        if (this.#clock.monotonic() < until) continue;
        await setImmediate();
        until = this.#clock.monotonic() + NORMAL_SLICE_MS;
      } catch (error) {
        await this.#failed('a pack could not be read', error);
      }
    }
  }

  async #takeSubscriptions(lane: Lane): Promise<void> {
    const socket = this.#publishers[lane];
    for (let read = 1; this.#isOpen; read++) {
      try {
        const [bytes] = await socket.receive();
        if (bytes !== undefined && bytes.length > 0) this.#node.takeSubscription(lane, bytes);
        if (read % (READ_AT_ONCE * 8) === 0) await setImmediate();
      } catch (error) {
        await this.#failed('a subscription could not be read', error);
      }
    }
  }

  async #failed(what: string, error: unknown): Promise<void> {
    if (!this.#isOpen) return;
    this.#logger.error(what, { error });
    await new Promise<void>((resolve) => this.#clock.after(RETRY_AFTER_ERROR_MS, resolve));
  }
}

function refuseRemote(address: string): void {
  if (LOCAL.test(address)) return;
  throw new ImError('CONFIG_INVALID', {
    message: `${address} can be reached from other hosts: configure keys, or say insecure`,
    details: { address },
  });
}

async function bind(socket: Pull | XPublisher, address: string): Promise<void> {
  try {
    await socket.bind(address);
  } catch (cause) {
    const message = `cannot bind ${address}: ${(cause as Error).message}`;
    throw new ImError('CONFIG_INVALID', { message, details: { address }, cause });
  }
}
