/**
 * A network of broadcast nodes and buses in one process that moves one message at a time, whichever a seeded random
 * source chooses, and that loses packs, cuts connections and kills nodes, as ZeroMQ may.
 */
import type { Lane } from '@im/protocol';
import { type Counter, type Metrics, noMetrics, type Random, silentLogger } from '@im/protocol/ports';
import { FakeClock } from '@im/protocol/testing';
import type { Sequencer } from '../broadcast.js';
import { BroadcastNode } from '../node/broadcast-node.js';
import { ADDRESS_END, PEER_CHARACTERS } from '../wire/bus-format.js';
import type { PackTaker, PackTakerPorts } from '../zeromq/zeromq-node.js';
import { LinkBroadcast, type NodeBroadcast } from './link-broadcast.js';
import type { LinkTransport, NodeAddresses, NodeDirectory, OnPack } from './link-transport.js';
import { NodeLinks } from './node-links.js';

const ADDRESS_CHARACTERS = PEER_CHARACTERS + ADDRESS_END.length;
const LANES: readonly Lane[] = ['normal', 'priority'];

/** One thing on its way; things of one queue arrive in their order. */
type Arrival = () => void;

interface Unsent {
  readonly send: () => void;
  readonly refuse: (error: Error) => void;
}

export class SimulatedNetwork {
  readonly clock: FakeClock;
  readonly #random: Random;
  #addresses: NodeAddresses[];
  readonly #listeners = new Set<() => void>();
  readonly #nodes = new Map<string, PackTaker>();
  readonly #links = new Set<SimulatedLink>();
  readonly #deferred: (() => void)[] = [];
  readonly #broadcasts: NodeBroadcast[] = [];
  /** Messages that nodes passed on, once for each process that wanted them. */
  delivered = 0;
  /** Packs of nodes that are lost, of a thousand. */
  lossPerMille = 0;

  constructor(random: Random, ids: readonly string[], clock = new FakeClock()) {
    this.#random = random;
    this.clock = clock;
    const nowhere = { normal: '', priority: '' };
    this.#addresses = ids.map((id) => ({ id, publish: nowhere, subscribe: nowhere }));
  }

  startNode(id: string, sequencer: Sequencer): void {
    this.start(id, (ports) => new BroadcastNode({ sequencer, ...ports }));
  }

