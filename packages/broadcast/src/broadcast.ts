/**
 * The broadcast interface that every engine implements (memory, ZeroMQ, Redis, NATS) and `./testing` proves.
 * Owns publish and subscribe by group and lane. Must not know connections or business.
 */
import type { Delivery, Position, Publication } from '@im/protocol';

/**
 * none: taken into the publisher's bounded buffer. accepted: a broadcast node has it; priority messages are versioned.
 * durable: the group's log has it as safely as its store promises.
 */
export type Acknowledgement = 'none' | 'accepted' | 'durable';

export interface PublishOptions {
  /** Default: accepted. */
  readonly acknowledge?: Acknowledgement;
}

export interface Published {
  readonly group: string;
  /** Both on the priority lane when acknowledged. */
  readonly epoch?: string;
  readonly version?: number;
  /** The message id was known: nothing was sent again, the version is the first one's. */
  readonly duplicate?: boolean;
}

export interface Publisher {
  /**
   * Publishes to one group. Messages of one publisher to one group and lane go out in the order of these calls.
   * @throws ImError QUEUE_FULL (retryable: nothing was taken), GROUP_INVALID, BODY_TOO_LARGE, STORE_UNAVAILABLE, CLOSED
   */
  publish(group: string, publication: Publication, options?: PublishOptions): Promise<Published>;
  /**
   * Publishes one body to many groups; the body travels and is stored once where the engine can. All groups are
   * tried; settles when all are. Repeating it with the same message id completes a partial one.
   */
  publishMany(groups: readonly string[], publication: Publication, options?: PublishOptions): Promise<PublishedMany>;
  close(): Promise<void>;
}

export interface PublishedMany {
  readonly published: readonly Published[];
  /** Error bodies by group, for those that failed. */
  readonly failed: ReadonlyMap<string, Error>;
}

export interface SubscriberHandlers {
  /** One shared object for all local members; the body must not be changed. Called in order per group and lane. */
  onDelivery(delivery: Delivery): void;
  /** The log of an active group stands here: a receiver below it has missed the tail. */
  onHead?(group: string, position: Position): void;
  /** Normal messages of the group were lost on the way; count undefined: unknown how many. */
  onLoss?(group: string, count: number | undefined): void;
  /** Subscriptions were interrupted and are in force again: compare positions of all groups. */
  onRestored?(): void;
}

export interface Subscriber {
  /** Both lanes of a group. Idempotent. */
  subscribe(group: string): void;
  unsubscribe(group: string): void;
  /** Resolves when every earlier subscribe is in force at every node: from then on positions may be compared. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** One engine, composed by the app. */
export interface Broadcast {
  createPublisher(): Publisher;
  createSubscriber(handlers: SubscriberHandlers): Subscriber;
  /** Closes what it created. */
  close(): Promise<void>;
}

export interface Sequenced {
  readonly epoch: string;
  readonly version: number;
  readonly duplicate: boolean;
}

/**
 * The port through which a broadcast node gives priority messages their version; apps fill it with a @im/timeline store.
 * Calls for one group settle in the order they were made.
 */
export interface Sequencer {
  /** @throws ImError STORE_UNAVAILABLE, STORE_FULL, BODY_TOO_LARGE */
  append(group: string, publication: Publication): Promise<Sequenced>;
}
