/**
 * An engine on a pub/sub server that others run (Redis, NATS): publishers append to the log and publish on the channel of
 * the group and lane, subscribers subscribe it; there are no broadcast nodes. Composes; must not know which server it is.
 */
import { randomInt } from 'node:crypto';
import { ImError, type Lane } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Logger, type Metrics, noMetrics, type Random, silentLogger } from '@im/protocol/ports';
import type { Broadcast, Publisher, Sequencer, Subscriber, SubscriberHandlers } from '../broadcast.js';
import { Outbox } from './outbox.js';
import { PubSubFigures } from './pubsub-figures.js';
import type { LinkRole, OpenPubSubLink } from './pubsub-link.js';
import { PubSubNode } from './pubsub-node.js';
import { PubSubPublisher } from './pubsub-publisher.js';
import { PubSubSubscribers } from './pubsub-subscribers.js';
import { StandingLink } from './standing-link.js';

export interface PubSubBroadcastOptions {
  /** Gives priority messages their version; one that all publishing processes share. */
  readonly sequencer: Sequencer;
  /**
   * Normal messages that wait; beyond, publishers who ask for an answer get QUEUE_FULL, messages of the others are
   * dropped and subscribers told (`onLoss`). Default 10,000.
   */
  readonly maxNormalMessages?: number;
  /** Priority messages from publishing until the server has them; beyond, publishers get QUEUE_FULL. Default 100,000. */
  readonly maxPriorityMessages?: number;
  /** Of the waiting bodies, for each lane, with the same consequences. Default 64 MiB. */
  readonly maxLaneBytes?: number;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

/** What an engine adds. */
export interface PubSubServer {
  /** For people: `Redis at 127.0.0.1:6379`. */
  readonly name: string;
  readonly open: OpenPubSubLink;
  readonly channelOf: (topic: string) => string;
  readonly topicOfChannel: (channel: string) => string | undefined;
}

/**
 * Settles when all connections stand.
 * @throws ImError UNAVAILABLE, CONFIG_INVALID with one line that says where and why
 */
export async function openPubSubBroadcast(server: PubSubServer, options: PubSubBroadcastOptions): Promise<Broadcast> {
  const broadcast = new PubSubBroadcast(server, options);
  await broadcast.start();
  return broadcast;
}

const LINKS: readonly LinkRole[] = ['normal', 'priority', 'publish'];

class PubSubBroadcast implements Broadcast {
  readonly #logger: Logger;
  readonly #name: string;
  readonly #figures: PubSubFigures;
  readonly #outbox: Outbox;
  readonly #node: PubSubNode;
  readonly #subscribers: PubSubSubscribers;
  readonly #links: readonly StandingLink[];
  readonly #publishers = new Set<PubSubPublisher>();
  #isStarted = false;
  #isAway = false;
  #closing: Promise<void> | undefined;

  constructor(server: PubSubServer, options: PubSubBroadcastOptions) {
    const { channelOf, topicOfChannel } = server;
    const { clock = systemClock, logger = silentLogger, maxLaneBytes = 67_108_864 } = options;
    const figures = new PubSubFigures(options.metrics ?? noMetrics);
    this.#logger = logger;
    this.#name = server.name;
    this.#figures = figures;
    this.#outbox = new Outbox({
      sender: randomInt(2 ** 47),
      channelOf,
      defer: setImmediate,
      figures,
      maxNormalMessages: options.maxNormalMessages ?? 10_000,
      maxNormalBytes: maxLaneBytes,
    });
    this.#node = new PubSubNode({
      sequencer: options.sequencer,
      outbox: this.#outbox,
      clock,
      figures,
      maxPriorityMessages: options.maxPriorityMessages ?? 100_000,
      maxPriorityBytes: maxLaneBytes,
    });
    this.#subscribers = new PubSubSubscribers({
      channelOf,
      topicOfChannel,
      defer: setImmediate,
      clock,
      logger,
      figures,
    });
    this.#links = LINKS.map((role) => this.#standing(server, role, clock, options.random ?? Math.random));
    figures.observe({
      groups: () => this.#subscribers.groups,
      normalMessages: () => this.#outbox.normalMessages,
      priorityMessages: () => this.#node.priorityMessages,
      bytes: () => this.#outbox.normalBytes + this.#node.priorityBytes,
      heads: () => this.#node.heads,
    });
  }

  async start(): Promise<void> {
    const started = await Promise.allSettled(this.#links.map((link) => link.start()));
    const failure = started.find((each) => each.status === 'rejected');
    this.#isStarted = failure === undefined;
    if (failure === undefined) return;
    await this.#closeLinks();
    throw ImError.wrap(failure.reason);
  }

  createPublisher(): Publisher {
    if (this.#closing) throw new ImError('CLOSED');
    const publisher = new PubSubPublisher(this.#node, () => this.#publishers.delete(publisher));
    this.#publishers.add(publisher);
    return publisher;
  }

  createSubscriber(handlers: SubscriberHandlers): Subscriber {
    if (this.#closing) throw new ImError('CLOSED');
    return this.#subscribers.create(handlers, () => this.#closing !== undefined);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#publishers].map((publisher) => publisher.close()));
    this.#node.close();
    await this.#outbox.drained();
    this.#subscribers.close(new ImError('CLOSED'));
    await this.#closeLinks();
  }

  #standing(server: PubSubServer, role: LinkRole, clock: Clock, random: Random): StandingLink {
    const user = role === 'publish' ? this.#outbox : this.#subscribers.inboxes[role satisfies Lane];
    return new StandingLink({
      open: () => server.open(role, (channel, bytes) => this.#subscribers.receive(channel, bytes)),
      clock,
      random,
      onUp: (link) => {
        user.up(link);
        this.#tellState();
      },
      onDown: (cause) => {
        user.down();
        this.#figures.interruptions.add();
        this.#tellState(cause);
      },
      onFailure: (cause) => this.#logger.debug('the message bus is still away', { bus: this.#name, cause }),
    });
  }

  /** One line when it goes away, one when it is back, whatever the number of connections. */
  #tellState(cause?: unknown): void {
    const isAway = this.#links.some(({ link }) => link === undefined);
    if (isAway === this.#isAway || !this.#isStarted || this.#closing) return;
    this.#isAway = isAway;
    if (isAway) this.#logger.warn('the message bus is away; trying again', { bus: this.#name, cause });
    else this.#logger.info('the message bus is back', { bus: this.#name });
  }

  async #closeLinks(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close()));
  }
}
