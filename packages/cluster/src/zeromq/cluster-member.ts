/** A node's part in the cluster: it tells all managers that it lives, and hears from them who else does. */
import { randomUUID } from 'node:crypto';
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import {
  type Clock,
  type Counter,
  type Logger,
  type Metrics,
  type NodeInfo,
  noMetrics,
  silentLogger,
  type Timer,
  type TopologySource,
} from '@im/protocol/ports';
import type { Context } from 'zeromq';
import type { DrainOrder } from '../drain-order.js';
import { type Bye, DEFAULT_INTERVAL_MS, type Heartbeat } from '../heartbeat.js';
import type { Refusal, RefusalReason } from '../manager/node-table.js';
import { OrderInbox } from '../member/order-inbox.js';
import { TopologyView, VIEW_SWEEP_MS } from '../member/topology-view.js';
import type { Beat, Published } from '../wire/manager-messages.js';
import { encodeMemberMessage } from '../wire/member-messages.js';
import { ManagerLink, type MemberKeys } from './manager-link.js';
import type { ManagerAddress } from './zeromq-manager.js';

/** What a node says of itself when it joins. */
export interface MemberNode {
  readonly id: string;
  readonly role: string;
  readonly version: string;
  readonly addresses?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Default 1. */
  readonly weight?: number;
}

export interface JoinOptions {
  /** All of them: each is told, and each is heard. */
  readonly managers: readonly ManagerAddress[];
  /** Absent: it only listens, until {@link ClusterMember.announce}. */
  readonly node?: MemberNode;
  /** Another run of a node with this id lives elsewhere, or there are too many nodes: called when that begins. */
  readonly onRefused?: (reason: RefusalReason) => void;
  /** From one heartbeat to the next, in milliseconds. Default 1,000. */
  readonly intervalMs?: number;
  /** What managers that have keys want. */
  readonly keys?: MemberKeys | undefined;
  readonly context?: Context | undefined;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

export interface ClusterMember extends TopologySource {
  /** Resolves when a manager has told who is in the cluster. @throws ImError UNAVAILABLE (retryable) when none has in time, CLOSED */
  ready(timeoutMs: number): Promise<void>;
  /** From now on this node is in the cluster, as it says; or says something else. @throws ImError CONFIG_INVALID */
  announce(node: MemberNode): void;
  /** Told with the next heartbeat. @param load 0 is idle, 1 is full @param figures of its work, by name, for people */
  setLoad(load: number, figures?: Readonly<Record<string, number>>): void;
  /** Told at once: it serves whom it has and wants nobody new; or wants again. */
  setDraining(draining: boolean): void;
  /**
   * What operators want of this run of the node: each order once, the one that stands at once.
   * @returns ends it
   */
  onOrder(listener: (order: DrainOrder) => void): () => void;
  /** Says good bye. The topology stays as it was. */
  close(): Promise<void>;
}

/** Tells at once, and then with each interval. @throws ImError CONFIG_INVALID when managers would not take what the node says */
export function joinCluster(options: JoinOptions): ClusterMember {
  return new Member(options);
}

class Member implements ClusterMember {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onRefused: (reason: RefusalReason) => void;
  readonly #intervalMs: number;
  readonly #view: TopologyView;
  readonly #orders: OrderInbox;
  readonly #links: readonly ManagerLink[];
  readonly #foreign: Counter;
  readonly #incarnation: string;
  readonly #startedAt: number;
  #node: NodeInfo | undefined;
  #figures: Readonly<Record<string, number>> = {};
  #refusal: RefusalReason | undefined;
  #heartbeatTimer: Timer | undefined;
  #sweepTimer: Timer | undefined;
  /** Of {@link ready}. */
  readonly #waiting = new Set<() => void>();
  #closing: Promise<void> | undefined;

