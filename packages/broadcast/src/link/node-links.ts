/**
 * What this process has with all broadcast nodes: a link to each, whom it tells what comes, where it sends what goes.
 * Gateways subscribe at all nodes, so that a disagreement about who has a group costs order for a moment, never delivery.
 */
import { ImError, type Lane } from '@im/protocol';
import type { Clock, Logger, Metrics, Random, Timer } from '@im/protocol/ports';
import type { LocalSubscriber } from '../memory/subscriber-table.js';
import { PEER_CHARACTERS } from '../wire/bus-format.js';
import { LinkFigures } from './link-figures.js';
import type { NodeDirectory, OpenLink } from './link-transport.js';
import { NodeLink, type NodeLinkEvents } from './node-link.js';
import { PublicationWindow } from './publication-window.js';
import { Routes } from './routes.js';
import { Subscriptions } from './subscriptions.js';

export interface NodeLinksOptions {
  readonly directory: NodeDirectory;
  readonly open: OpenLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly defer: (run: () => void) => void;
  readonly maxPriorityMessages: number;
  readonly maxLaneBytes: number;
}

const CHECK_MS = 1_000;
/** Whoever waits for subscriptions to be in force is told after so long that no node is in reach. */
const SETTLE_MS = 10_000;
const PEER_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

