/**
 * The broadcast interface that every engine implements (memory, ZeroMQ, Redis, NATS) and `./testing` proves.
 * Owns publish and subscribe by group and lane. Must not know connections or business.
 */
import type { Delivery, Position, Publication } from '@im/protocol';

/**
 * none: taken into the publisher's bounded buffer. accepted: a broadcast node has it; priority messages are versioned.
 * durable: the group's log has it as safely as its store promises; the same as accepted on the normal lane, which has none.
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
   * @throws ImError QUEUE_FULL (retryable: nothing was taken), GROUP_INVALID, BODY_TOO_LARGE, INVALID_ARGUMENT
   * (details.field), STORE_UNAVAILABLE, STORE_FULL, CLOSED
   */
  publish(group: string, publication: Publication, options?: PublishOptions): Promise<Published>;
  /**
   * Publishes one body to many groups; the body travels and is stored once where the engine can. All groups are
   * tried; settles when all are. Repeating it with the same message id completes a partial one. A group named twice
   * counts once.
   * @throws ImError for what no group could take: BODY_TOO_LARGE, INVALID_ARGUMENT, CLOSED
   */
  publishMany(groups: readonly string[], publication: Publication, options?: PublishOptions): Promise<PublishedMany>;
  /** Settles when everything taken before has been answered. */
  close(): Promise<void>;
}

export interface PublishedMany {
  readonly published: readonly Published[];
  /** By group, for those that failed. */
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
  /** Both lanes of a group. Idempotent. @throws ImError GROUP_INVALID, CLOSED */
  subscribe(group: string): void;
  unsubscribe(group: string): void;
  /** Resolves when every earlier subscribe is in force at every node: from then on positions may be compared. */
  settled(): Promise<void>;
  /** No handler is called afterwards. */
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
 * The port through which a broadcast node gives priority messages their version. It asks for nothing that a `LogStore`
 * of @im/timeline does not have: apps hand one over as it is.
 */
export interface Sequencer {
  /**
   * Versions are given in the order of the calls, of both kinds.
   * @throws ImError STORE_UNAVAILABLE, STORE_FULL, QUEUE_FULL, BODY_TOO_LARGE
   */
  append(group: string, publication: Publication): Promise<Sequenced>;
  /** All groups are tried. @throws ImError for what no group could take */
  appendMany(groups: readonly string[], publication: Publication): Promise<ReadonlyMap<string, Sequenced | Error>>;
}
