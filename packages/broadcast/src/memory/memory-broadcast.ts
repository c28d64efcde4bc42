/** The memory engine: publishers and subscribers of one process around one broadcast node. */
import { ImError, type Publication } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Logger, type Metrics, noMetrics, silentLogger } from '@im/protocol/ports';
import type {
  Broadcast,
  Published,
  PublishedMany,
  Publisher,
  PublishOptions,
  Sequencer,
  Subscriber,
  SubscriberHandlers,
} from '../broadcast.js';
import { OpenAnswers } from '../open-answers.js';
import { checkGroup, checkGroups, checkPublication } from '../publication-checks.js';
import { publishedAs, publishedOf } from '../published.js';
import { LocalNode } from './local-node.js';
import { NodeFigures } from './node-figures.js';
import { type LocalSubscriber, SubscriberTable } from './subscriber-table.js';

export interface MemoryBroadcastOptions {
  readonly sequencer: Sequencer;
  /** Normal messages that wait; beyond, new ones are dropped and subscribers told (`onLoss`). Default 10,000. */
  readonly maxNormalMessages?: number;
  /** Priority messages from publishing to delivery; beyond, publishers get QUEUE_FULL. Default 100,000. */
  readonly maxPriorityMessages?: number;
  /** Of the waiting bodies, for each lane, with the same consequences. Default 64 MiB. */
  readonly maxLaneBytes?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

export function createMemoryBroadcast(options: MemoryBroadcastOptions): Broadcast {
  return new MemoryBroadcast(options);
}

class MemoryBroadcast implements Broadcast {
  readonly #subscribers: SubscriberTable;
  readonly #node: LocalNode;
  readonly #publishers = new Set<MemoryPublisher>();
  #closing: Promise<void> | undefined;

  constructor(options: MemoryBroadcastOptions) {
    const figures = new NodeFigures(options.metrics ?? noMetrics);
    this.#subscribers = new SubscriberTable(options.logger ?? silentLogger, figures.handlerErrors);
    this.#node = new LocalNode({
      sequencer: options.sequencer,
      outlet: this.#subscribers,
      clock: options.clock ?? systemClock,
      figures,
      maxNormalMessages: options.maxNormalMessages ?? 10_000,
      maxPriorityMessages: options.maxPriorityMessages ?? 100_000,
      maxLaneBytes: options.maxLaneBytes ?? 67_108_864,
    });
  }

  createPublisher(): Publisher {
    if (this.#closing) throw new ImError('CLOSED');
    const publisher = new MemoryPublisher(this.#node, () => this.#publishers.delete(publisher));
    this.#publishers.add(publisher);
    return publisher;
  }

  createSubscriber(handlers: SubscriberHandlers): Subscriber {
    if (this.#closing) throw new ImError('CLOSED');
    return new MemorySubscriber(this.#subscribers, handlers, () => this.#closing !== undefined);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#publishers].map((publisher) => publisher.close()));
    await this.#node.drained();
    this.#node.close();
  }
}

class MemoryPublisher implements Publisher {
  readonly #node: LocalNode;
  readonly #onClosed: () => void;
  /** Of the priority lane. */
  readonly #answers = new OpenAnswers();
  #closing: Promise<void> | undefined;

  constructor(node: LocalNode, onClosed: () => void) {
    this.#node = node;
    this.#onClosed = onClosed;
  }

  async publish(group: string, publication: Publication, options: PublishOptions = {}): Promise<Published> {
    this.#check(publication);
    checkGroup(group);
    if (publication.lane === 'normal') {
      this.#node.publishNormal(group, publication);
      if (options.acknowledge !== 'none') await this.#node.turn();
      return { group };
    }
    const sequenced = this.#answers.track(this.#node.publishPriority(group, publication));
    if (options.acknowledge === 'none') {
      // Nobody waits for the answer; the node's figures count a failure.
      sequenced.catch(() => {});
      return { group };
    }
    const published = publishedAs(group, await sequenced);
    await this.#node.turn();
    return published;
  }

  async publishMany(
    groups: readonly string[],
    publication: Publication,
    options: PublishOptions = {},
  ): Promise<PublishedMany> {
    this.#check(publication);
    const { valid, failed } = checkGroups(groups);
    if (publication.lane === 'normal') {
      for (const group of valid) this.#node.publishNormal(group, publication);
      if (options.acknowledge !== 'none') await this.#node.turn();
      return { published: valid.map((group) => ({ group })), failed };
    }
    const { refused, outcomes } = this.#node.publishPriorityToMany(valid, publication);
    for (const [group, error] of refused) failed.set(group, error);
    const sequenced = this.#answers.track(outcomes);
    if (options.acknowledge === 'none') {
      return { published: valid.filter((group) => !refused.has(group)).map((group) => ({ group })), failed };
    }
    const published = publishedOf(await sequenced, failed);
    await this.#node.turn();
    return { published, failed };
  }

  close(): Promise<void> {
    this.#closing ??= this.#answers.settled().then(this.#onClosed);
    return this.#closing;
  }

  #check(publication: Publication): void {
    if (this.#closing) throw new ImError('CLOSED');
    checkPublication(publication);
  }
}

class MemorySubscriber implements Subscriber, LocalSubscriber {
  readonly handlers: SubscriberHandlers;
  readonly #table: SubscriberTable;
  readonly #groups = new Set<string>();
  readonly #isEngineClosed: () => boolean;
  #closed = false;

  constructor(table: SubscriberTable, handlers: SubscriberHandlers, isEngineClosed: () => boolean) {
    this.#table = table;
    this.handlers = handlers;
    this.#isEngineClosed = isEngineClosed;
  }

  subscribe(group: string): void {
    if (this.#closed || this.#isEngineClosed()) throw new ImError('CLOSED');
    checkGroup(group);
    this.#groups.add(group);
    this.#table.add(group, this);
  }

  unsubscribe(group: string): void {
    if (this.#groups.delete(group)) this.#table.remove(group, this);
  }

  async settled(): Promise<void> {
    if (this.#closed || this.#isEngineClosed()) throw new ImError('CLOSED');
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const group of this.#groups) this.unsubscribe(group);
  }
}
