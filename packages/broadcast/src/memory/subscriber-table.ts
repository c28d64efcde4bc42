/**
 * Who subscribed what, and calling them: in one pass, each kept apart from the failures of the others. Must not know
 * queues.
 */
import type { Delivery, Position, Publication } from '@im/protocol';
import type { Counter, Logger } from '@im/protocol/ports';
import type { SubscriberHandlers } from '../broadcast.js';

/** Compared by identity, so that two may share their handlers. */
export interface LocalSubscriber {
  readonly handlers: SubscriberHandlers;
}

export class SubscriberTable {
  readonly #logger: Logger;
  readonly #errors: Counter;
  /** Most groups have one subscriber in a process. */
  readonly #byGroup = new Map<string, readonly LocalSubscriber[]>();
  /** Those whose failure has been logged since the last {@link beginPass}. */
  readonly #complained = new Set<LocalSubscriber>();

  constructor(logger: Logger, errors: Counter) {
    this.#logger = logger;
    this.#errors = errors;
  }

  /** Groups with subscribers. */
  get size(): number {
    return this.#byGroup.size;
  }

  has(group: string): boolean {
    return this.#byGroup.has(group);
  }

  add(group: string, subscriber: LocalSubscriber): void {
    const subscribers = this.#byGroup.get(group);
    if (subscribers === undefined) this.#byGroup.set(group, [subscriber]);
    else if (!subscribers.includes(subscriber)) this.#byGroup.set(group, subscribers.concat(subscriber));
  }

  remove(group: string, subscriber: LocalSubscriber): void {
    const others = this.#byGroup.get(group)?.filter((each) => each !== subscriber) ?? [];
    if (others.length > 0) this.#byGroup.set(group, others);
    else this.#byGroup.delete(group);
  }

  clear(): void {
    this.#byGroup.clear();
  }

  /** A broken subscriber costs the log one line a pass. */
  beginPass(): void {
    this.#complained.clear();
  }

  /** Something was published here. Returns how many got it. */
  pass(group: string, publication: Publication, position: Position | undefined): number {
    return this.has(group) ? this.deliver(deliveryOf(group, publication, position)) : 0;
  }

  /** Returns how many got it. */
  deliver(delivery: Delivery): number {
    const subscribers = this.#byGroup.get(delivery.group);
    if (subscribers === undefined) return 0;
    for (const subscriber of subscribers) {
      if (!this.#has(delivery.group, subscriber, subscribers)) continue;
      try {
        subscriber.handlers.onDelivery(delivery);
      } catch (error) {
        this.#complain(subscriber, error);
      }
    }
    return subscribers.length;
  }

  /** @param count undefined: unknown how many */
  tellLoss(group: string, count: number | undefined): void {
    this.#tell(group, ({ handlers }) => handlers.onLoss?.(group, count));
  }

  /** Every group may have lost messages, nobody knows how many. */
  tellLossToAll(): void {
    for (const group of [...this.#byGroup.keys()]) this.tellLoss(group, undefined);
  }

  tellRestored(subscribers: Iterable<LocalSubscriber>): void {
    for (const subscriber of [...subscribers]) this.#call(subscriber, ({ handlers }) => handlers.onRestored?.());
  }

  tellHead(group: string, position: Position): void {
    this.#tell(group, ({ handlers }) => handlers.onHead?.(group, position));
  }

  #tell(group: string, call: (subscriber: LocalSubscriber) => void): void {
    const subscribers = this.#byGroup.get(group) ?? [];
    for (const subscriber of subscribers) {
      if (this.#has(group, subscriber, subscribers)) this.#call(subscriber, call);
    }
  }

  /** Whether one of them still is a subscriber: who was called before it may have changed that. */
  #has(group: string, subscriber: LocalSubscriber, among: readonly LocalSubscriber[]): boolean {
    const subscribers = this.#byGroup.get(group);
    return subscribers === among || (subscribers?.includes(subscriber) ?? false);
  }

  #call(subscriber: LocalSubscriber, call: (subscriber: LocalSubscriber) => void): void {
    try {
      call(subscriber);
    } catch (error) {
      this.#complain(subscriber, error);
    }
  }

  #complain(subscriber: LocalSubscriber, error: unknown): void {
    this.#errors.add();
    if (this.#complained.has(subscriber)) return;
    this.#complained.add(subscriber);
    this.#logger.error('a subscriber failed; the others go on', { error });
  }
}

function deliveryOf(group: string, publication: Publication, position: Position | undefined): Delivery {
  const { lane, event, body, id, time, terms } = publication;
  return {
    lane,
    event,
    body,
    ...(id !== undefined && { id }),
    time,
    ...(terms !== undefined && { terms }),
    group,
    ...(position !== undefined && { epoch: position.epoch, version: position.version }),
  };
}
