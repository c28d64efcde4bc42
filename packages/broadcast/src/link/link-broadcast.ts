/** The broadcast interface over links to nodes. */
import { ImError } from '@im/protocol';
import type { Broadcast, Publisher, Subscriber, SubscriberHandlers } from '../broadcast.js';
import type { LocalSubscriber } from '../memory/subscriber-table.js';
import { checkGroup } from '../publication-checks.js';
import { LinkPublisher, type LinkPublisherOptions } from './link-publisher.js';
import type { NodeLinks } from './node-links.js';

export interface NodeBroadcast extends Broadcast {
  /** Resolves when a broadcast node is in reach. @throws ImError UNAVAILABLE (retryable) when none is in time */
  ready(timeoutMs: number): Promise<void>;
  readonly nodesInReach: number;
  /** Told whenever their number has changed. */
  onReach(listener: (nodes: number) => void): void;
}

export class LinkBroadcast implements NodeBroadcast {
  readonly #links: NodeLinks;
  readonly #options: LinkPublisherOptions;
  readonly #publishers = new Set<LinkPublisher>();
  #closing: Promise<void> | undefined;

  constructor(links: NodeLinks, options: LinkPublisherOptions) {
    this.#links = links;
    this.#options = options;
  }

  ready(timeoutMs: number): Promise<void> {
    return this.#links.ready(timeoutMs);
  }

  get nodesInReach(): number {
    return this.#links.nodesInReach;
  }

  onReach(listener: (nodes: number) => void): void {
    this.#links.onReach(listener);
  }

  createPublisher(): Publisher {
    if (this.#closing) throw new ImError('CLOSED');
    const publisher = new LinkPublisher(this.#links, this.#options, () => this.#publishers.delete(publisher));
    this.#publishers.add(publisher);
    return publisher;
  }

  createSubscriber(handlers: SubscriberHandlers): Subscriber {
    if (this.#closing) throw new ImError('CLOSED');
    return new LinkSubscriber(this.#links, handlers, () => this.#closing !== undefined);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#publishers].map((publisher) => publisher.close()));
    this.#links.close();
  }
}

class LinkSubscriber implements Subscriber, LocalSubscriber {
  readonly handlers: SubscriberHandlers;
  readonly #links: NodeLinks;
  readonly #groups = new Set<string>();
  readonly #isEngineClosed: () => boolean;
  #closed = false;

  constructor(links: NodeLinks, handlers: SubscriberHandlers, isEngineClosed: () => boolean) {
    this.#links = links;
    this.handlers = handlers;
    this.#isEngineClosed = isEngineClosed;
    links.addSubscriber(this);
  }

  subscribe(group: string): void {
    if (this.#closed || this.#isEngineClosed()) throw new ImError('CLOSED');
    checkGroup(group);
    this.#groups.add(group);
    this.#links.subscribe(group, this);
  }

  unsubscribe(group: string): void {
    if (this.#groups.delete(group)) this.#links.unsubscribe(group, this);
  }

  async settled(): Promise<void> {
    if (this.#closed || this.#isEngineClosed()) throw new ImError('CLOSED');
    await this.#links.settled();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const group of this.#groups) this.unsubscribe(group);
    this.#links.removeSubscriber(this);
  }
}