  constructor(options: JoinOptions) {
    const { managers, node, keys, context, intervalMs = DEFAULT_INTERVAL_MS } = options;
    const { clock = systemClock, logger = silentLogger, metrics = noMetrics } = options;
    this.#clock = clock;
    this.#logger = logger;
    this.#intervalMs = intervalMs;
    this.#onRefused = options.onRefused ?? (() => {});
    this.#view = new TopologyView({
      clock,
      onError: (error) => logger.error('a listener of the topology failed', { error }),
    });
    this.#incarnation = randomUUID();
    this.#orders = new OrderInbox(this.#incarnation);
    this.#startedAt = clock.now();
    if (node !== undefined) this.#introduce(node);
    this.#foreign = metrics.counter('im_cluster_unknown_publications_total', {
      help: 'Messages of managers that this member does not understand.',
    });
    const level = (name: string, help: string, read: () => number) => metrics.observe(name, { help }, read);
    level('im_cluster_managers', 'Node managers that this member hears.', () => this.#view.managers);
    level('im_cluster_member_epoch', 'Of the topology that this member goes by.', () => this.current.epoch);
    level(
      'im_cluster_member_nodes',
      'Nodes in the topology that this member goes by.',
      () => this.current.nodes.length,
    );
    this.#links = managers.map(
      (address) =>
        new ManagerLink({
          ...{ address, keys, context, clock, logger },
          onMessage: (message, link) => this.#take(message, link),
          onForeign: () => this.#foreign.add(),
        }),
    );
    this.#beat();
    this.#sweep();
  }

  get current() {
    return this.#view.current;
  }

  subscribe(listener: Parameters<TopologySource['subscribe']>[0]): () => void {
    return this.#view.subscribe(listener);
  }

  async ready(timeoutMs: number): Promise<void> {
    if (this.#closing !== undefined) throw new ImError('CLOSED');
    if (this.current.epoch > 0) return;
    let timer: Timer | undefined;
    let wake: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      wake = resolve;
      this.#waiting.add(resolve);
      timer = this.#clock.after(timeoutMs, resolve);
    });
    timer?.cancel();
    if (wake !== undefined) this.#waiting.delete(wake);
    if (this.#closing !== undefined) throw new ImError('CLOSED');
    if (this.current.epoch > 0) return;
    throw new ImError('UNAVAILABLE', { message: 'no node manager has told who is in the cluster; try again later' });
  }

  announce(node: MemberNode): void {
    this.#introduce(node);
    this.#beat();
  }

  setLoad(load: number, figures: Readonly<Record<string, number>> = this.#figures): void {
    if (this.#node === undefined) return;
    const node = { ...this.#node, load };
    this.#encode({ ...this.#heartbeat(node), figures });
    this.#node = node;
    this.#figures = figures;
  }

  setDraining(draining: boolean): void {
    if (this.#node === undefined) return;
    this.#node = { ...this.#node, draining };
    this.#beat();
  }

  onOrder(listener: (order: DrainOrder) => void): () => void {
    return this.#orders.subscribe(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#heartbeatTimer?.cancel();
    this.#sweepTimer?.cancel();
    for (const wake of this.#waiting) wake();
    const node = this.#node;
    const bye = node && this.#encode({ kind: 'bye', id: node.id, incarnation: node.incarnation });
    await Promise.all(this.#links.map((link) => link.close(bye)));
  }

  #introduce({ addresses = {}, labels = {}, weight = 1, id, role, version }: MemberNode): void {
    const { load = 0, draining = false } = this.#node ?? {};
    const [incarnation, startedAt] = [this.#incarnation, this.#startedAt];
    const node = { id, incarnation, role, version, addresses, labels, weight, load, draining, startedAt };
    // Said now, when somebody can still do something about it.
    this.#encode(this.#heartbeat(node));
    this.#node = node;
  }

  #take(message: Published | Beat, link: ManagerLink): void {
    if (this.#closing !== undefined) return;
    if (message.kind === 'topology') {
      this.#view.published(message);
      for (const wake of this.#waiting) wake();
      return;
    }
    if (this.#view.beat(message)) link.ask();
    this.#orders.heard(message.orders);
    this.#findRefusal(message.refused, link);
  }

  /** Managers may differ; the node counts as refused when the last one that spoke of it refuses. */
  #findRefusal(refused: readonly Refusal[], link: ManagerLink): void {
    const node = this.#node;
    if (node === undefined) return;
    const own = refused.find(({ id, incarnation }) => id === node.id && incarnation === node.incarnation);
    link.refusal = own?.reason;
    const reason = this.#links.find((one) => one.refusal !== undefined)?.refusal;
    const { id } = node;
    if (reason === this.#refusal) return;
    this.#refusal = reason;
    if (reason === undefined) {
      this.#logger.info('the cluster takes this node again', { id });
      return;
    }
    const text =
      reason === 'full'
        ? 'the cluster has as many nodes as it takes: this one is not in the topology'
        : 'another node with this id lives elsewhere: this one is not in the topology';
    this.#logger.error(text, { id });
    this.#onRefused(reason);
  }

  #beat(): void {
    this.#heartbeatTimer?.cancel();
    if (this.#node !== undefined) {
      const bytes = this.#encode(this.#heartbeat(this.#node));
      for (const link of this.#links) link.send(bytes);
    }
    this.#heartbeatTimer = this.#clock.after(this.#intervalMs, () => this.#beat(), { background: true });
  }

  #sweep(): void {
    this.#sweepTimer = this.#clock.after(
      VIEW_SWEEP_MS,
      () => {
        this.#view.sweep();
        this.#sweep();
      },
      { background: true },
    );
  }

  #heartbeat(node: NodeInfo): Heartbeat {
    return {
      kind: 'heartbeat',
      node,
      figures: this.#figures,
      intervalMs: this.#intervalMs,
      epoch: this.current.epoch,
    };
  }

  #encode(message: Heartbeat | Bye): Buffer {
    return encodeMemberMessage(message);
  }
}