  /** Something that is a node to all who publish and subscribe here. */
  start(id: string, create: (ports: PackTakerPorts) => PackTaker): void {
    const node = create({
      ...{ clock: this.clock, random: this.#random, logger: silentLogger, metrics: this.#metrics },
      defer: (run) => void this.#deferred.push(run),
      send: (lane, pack, shared) => {
        const address = pack.toString('latin1', 0, ADDRESS_CHARACTERS);
        for (const link of this.#links) {
          if (link.id === id && this.#nodes.get(id) === node) link.arrive(lane, address, pack, shared);
        }
      },
    });
    this.#nodes.set(id, node);
    for (const link of this.#links) if (link.id === id) link.connect(node);
  }

  killNode(id: string): void {
    this.#nodes.get(id)?.close();
    this.#nodes.delete(id);
    for (const link of this.#links) if (link.id === id) link.cut();
  }

  /** The connections of all processes to a node end, and are made anew at once. */
  cut(id: string): void {
    const node = this.#nodes.get(id);
    for (const link of this.#links) {
      if (link.id !== id) continue;
      link.withdraw(node);
      link.cut();
      if (node !== undefined) link.connect(node);
    }
  }

  /** @param only at this node */
  createBroadcast(only?: string): NodeBroadcast {
    const links = new NodeLinks({
      directory: this.#directory(only),
      open: ({ id }, onPack) => {
        const link = new SimulatedLink(id, onPack, this.#random, () => this.lossPerMille);
        this.#links.add(link);
        const node = this.#nodes.get(id);
        if (node !== undefined) link.connect(node);
        return link;
      },
      ...{ clock: this.clock, random: this.#random, logger: silentLogger, metrics: noMetrics },
      defer: (run) => void this.#deferred.push(run),
      maxPriorityMessages: 10_000,
      maxLaneBytes: 1_000_000,
    });
    const broadcast = new LinkBroadcast(links, {
      clock: this.clock,
      maxLaneBytes: 1_000_000,
      publishTimeoutMs: 60_000,
    });
    this.#broadcasts.push(broadcast);
    return broadcast;
  }

  /** Takes a node from the list of all buses. */
  unlist(id: string): void {
    this.#addresses = this.#addresses.filter((addresses) => addresses.id !== id);
    for (const listener of this.#listeners) listener();
  }

  /** Tells all buses that a node is about to leave. */
  drain(id: string): void {
    this.#addresses = this.#addresses.map((addresses) =>
      addresses.id === id ? { ...addresses, draining: true } : addresses,
    );
    for (const listener of this.#listeners) listener();
  }

  get #metrics(): Metrics {
    const add = (count = 1): void => {
      this.delivered += count;
    };
    const counted = (name: string): Counter =>
      name === 'im_broadcast_delivered_total' ? { add } : noMetrics.counter(name, { help: name });
    return { ...noMetrics, counter: counted };
  }

  #directory(only: string | undefined): NodeDirectory {
    const nodes = () => this.#addresses.filter(({ id }) => only === undefined || id === only);
    return {
      get nodes() {
        return nodes();
      },
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
      },
    };
  }

  /** Lets something happen. @returns false when there is nothing */
  step(): boolean {
    const queues = [...this.#links].flatMap((link) => link.queues).filter(({ length }) => length > 0);
    const choice = Math.floor(this.#random() * (queues.length + (this.#deferred.length > 0 ? 1 : 0)));
    if (choice < queues.length) {
      queues[choice]?.shift()?.();
      return true;
    }
    this.#deferred.shift()?.();
    return queues.length > 0 || this.#deferred.length > 0;
  }

  /** Until nothing moves any more, promises included. */
  async quiet(): Promise<void> {
    for (let idle = 0; idle < 20; ) {
      idle = this.step() ? 0 : idle + 1;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  async close(): Promise<void> {
    for (const node of this.#nodes.values()) node.close();
    const closed = Promise.all(this.#broadcasts.map((broadcast) => broadcast.close()));
    await this.quiet();
    // What no node takes any more is given up.
    this.clock.advance(1_000);
    await closed;
  }
}

class SimulatedLink implements LinkTransport {
  readonly queues: Arrival[][] = [[], [], [], [], [], []];
  readonly #topics: Record<Lane, Set<string>> = { normal: new Set(), priority: new Set() };
  readonly #onPack: OnPack;
  readonly #random: Random;
  readonly #lossPerMille: () => number;
  /** Packs that wait for a node, as in front of a PUSH socket. */
  readonly #unsent: Record<Lane, Unsent[]> = { normal: [], priority: [] };
  #node: PackTaker | undefined;

  constructor(
    readonly id: string,
    onPack: OnPack,
    random: Random,
    lossPerMille: () => number,
  ) {
    this.#onPack = onPack;
    this.#random = random;
    this.#lossPerMille = lossPerMille;
  }

  connect(node: PackTaker): void {
    this.#node = node;
    for (const lane of LANES) {
      // In any order, as ZeroMQ repeats them.
      const topics = [...this.#topics[lane]].sort(() => this.#random() - 0.5);
      for (const topic of topics) this.#tell(lane, '\x01', topic);
    }
    for (const lane of LANES) for (const { send } of this.#unsent[lane].splice(0)) send();
  }

  cut(): void {
    this.#node = undefined;
    for (const queue of this.queues) queue.length = 0;
  }

  /** What ZeroMQ tells a node of a connection that has ended. */
  withdraw(node: PackTaker | undefined): void {
    for (const lane of LANES) {
      for (const topic of this.#topics[lane]) node?.takeSubscription(lane, Buffer.from(`\x00${topic}`, 'latin1'));
    }
  }

  arrive(lane: Lane, address: string, pack: Buffer, shared: Buffer | undefined): void {
    if (!this.#topics[lane].has(address)) return;
    if (this.#random() * 1_000 < this.#lossPerMille()) return;
    this.queues[lane === 'normal' ? 0 : 1]?.push(() => this.#onPack(lane, pack, shared));
  }

  send(lane: Lane, pack: Buffer): Promise<void> {
    return new Promise((resolve, refuse) => {
      const send = (): void => {
        const node = this.#node as PackTaker;
        this.queues[lane === 'normal' ? 2 : 3]?.push(() =>
          lane === 'normal' ? void node.takeNormal(pack) : node.takePriority(pack),
        );
        resolve();
      };
      if (this.#node === undefined) this.#unsent[lane].push({ send, refuse });
      else send();
    });
  }

  abandon(lane: Lane): void {
    for (const { refuse } of this.#unsent[lane].splice(0)) refuse(new Error('abandoned'));
  }

  subscribe(lane: Lane, topic: string): void {
    this.#topics[lane].add(topic);
    this.#tell(lane, '\x01', topic);
  }

  unsubscribe(lane: Lane, topic: string): void {
    this.#topics[lane].delete(topic);
    this.#tell(lane, '\x00', topic);
  }

  /** What was sent still goes out. */
  close(): void {
    this.withdraw(this.#node);
    this.#node = undefined;
    // 2 and 3: its packs on their way to the node.
    for (const [index, queue] of this.queues.entries()) if (index !== 2 && index !== 3) queue.length = 0;
  }

  #tell(lane: Lane, mark: string, topic: string): void {
    const node = this.#node;
    if (node === undefined) return;
    this.queues[lane === 'normal' ? 4 : 5]?.push(() =>
      node.takeSubscription(lane, Buffer.from(mark + topic, 'latin1')),
    );
  }
}