export class NodeLinks {
  readonly window: PublicationWindow;
  readonly routes = new Routes((node) => this.#links.get(node));
  readonly #options: NodeLinksOptions;
  readonly #peer: string;
  readonly #links = new Map<string, NodeLink>();
  /** Names of those that take publications. */
  #ups: readonly string[] = [];
  readonly #subscriptions: Subscriptions;
  readonly #subscribers = new Set<LocalSubscriber>();
  readonly #figures: LinkFigures;
  readonly #unwatch: () => void;
  #check: Timer | undefined;
  #checkedAt: number;
  /** Who waits for a node. */
  readonly #onUp = new Set<() => void>();
  readonly #onReach: ((nodes: number) => void)[] = [];
  #isClosed = false;

  constructor(options: NodeLinksOptions) {
    const { clock, random, logger, metrics, directory, maxPriorityMessages, maxLaneBytes } = options;
    this.#options = options;
    this.#peer = Array.from({ length: PEER_CHARACTERS }, () => PEER_ALPHABET[Math.floor(random() * 64)]).join('');
    this.#figures = new LinkFigures(metrics);
    this.#subscriptions = new Subscriptions({
      clock,
      logger,
      errors: this.#figures.handlerErrors,
      subscribe: (group) => {
        for (const link of this.#links.values()) link.subscribe(group);
      },
      unsubscribe: (subscription) => {
        for (const link of this.#links.values()) link.unsubscribe(subscription);
      },
    });
    this.window = new PublicationWindow({
      maxMessages: maxPriorityMessages,
      maxBytes: maxLaneBytes,
      linkOf: (group) => this.routes.find(group)?.link,
      refused: () => this.refused(),
      now: () => clock.monotonic(),
    });
    const level = (name: string, help: string, read: () => number) =>
      metrics.observe(`im_broadcast_${name}`, { help }, read);
    level('subscribed_groups', 'Groups with subscribers.', () => this.#subscriptions.size);
    level('unanswered_messages', 'Priority messages that no node has answered.', () => this.window.messages);
    level('unsent_bytes', 'Bytes that sockets have not taken yet.', () => this.#unsentBytes());
    level('nodes', 'Broadcast nodes that are in reach.', () => this.#ups.length);
    this.#checkedAt = clock.monotonic();
    this.#unwatch = directory.onChange(() => this.#takeNodes());
    this.#takeNodes();
    this.#watch();
  }

  /** There is no room for a publication: counted, to be thrown. */
  refused(): ImError {
    this.#figures.refused.add();
    return new ImError('QUEUE_FULL');
  }

  #unsentBytes(): number {
    let bytes = 0;
    for (const { normal, priority } of this.#links.values()) bytes += normal.bytes + priority.bytes;
    return bytes;
  }

  get nodesInReach(): number {
    return this.#ups.length;
  }

  /** Told whenever their number has changed. */
  onReach(listener: (nodes: number) => void): void {
    this.#onReach.push(listener);
  }

  /** Resolves when a node is in reach. @throws ImError UNAVAILABLE */
  async ready(timeoutMs: number): Promise<void> {
    if (this.#ups.length > 0) return;
    await new Promise<void>((resolve, reject) => {
      const timer = this.#options.clock.after(timeoutMs, () => {
        this.#onUp.delete(up);
        reject(unreachable());
      });
      const up = (): void => {
        timer.cancel();
        resolve();
      };
      this.#onUp.add(up);
    });
  }

  addSubscriber(subscriber: LocalSubscriber): void {
    this.#subscribers.add(subscriber);
  }

  removeSubscriber(subscriber: LocalSubscriber): void {
    this.#subscribers.delete(subscriber);
  }

  subscribe(group: string, subscriber: LocalSubscriber): void {
    this.#subscriptions.add(group, subscriber);
  }

  unsubscribe(group: string, subscriber: LocalSubscriber): void {
    this.#subscriptions.remove(group, subscriber);
  }

  /** Resolves when everything subscribed is in force at every node in reach, and one is. @throws ImError UNAVAILABLE after 10 s without any */
  async settled(): Promise<void> {
    await this.ready(SETTLE_MS);
    if (this.#isClosed) throw new ImError('CLOSED');
    await Promise.all([...this.#links.values()].filter(({ isUp }) => isUp).map((link) => link.settled()));
  }

  /** Resolves when everything that was published has left this process, or after a while all the same. */
  async sent(timeoutMs: number): Promise<void> {
    const senders = [...this.#links.values()].flatMap(({ normal, priority }) => [normal.sent(), priority.sent()]);
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = this.#options.clock.after(timeoutMs, resolve);
    });
    await Promise.race([Promise.all(senders), late]);
    timer?.cancel();
  }

  close(): void {
    this.#isClosed = true;
    this.#check?.cancel();
    this.#unwatch();
    const error = new ImError('CLOSED');
    this.window.close(error);
    // Nobody here is told of anything any more.
    this.#subscriptions.clear();
    for (const link of this.#links.values()) link.close(error);
    this.#links.clear();
    this.#ups = [];
    this.routes.begin([]);
    this.#tellUp();
  }

  readonly #events: NodeLinkEvents = {
    onUp: (link) => {
      this.#listUps();
      this.window.linked(link);
      this.#tellUp();
      this.#tellRestored();
      this.#options.logger.info('a broadcast node is in reach', { node: link.addresses.id });
    },
    onDown: (link) => {
      this.#listUps();
      const error = new ImError('DISCONNECTED');
      for (const lane of ['normal', 'priority'] as const) link[lane].abandon(error);
      // What may be repeated goes elsewhere.
      this.window.lost(link, error);
      this.#options.logger.warn('a broadcast node is out of reach', { node: link.addresses.id });
    },
    onRestart: (link) => {
      const error = new ImError('DISCONNECTED');
      link.normal.lost(error);
      this.window.lost(link, error);
      this.#options.logger.warn('a broadcast node has begun anew', { node: link.addresses.id });
    },
    onHead: (subscription, position) =>
      this.#subscriptions.tell(subscription, (handlers) => handlers.onHead?.(subscription.group, position)),
    owns: (link, group) => this.routes.ownerOf(group) === link.addresses.id,
    onLoss: (subscription, count) => {
      this.#figures.lost.add(count ?? 1);
      this.#subscriptions.tell(subscription, (handlers) => handlers.onLoss?.(subscription.group, count));
    },
    onGap: () => this.#tellRestored(),
    onSequenced: (link, number, place, position, isDuplicate) =>
      this.window.answered(link, number, place, position, isDuplicate),
    onFailed: (link, number, place, error) => this.window.failed(link, number, place, error),
  };

  #tellUp(): void {
    for (const up of this.#onUp) up();
    this.#onUp.clear();
  }

  #tellRestored(): void {
    if (this.#subscriptions.size > 0)
      this.#subscriptions.tellAll(this.#subscribers, ({ onRestored }) => onRestored?.());
  }

  #takeNodes(): void {
    const { directory, open, clock, defer } = this.#options;
    const listed = new Map(directory.nodes.map((addresses) => [addresses.id, addresses]));
    for (const [id, link] of this.#links) {
      const addresses = listed.get(id);
      if (addresses !== undefined && isSamePlace(addresses, link.addresses)) continue;
      this.#links.delete(id);
      this.#listUps();
      this.window.lost(link, new ImError('DISCONNECTED'));
      link.close(new ImError('DISCONNECTED'));
    }
    for (const [id, addresses] of listed) {
      if (this.#links.has(id)) continue;
      const link = new NodeLink({
        peer: this.#peer,
        addresses,
        open,
        clock,
        defer,
        subscriptions: this.#subscriptions,
        figures: this.#figures,
        events: this.#events,
      });
      this.#links.set(id, link);
    }
    this.#listUps();
  }

  #listUps(): void {
    const before = this.#ups.length;
    this.#ups = [...this.#links].filter(([, { isUp }]) => isUp).map(([id]) => id);
    const draining = new Set(this.#options.directory.nodes.filter((node) => node.draining).map(({ id }) => id));
    const staying = this.#ups.filter((id) => !draining.has(id));
    // Groups belong to none that is about to leave, unless all are.
    this.routes.begin(staying.length > 0 ? staying : this.#ups);
    if (this.#ups.length === before) return;
    for (const listener of this.#onReach) listener(this.#ups.length);
  }

  #watch(): void {
    this.#check = this.#options.clock.after(
      CHECK_MS,
      () => {
        const now = this.#options.clock.monotonic();
        const wasAway = now - this.#checkedAt > 2 * CHECK_MS;
        this.#checkedAt = now;
        for (const link of this.#links.values()) link.check(now, wasAway);
        this.window.check();
        this.#subscriptions.endLingering(now);
        this.#watch();
      },
      { background: true },
    );
  }
}

export function unreachable(): ImError {
  return new ImError('UNAVAILABLE', { message: 'no broadcast node is in reach now; try again later' });
}

function isSamePlace(one: NodeLink['addresses'], other: NodeLink['addresses']): boolean {
  const lanes: readonly Lane[] = ['normal', 'priority'];
  return lanes.every(
    (lane) => one.publish[lane] === other.publish[lane] && one.subscribe[lane] === other.subscribe[lane],
  );
}
