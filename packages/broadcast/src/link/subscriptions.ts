/**
 * What this process has subscribed at all nodes: who wants each group here, and how far each node has come with its
 * normal lane. Must not know sockets.
 */
import type { Delivery } from '@im/protocol';
import type { Clock, Counter, Logger } from '@im/protocol/ports';
import type { SubscriberHandlers } from '../broadcast.js';
import type { LocalSubscriber } from '../memory/subscriber-table.js';
import { NameTable } from '../wire/name-table.js';

export interface Subscription {
  readonly group: string;
  readonly subscribers: LocalSubscriber[];
  /** Normal messages so far, by slot of the link; undefined: nothing is known there. */
  readonly positions: (number | undefined)[];
}

export interface SubscriptionsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly errors: Counter;
  /** At all nodes. */
  readonly subscribe: (group: string) => void;
  readonly unsubscribe: (group: string) => void;
}

/** Groups that nobody here wants any more stay subscribed for so long: people come back. */
const GRACE_MS = 5_000;
const COMPLAIN_EVERY_MS = 1_000;

export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #byGroup = new NameTable<Subscription>();
  /** Until when groups that nobody wants stay subscribed. */
  readonly #lingering = new Map<string, number>();
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

  add(group: string, subscriber: LocalSubscriber): void {
    this.#lingering.delete(group);
    const known = this.#byGroup.get(group);
    if (known !== undefined) {
      if (!known.subscribers.includes(subscriber)) known.subscribers.push(subscriber);
      return;
    }
    this.#byGroup.set(group, { group, subscribers: [subscriber], positions: [] });
    this.#options.subscribe(group);
  }

  remove(group: string, subscriber: LocalSubscriber): void {
    const known = this.#byGroup.get(group);
    const at = known?.subscribers.indexOf(subscriber) ?? -1;
    if (known === undefined || at < 0) return;
    known.subscribers.splice(at, 1);
    if (known.subscribers.length === 0) this.#lingering.set(group, this.#options.clock.monotonic() + GRACE_MS);
  }

  /** Withdraws what nobody has wanted for a while. */
  endLingering(now: number): void {
    for (const [group, until] of this.#lingering) {
      if (until > now) return;
      this.#lingering.delete(group);
      this.#byGroup.delete(group);
      this.#options.unsubscribe(group);
    }
  }

  deliver({ subscribers }: Subscription, delivery: Delivery): void {
    for (let i = 0; i < subscribers.length; i++) {
      try {
        (subscribers[i] as LocalSubscriber).handlers.onDelivery(delivery);
      } catch (error) {
        this.#complain(error);
      }
    }
  }

  /** Calls something else of all who want a group. */
  tell({ subscribers }: Subscription, call: (handlers: SubscriberHandlers) => void): void {
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

  #complain(error: unknown): void {
    this.#options.errors.add();
    const now = this.#options.clock.monotonic();
    if (now - this.#complainedAt < COMPLAIN_EVERY_MS) return;
    this.#complainedAt = now;
    this.#options.logger.error('a subscriber failed; the others go on', { error });
  }
}
