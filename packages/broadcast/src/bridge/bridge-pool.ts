/**
 * Several bridges to one cell as one broadcast: each group comes over one of them, so that nothing comes twice, and over
 * another as soon as that is out of reach. Must not know sockets, nor other cells.
 */
import type { Delivery } from '@im/protocol';
import type { Broadcast, Publisher, Subscriber, SubscriberHandlers } from '../broadcast.js';
import type { NodeBroadcast } from '../link/link-broadcast.js';
import { rendezvousOwner } from '../rendezvous.js';

/** One bridge by itself. */
export interface Bridge {
  readonly id: string;
  readonly broadcast: NodeBroadcast;
}

export interface BridgePoolOptions {
  /** At least one. */
  readonly bridges: readonly Bridge[];
  /** Publishes over whichever is in reach. */
  readonly publishing: NodeBroadcast;
}

/** What a subscriber has with one bridge. */
interface Line {
  readonly id: string;
  readonly subscriber: Subscriber;
  readonly groups: Set<string>;
  isUp: boolean;
  /** How often something was subscribed, and how many of those are known to be in force. */
  subscribed: number;
  settled: number;
}

/** Closing it closes what it was given. */
export class BridgePool implements Broadcast {
  readonly #options: BridgePoolOptions;
  readonly #subscribers = new Set<PoolSubscriber>();

  constructor(options: BridgePoolOptions) {
    this.#options = options;
    for (const { id, broadcast } of options.bridges) {
      broadcast.onReach((nodes) => {
        for (const subscriber of this.#subscribers) subscriber.reached(id, nodes > 0);
      });
    }
  }

  /** Resolves when a bridge is in reach. @throws ImError UNAVAILABLE (retryable) when none is in time */
  async ready(timeoutMs: number): Promise<void> {
    const { bridges, publishing } = this.#options;
    const subscribing = bridges.map(({ broadcast }) => broadcast.ready(timeoutMs));
    await Promise.all([publishing.ready(timeoutMs), Promise.any(subscribing).catch(() => subscribing[0])]);
  }

  createPublisher(): Publisher {
    return this.#options.publishing.createPublisher();
  }

  createSubscriber(handlers: SubscriberHandlers): Subscriber {
    const onClosed = (): void => void this.#subscribers.delete(subscriber);
    const subscriber = new PoolSubscriber(this.#options.bridges, handlers, onClosed);
    this.#subscribers.add(subscriber);
    return subscriber;
  }

  async close(): Promise<void> {
    const { bridges, publishing } = this.#options;
    await Promise.all([publishing.close(), ...bridges.map(({ broadcast }) => broadcast.close())]);
  }
}

class PoolSubscriber implements Subscriber {
  readonly #handlers: SubscriberHandlers;
  readonly #lines: readonly Line[];
  readonly #lineOf = new Map<string, Line>();
  readonly #onClosed: () => void;
  /** Groups of which an unknown loss was told in this turn. */
  readonly #toldUnknown = new Set<string>();

  constructor(bridges: readonly Bridge[], handlers: SubscriberHandlers, onClosed: () => void) {
    this.#handlers = handlers;
    this.#onClosed = onClosed;
    this.#lines = bridges.map(({ id, broadcast }) => {
      const line: Line = {
        id,
        subscriber: broadcast.createSubscriber({
          onDelivery: (delivery) => this.#deliver(line, delivery),
          onHead: (group, position) => {
            if (this.#lineOf.get(group) === line) handlers.onHead?.(group, position);
          },
          onLoss: (group, count) => {
            if (this.#lineOf.get(group) !== line) return;
            if (count === undefined) this.#tellUnknown(group);
            else handlers.onLoss?.(group, count);
          },
          onRestored: () => {
            if (line.groups.size > 0) handlers.onRestored?.();
          },
        }),
        groups: new Set(),
        isUp: broadcast.nodesInReach > 0,
        subscribed: 0,
        settled: 0,
      };
      return line;
    });
  }

  subscribe(group: string): void {
    if (!this.#lineOf.has(group)) this.#assign(group);
  }

  unsubscribe(group: string): void {
    const line = this.#lineOf.get(group);
    this.#lineOf.delete(group);
    line?.groups.delete(group);
    line?.subscriber.unsubscribe(group);
  }

  /** What goes over bridges that are out of reach is not waited for: `onRestored` tells when it is in force. */
  async settled(): Promise<void> {
    const unsettled = this.#lines.filter(({ isUp, subscribed, settled }) => isUp && settled < subscribed);
    await Promise.all(
      unsettled.map(async (line) => {
        const { subscribed } = line;
        await line.subscriber.settled();
        if (line.isUp) line.settled = Math.max(line.settled, subscribed);
      }),
    );
  }

  async close(): Promise<void> {
    this.#onClosed();
    this.#lineOf.clear();
    await Promise.all(this.#lines.map(({ subscriber }) => subscriber.close()));
  }

  /** A bridge has come or gone. Groups stay where they are for as long as that is in reach. */
  reached(id: string, isUp: boolean): void {
    const line = this.#lines.find((one) => one.id === id);
    if (line === undefined || line.isUp === isUp) return;
    line.isUp = isUp;
    if (!this.#lines.some((one) => one.isUp)) return;
    const back = isUp ? [...line.groups] : [];
    const moved = this.#lines.filter((one) => !one.isUp).flatMap((from) => this.#leave(from));
    // Whatever was said meanwhile: nobody knows how much.
    for (const group of [...back, ...moved]) this.#tellUnknown(group);
    if (moved.length === 0) return;
    this.settled().then(
      () => this.#handlers.onRestored?.(),
      // It closes.
      () => {},
    );
  }

  /** A bridge that goes tells of the groups it had right before it is left: once a turn is enough. */
  #tellUnknown(group: string): void {
    if (this.#toldUnknown.has(group)) return;
    if (this.#toldUnknown.size === 0) queueMicrotask(() => this.#toldUnknown.clear());
    this.#toldUnknown.add(group);
    this.#handlers.onLoss?.(group, undefined);
  }

  #leave(from: Line): string[] {
    const groups = [...from.groups];
    from.groups.clear();
    for (const group of groups) {
      from.subscriber.unsubscribe(group);
      this.#assign(group);
    }
    return groups;
  }

  #assign(group: string): void {
    const ups = this.#lines.filter(({ isUp }) => isUp);
    const among = ups.length > 0 ? ups : this.#lines;
    const owner = rendezvousOwner(
      group,
      among.map(({ id }) => id),
    );
    const line = among.find(({ id }) => id === owner) as Line;
    line.subscriber.subscribe(group);
    line.subscribed++;
    line.groups.add(group);
    this.#lineOf.set(group, line);
  }

  /** What a bridge still sends that was left would come twice. */
  #deliver(line: Line, delivery: Delivery): void {
    if (this.#lineOf.get(delivery.group) === line) this.#handlers.onDelivery(delivery);
  }
}
