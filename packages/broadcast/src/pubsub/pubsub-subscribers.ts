/**
 * The subscribing half of an engine on a pub/sub server: who of this process wants which group, pub/sub messages read once for
 * all of them, losses found and told. Must not know links.
 */
import { ImError, type Lane, parseTopic, topicOf } from '@im/protocol';
import type { Clock, Logger } from '@im/protocol/ports';
import type { Subscriber, SubscriberHandlers } from '../broadcast.js';
import { type LocalSubscriber, SubscriberTable } from '../memory/subscriber-table.js';
import { checkGroup } from '../publication-checks.js';
import { type PubSubMessageHandler, readPubSubMessage } from '../wire/delivery-codec.js';
import { Inbox } from './inbox.js';
import { LossBook } from './loss-book.js';
import type { PubSubFigures } from './pubsub-figures.js';

export interface PubSubSubscribersOptions {
  readonly channelOf: (topic: string) => string;
  /** The topic of a channel, or undefined for others' channels. */
  readonly topicOfChannel: (channel: string) => string | undefined;
  readonly defer: (run: () => void) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly figures: PubSubFigures;
}

/** From one line about foreign bytes to the next. */
const QUIET_MS = 60_000;

export class PubSubSubscribers {
  readonly #options: PubSubSubscribersOptions;
  readonly #table: SubscriberTable;
  readonly #subscribers = new Set<PubSubSubscriber>();
  readonly #losses = new LossBook();
  readonly inboxes: Readonly<Record<Lane, Inbox>>;
  #complainedAt = -Infinity;
  /** Of the message that is read. */
  #group = '';
  readonly #reading: PubSubMessageHandler = {
    onRun: (run) => {
      const missing = this.#losses.note(this.#group, run);
      if (missing === 0) return;
      this.#options.figures.lossesSeen.add(missing);
      this.#table.tellLoss(this.#group, missing);
    },
    onDelivery: (delivery) => this.#options.figures.delivered.add(this.#table.deliver(delivery)),
    onHead: (position) => this.#table.tellHead(this.#group, position),
  };

  constructor(options: PubSubSubscribersOptions) {
    const { defer, logger, figures } = options;
    this.#options = options;
    this.#table = new SubscriberTable(logger, figures.handlerErrors);
    const inbox = (onRestored: () => void) =>
      new Inbox({
        defer,
        onRestored,
        onRefused: (error) =>
          logger.error('the message bus refused to subscribe; nothing comes of these groups', { error }),
      });
    this.inboxes = {
      normal: inbox(() => this.#normalRestored()),
      priority: inbox(() => {
        this.#table.beginPass();
        this.#table.tellRestored(this.#subscribers);
      }),
    };
  }

  /** Groups with subscribers. */
  get groups(): number {
    return this.#table.size;
  }

  create(handlers: SubscriberHandlers, isEngineClosed: () => boolean): Subscriber {
    const subscriber = new PubSubSubscriber(this, handlers, isEngineClosed);
    this.#subscribers.add(subscriber);
    return subscriber;
  }

  add(group: string, subscriber: PubSubSubscriber): void {
    if (!this.#table.has(group)) this.#eachChannel(group, (inbox, channel) => inbox.add(channel));
    this.#table.add(group, subscriber);
  }

  remove(group: string, subscriber: PubSubSubscriber): void {
    this.#table.remove(group, subscriber);
    if (this.#table.has(group)) return;
    this.#losses.forget(group);
    this.#eachChannel(group, (inbox, channel) => inbox.remove(channel));
  }

  forget(subscriber: PubSubSubscriber): void {
    this.#subscribers.delete(subscriber);
  }

  async settled(): Promise<void> {
    await Promise.all([this.inboxes.normal.settled(), this.inboxes.priority.settled()]);
  }

  /** A pub/sub message came in. */
  receive(channel: string, bytes: Buffer): void {
    const topic = this.#options.topicOfChannel(channel);
    if (topic === undefined) return;
    try {
      this.#group = parseTopic(topic).group;
      if (!this.#table.has(this.#group)) return;
      this.#table.beginPass();
      readPubSubMessage(bytes, this.#group, this.#reading);
    } catch (error) {
      this.#complain(channel, error);
    }
  }

  close(error: ImError): void {
    for (const inbox of Object.values(this.inboxes)) inbox.close(error);
    this.#table.clear();
    this.#subscribers.clear();
  }

  /** What the interruption hid nobody knows. */
  #normalRestored(): void {
    this.#losses.clear();
    this.#table.beginPass();
    this.#table.tellLossToAll();
  }

  #eachChannel(group: string, act: (inbox: Inbox, channel: string) => void): void {
    const { channelOf } = this.#options;
    act(this.inboxes.normal, channelOf(topicOf(group, 'normal')));
    act(this.inboxes.priority, channelOf(topicOf(group, 'priority')));
  }

  #complain(channel: string, error: unknown): void {
    const { clock, figures, logger } = this.#options;
    figures.malformed.add();
    const now = clock.monotonic();
    if (now - this.#complainedAt < QUIET_MS) return;
    this.#complainedAt = now;
    logger.warn('foreign bytes on the message bus; they are passed over', { channel, error });
  }
}

class PubSubSubscriber implements Subscriber, LocalSubscriber {
  readonly handlers: SubscriberHandlers;
  readonly #owner: PubSubSubscribers;
  readonly #groups = new Set<string>();
  readonly #isEngineClosed: () => boolean;
  #closed = false;

  constructor(owner: PubSubSubscribers, handlers: SubscriberHandlers, isEngineClosed: () => boolean) {
    this.#owner = owner;
    this.handlers = handlers;
    this.#isEngineClosed = isEngineClosed;
  }

  subscribe(group: string): void {
    this.#checkOpen();
    checkGroup(group);
    if (this.#groups.has(group)) return;
    this.#groups.add(group);
    this.#owner.add(group, this);
  }

  unsubscribe(group: string): void {
    if (this.#groups.delete(group)) this.#owner.remove(group, this);
  }

  async settled(): Promise<void> {
    this.#checkOpen();
    await this.#owner.settled();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const group of this.#groups) this.unsubscribe(group);
    this.#owner.forget(this);
  }

  #checkOpen(): void {
    if (this.#closed || this.#isEngineClosed()) throw new ImError('CLOSED');
  }
}
