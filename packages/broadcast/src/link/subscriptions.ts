/** What this process has subscribed at all nodes, and who wants each group here. Must not know sockets. */
import type { Delivery } from '@im/protocol';
import type { Clock, Counter, Logger } from '@im/protocol/ports';
import type { SubscriberHandlers } from '../broadcast.js';
import type { LocalSubscriber } from '../memory/subscriber-table.js';
import { type NameBatch, NameTable } from '../wire/name-table.js';
import { Subscription } from './subscription.js';

export interface SubscriptionsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly errors: Counter;
  /** At all nodes. */
  readonly subscribe: (group: string) => void;
  readonly unsubscribe: (subscription: Subscription) => void;
}

/** Groups that nobody here wants any more stay subscribed for so long: people come back. */
const GRACE_MS = 5_000;
const COMPLAIN_EVERY_MS = 1_000;

export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #byGroup = new NameTable<Subscription>();
  /** Until when groups that nobody wants stay subscribed. */
  readonly #lingering = new Map<string, number>();
  /** Those of withdrawn subscriptions. */
  readonly #freeIndices: number[] = [];
  #indices = 0;
  #complainedAt = -COMPLAIN_EVERY_MS;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byGroup.size;
  }

  *groups(): Generator<string> {
    for (const { group } of this.#byGroup.values()) yield group;
  }

  all(): Iterable<Subscription> {
    return this.#byGroup.values();
  }

  find(bytes: Uint8Array, at: number, length: number): Subscription | undefined {
    return this.#byGroup.find(bytes, at, length);
  }

  findBatch(bytes: Uint8Array, batch: NameBatch<Subscription>): void {
    this.#byGroup.findBatch(bytes, batch);
  }

  add(group: string, subscriber: LocalSubscriber): void {
    this.#lingering.delete(group);
    const known = this.#byGroup.get(group);
    if (known !== undefined) {
      known.add(subscriber);
      return;
    }
    this.#byGroup.set(new Subscription(group, this.#freeIndices.pop() ?? this.#indices++, subscriber));
    this.#options.subscribe(group);
  }

  remove(group: string, subscriber: LocalSubscriber): void {
    const known = this.#byGroup.get(group);
    if (known === undefined || !known.remove(subscriber)) return;
    if (known.first === undefined) this.#lingering.set(group, this.#options.clock.monotonic() + GRACE_MS);
  }

  /** Withdraws what nobody has wanted for a while. */
  endLingering(now: number): void {
    for (const [group, until] of this.#lingering) {
      if (until > now) return;
      this.#lingering.delete(group);
      const subscription = this.#byGroup.get(group);
      if (subscription === undefined) continue;
      this.#byGroup.delete(group);
      this.#options.unsubscribe(subscription);
      this.#freeIndices.push(subscription.index);
    }
  }

  deliver({ first, others }: Subscription, delivery: Delivery): void {
    if (first !== undefined) this.#deliverTo(first, delivery);
    for (let i = 0; i < others.length; i++) this.#deliverTo(others[i] as LocalSubscriber, delivery);
  }

  /** Calls something else of all who want a group. */
  tell({ first, others }: Subscription, call: (handlers: SubscriberHandlers) => void): void {
    if (first !== undefined) this.tellAll([first, ...others], call);
  }

  /** Calls something of each. */
  tellAll(subscribers: Iterable<LocalSubscriber>, call: (handlers: SubscriberHandlers) => void): void {
    for (const { handlers } of subscribers) {
      try {
        call(handlers);
      } catch (error) {
        this.#complain(error);
      }
    }
  }

  clear(): void {
    this.#byGroup.clear();
    this.#lingering.clear();
  }

  #deliverTo({ handlers }: LocalSubscriber, delivery: Delivery): void {
    try {
      handlers.onDelivery(delivery);
    } catch (error) {
      this.#complain(error);
    }
  }

  #complain(error: unknown): void {
    this.#options.errors.add();
    const now = this.#options.clock.monotonic();
    if (now - this.#complainedAt < COMPLAIN_EVERY_MS) return;
    this.#complainedAt = now;
    this.#options.logger.error('a subscriber failed; the others go on', { error });
  }
}
