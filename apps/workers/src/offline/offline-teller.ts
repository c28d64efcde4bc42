/**
 * Tells of messages for people without a connected device. Whether somebody has one is looked up in a queue before those of the
 * sinks, so that those of one user stay in their order. Where it cannot be found out they are told of. Must not know conversations, nor
 * where the messages come from.
 */
import { userGroup, withProduct } from '@im/protocol';
import type { Clock, Logger, Metrics, Random } from '@im/protocol/ports';
import type { OfflineEvent, OfflineSink } from './offline-event.js';
import { OfflineQueue } from './offline-queue.js';
import type { OutboxMessage } from './outbox.js';
import type { Telling } from './outbox-teller.js';

/** Who is connected: what is needed of a user register. */
interface PresenceReader {
  /** @param userGroup as on the bus @throws ImError STORE_UNAVAILABLE */
  sessionsOf(userGroup: string): Promise<readonly unknown[]>;
}

/** What a message is to one of its receivers. */
interface Concern {
  /** Not told of: the receiver does not want it. */
  readonly muted: boolean;
  readonly unread?: number | undefined;
}

/** @param since up to which version nothing of the conversation is the user's to see */
export type ConcernOf = (message: OutboxMessage, user: string, since: number) => Promise<Concern>;

export interface OfflineTellerOptions {
  readonly users: PresenceReader;
  readonly sinks: readonly OfflineSink[];
  /** Asked for those who are not connected; where it cannot say they are told without number. */
  readonly concernOf: ConcernOf;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const NOT_MUTED: Concern = { muted: false };

/** One receiver of a message. Whoever connects while this is told is told of all the same. */
interface Receiver {
  readonly event: OfflineEvent;
  readonly message: OutboxMessage;
  readonly since: number;
  readonly told: Outstanding;
}

/** What is still to be done for a message. */
interface Outstanding {
  left: number;
  readonly done: () => void;
}

export class OfflineTeller implements Telling {
  readonly #options: OfflineTellerOptions;
  readonly #presence: OfflineQueue<Receiver>;
  readonly #sinks: readonly OfflineQueue<OfflineEvent>[];

  constructor(options: OfflineTellerOptions) {
    const { sinks, clock, random, logger, metrics } = options;
    this.#options = options;
    const surroundings = { clock, random, logger, metrics };
    const tell = (receiver: Receiver) => this.#lookUp(receiver);
    this.#presence = new OfflineQueue({ name: 'presence', tell, ...surroundings });
    this.#sinks = sinks.map(
      (sink) => new OfflineQueue({ name: sink.name, tell: sink.tell.bind(sink), ...surroundings }),
    );
  }

  get size(): number {
    return this.#presence.size + Math.max(0, ...this.#sinks.map(({ size }) => size));
  }

  tell(message: OutboxMessage, done: () => void): void {
    const { to, ...rest } = message;
    const told = { left: to.length, done };
    for (const [user, since] of to) {
      const event: OfflineEvent = { ...rest, user };
      const receiver = { event, message, since, told };
      this.#presence.add(keyOf(event), { event: receiver, at: message.at, done: () => settle(told) });
    }
  }

  abandon(): void {
    for (const queue of [this.#presence, ...this.#sinks]) queue.abandon();
  }

  async close(graceMs: number): Promise<void> {
    const { clock } = this.#options;
    const end = clock.monotonic() + graceMs;
    await this.#presence.close(graceMs / 2);
    await Promise.all(this.#sinks.map((sink) => sink.close(Math.max(0, end - clock.monotonic()))));
  }

  async #lookUp({ event, message, since, told }: Receiver): Promise<void> {
    const { concernOf } = this.#options;
    if (!(await this.#isOffline(event))) return;
    const { muted, unread } = await concernOf(message, event.user, since).catch(() => NOT_MUTED);
    if (muted) return;
    const queued = { event: { ...event, ...(unread !== undefined && { unread }) }, at: event.at };
    for (const sink of this.#sinks) {
      told.left += 1;
      sink.add(keyOf(event), { ...queued, done: () => settle(told) });
    }
  }

  async #isOffline({ product, user }: OfflineEvent): Promise<boolean> {
    try {
      return (await this.#options.users.sessionsOf(withProduct(product, userGroup(user)))).length === 0;
    } catch (error) {
      this.#options.logger.warn('who is connected is not known', { error });
      return true;
    }
  }
}

function settle(told: Outstanding): void {
  told.left -= 1;
  if (told.left === 0) told.done();
}

function keyOf({ product, user }: OfflineEvent): string {
  return withProduct(product, user);
}
