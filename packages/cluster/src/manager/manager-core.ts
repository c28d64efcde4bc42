/**
 * A node manager without sockets: heartbeats in, messages to publish out. Owns how table, keeper and journal work together,
 * the log lines and the figures.
 */
import { EMPTY_TOPOLOGY, type Logger, type Metrics, type NodeInfo, type Topology } from '@im/protocol/ports';
import type { DrainOrder } from '../drain-order.js';
import type { Bye, Heartbeat } from '../heartbeat.js';
import { byId } from '../node-info.js';
import { type Beat, MAX_REFUSALS, type Published } from '../wire/manager-messages.js';
import { Journal, type JournalKind } from './journal.js';
import type { ManagerStatus, NodeManager } from './node-manager.js';
import { type NodeEvent, NodeTable } from './node-table.js';
import { type DrainRequest, OrderBook } from './order-book.js';
import { TopologyKeeper, type TopologyKeeperOptions } from './topology-keeper.js';

export interface ManagerCoreOptions extends TopologyKeeperOptions {
  readonly id: string;
  readonly incarnation: string;
  readonly intervalMs: number;
  readonly maxNodes: number;
  readonly journalEntries: number;
  /** Names of orders, each another one. */
  readonly newId: () => string;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export class ManagerCore implements NodeManager {
  readonly #options: ManagerCoreOptions;
  readonly #table: NodeTable;
  readonly #keeper: TopologyKeeper;
  readonly #journal: Journal;
  readonly #orders: OrderBook;
  readonly #count: (kind: NodeEvent['kind']) => void;
  #wasHolding = false;

  constructor(options: ManagerCoreOptions) {
    const { clock, maxNodes, metrics } = options;
    this.#options = options;
    this.#table = new NodeTable({ clock, maxNodes });
    this.#keeper = new TopologyKeeper(options);
    this.#journal = new Journal(clock, options.journalEntries);
    this.#orders = new OrderBook(options.newId);
    const counters = Object.fromEntries(
      (['came', 'changed', 'restarted', 'left', 'died', 'refused'] as const).map((kind) => [
        kind,
        metrics.counter('im_cluster_node_events_total', {
          help: 'What became of nodes, as this manager sees it.',
          labels: { kind },
        }),
      ]),
    );
    this.#count = (kind) => counters[kind]?.add();
    const level = (name: string, help: string, read: () => number) => metrics.observe(name, { help }, read);
    level('im_cluster_nodes', 'Nodes whose heartbeats come.', () => this.#table.size);
    level('im_cluster_held_back_nodes', 'Dead nodes that are still in the topology.', () => this.#heldBackCount());
    level('im_cluster_refused_nodes', 'Nodes that are not let in.', () => this.#table.refusals().length);
    level('im_cluster_epoch', 'Of the topology that was published last.', () => this.#keeper.topology?.epoch ?? 0);
  }

  take(message: Heartbeat | Bye): void {
    if (message.kind === 'bye') {
      const event = this.#table.bye(message);
      if (event !== undefined) this.#happened(event);
      return;
    }
    this.#keeper.heard(message.epoch);
    const event = this.#table.heartbeat(message);
    if (event !== undefined) this.#happened(event);
  }

  /** To be called each `SWEEP_MS`. */
  sweep(): void {
    for (const event of this.#table.sweep()) this.#happened(event);
  }

  /** @returns a topology to publish, if there is a new one */
  tick(): Published | undefined {
    const heldCount = this.#heldBackCount();
    const topology = this.#keeper.tick();
    this.#tellHolding(heldCount);
    return topology === undefined ? undefined : this.#published(topology);
  }

  /** For members that come late. */
  latest(): Published | undefined {
    const { topology } = this.#keeper;
    return topology === undefined ? undefined : this.#published(topology);
  }

  beat(): Beat {
    const { topology } = this.#keeper;
    return {
      kind: 'beat',
      ...this.#from(),
      ...(topology !== undefined && { epoch: topology.epoch }),
      refused: this.#table.refusals().slice(0, MAX_REFUSALS),
      orders: this.#orders.list(),
    };
  }

  topology(): Topology {
    const { epoch, nodes } = this.#keeper.topology ?? EMPTY_TOPOLOGY;
    return { epoch, nodes: this.#withLoads(nodes) };
  }

  status(): ManagerStatus {
    const { heldBack, topology } = this.#keeper;
    return {
      id: this.#options.id,
      isWarmingUp: topology === undefined,
      epoch: topology?.epoch ?? 0,
      nodes: this.#table.statuses().sort((one, other) => byId(one.node, other.node)),
      ...(heldBack !== undefined && { heldBack }),
      refused: this.#table.refusals(),
      orders: this.#orders.list(),
    };
  }

  journal() {
    return this.#journal.entries();
  }

  release(): number {
    return this.#keeper.release();
  }

  drain(request: DrainRequest): DrainOrder {
    const order = this.#orders.drain(request, this.topology());
    const aim = order.restart ? ', then to start anew' : ', then to end';
    this.#ordered(order.id, `${order.id} is to send its clients elsewhere within ${order.windowMs} ms${aim}`);
    return order;
  }

  keep(node: string): DrainOrder {
    const order = this.#orders.keep(node, this.topology());
    this.#ordered(node, `${node} is to keep its clients after all`);
    return order;
  }

  #ordered(id: string, text: string): void {
    this.#journal.add({ kind: 'ordered', id, text });
    this.#options.logger.info(text, { id });
  }

  #from() {
    const { id, incarnation, intervalMs } = this.#options;
    return { manager: id, incarnation, intervalMs };
  }

  /** Of now. */
  #withLoads(nodes: readonly NodeInfo[]): readonly NodeInfo[] {
    return nodes.map((node) => this.#table.nodeOf(node.id) ?? node);
  }

  #published({ epoch, nodes }: Topology): Published {
    return { kind: 'topology', ...this.#from(), topology: { epoch, nodes: this.#withLoads(nodes) } };
  }

  #happened(event: NodeEvent): void {
    const { node } = event;
    this.#count(event.kind);
    if (event.kind !== 'changed' && event.kind !== 'refused') this.#orders.forget(node.id);
    switch (event.kind) {
      case 'came':
      case 'changed':
      case 'restarted':
        this.#keeper.admit(node);
        break;
      case 'left':
        this.#keeper.remove(node.id);
        break;
      case 'died':
        this.#keeper.lose(node.id);
        break;
      case 'refused':
        break;
    }
    const fields = { id: node.id, role: node.role };
    const text = describe(event);
    this.#journal.add({ kind: event.kind, id: node.id, text });
    const { logger } = this.#options;
    if (event.kind === 'died' || event.kind === 'refused') logger.warn(text, fields);
    else if (event.kind !== 'changed') logger.info(text, fields);
  }

  #heldBackCount(): number {
    return this.#keeper.heldBack?.ids.length ?? 0;
  }

  #tellHolding(countBefore: number): void {
    const count = this.#heldBackCount();
    const isHolding = count > 0;
    if (isHolding === this.#wasHolding) return;
    this.#wasHolding = isHolding;
    const { logger, holdMs } = this.#options;
    const tell = (kind: JournalKind, text: string): void => this.#journal.add({ kind, text });
    if (isHolding) {
      const text = `${count} nodes fell silent at once, more than half: the topology stays as it was for ${holdMs} ms or until released`;
      tell('held-back', text);
      logger.error(text, { ids: this.#keeper.heldBack?.ids });
    } else {
      const text = `losses are held back no longer: of ${countBefore} nodes those that did not come back are gone`;
      tell('released', text);
      logger.warn(text);
    }
  }
}

function describe(event: NodeEvent): string {
  const { id, role, incarnation } = event.node;
  const name = `${role} ${id}`;
  switch (event.kind) {
    case 'came':
      return `${name} came: its first heartbeat`;
    case 'changed':
      return `${name} changed: its heartbeat says so`;
    case 'restarted':
      return `${name} restarted: another run (${incarnation}) speaks from its addresses`;
    case 'left':
      return `${name} left: it said good bye`;
    case 'died':
      return `${name} died: no heartbeat for ${Math.round(event.silentMs)} ms`;
    case 'refused':
      return event.reason === 'full'
        ? `${name} refused: there are as many nodes as this manager takes`
        : `${name} refused: another run with this id lives at another place; this one is ${incarnation}`;
  }
}
