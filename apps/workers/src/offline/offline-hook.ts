/**
 * Tells of stored messages for people without a connected device. Whether somebody has one is looked up in a queue before those of the
 * sinks, so that those of one user stay in their order, and only who is to be told of waits for a sink. Where it cannot be found out
 * they are told of. Must not know conversations.
 */
import { userGroup, withProduct } from '@im/protocol';
import type { Clock, Logger, Metrics, Random } from '@im/protocol/ports';
import type { OfflineEvent, OfflineSink } from './offline-event.js';
import { OfflineQueue } from './offline-queue.js';

/** Who is connected: what the hook needs of a user register. */
interface PresenceReader {
  /** @param userGroup as on the bus @throws ImError STORE_UNAVAILABLE */
  sessionsOf(userGroup: string): Promise<readonly unknown[]>;
}

export interface OfflineHookOptions {
  readonly users: PresenceReader;
  readonly sinks: readonly OfflineSink[];
  /** Whether events carry the beginning of the text. */
  readonly preview: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface OfflineMessage extends Omit<OfflineEvent, 'user' | 'preview' | 'unread'> {
  readonly text: string;
}

/** What a message is to one of its receivers. */
export interface Concern {
  /** Not told of: the receiver does not want it. */
  readonly muted: boolean;
  readonly unread?: number | undefined;
}

/** Characters of a preview. */
const PREVIEW = 100;
/** Receivers of one message that are told of; nobody sends mobile pushes to all of a larger group. */
export const MAX_TOLD = 500;

const NOT_MUTED: Concern = { muted: false };

interface Pending {
  readonly event: OfflineEvent;
  readonly concern: () => Promise<Concern>;
}

export class OfflineHook {
  readonly #options: OfflineHookOptions;
  /** Of whom it is not known yet whether they are to be told of. Whoever connects later is told of all the same. */
  readonly #presence: OfflineQueue<Pending>;
  readonly #sinks: readonly OfflineQueue<OfflineEvent>[];

  constructor(options: OfflineHookOptions) {
    const { sinks, clock, random, logger, metrics } = options;
    this.#options = options;
    const surroundings = { clock, random, logger, metrics };
    const tell = (pending: Pending) => this.#lookUp(pending);
    this.#presence = new OfflineQueue({ name: 'presence', tell, ...surroundings });
    this.#sinks = sinks.map(
      (sink) => new OfflineQueue({ name: sink.name, tell: sink.tell.bind(sink), ...surroundings }),
    );
  }

  /**
   * A message for these people is stored.
   * @param concernOf asked for those who are not connected; where it cannot say they are told without number
   */
  message(
    { text, ...message }: OfflineMessage,
    receivers: readonly string[],
    concernOf: (user: string) => Promise<Concern> = async () => NOT_MUTED,
  ): void {
    const preview = this.#options.preview ? { preview: [...text].slice(0, PREVIEW).join('') } : {};
    for (const user of receivers.slice(0, MAX_TOLD)) {
      const event = { ...message, user, ...preview };
      const concern = () => concernOf(user).catch(() => NOT_MUTED);
      this.#presence.add(keyOf(event), { event, concern });
    }
  }

  async close(graceMs: number): Promise<void> {
    const { clock } = this.#options;
    const end = clock.monotonic() + graceMs;
    await this.#presence.close(graceMs / 2);
    await Promise.all(this.#sinks.map((sink) => sink.close(Math.max(0, end - clock.monotonic()))));
  }

  async #lookUp({ event, concern }: Pending): Promise<void> {
    if (!(await this.#isOffline(event))) return;
    const { muted, unread } = await concern();
    if (muted) return;
    const told = { ...event, ...(unread !== undefined && { unread }) };
    for (const sink of this.#sinks) sink.add(keyOf(event), told);
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

function keyOf({ product, user }: OfflineEvent): string {
  return withProduct(product, user);
}
