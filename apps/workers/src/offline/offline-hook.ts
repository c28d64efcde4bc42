/**
 * Tells of stored messages for people without a connected device. Whether somebody has one is looked up when it is that message's turn,
 * so that those of one user stay in their order; where it cannot be found out they are told of. Must not know conversations.
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
  /** Looked up once: whoever connects while a sink is away has been told of all the same. */
  isOffline?: boolean;
  readonly concern: () => Promise<Concern>;
}

export class OfflineHook {
  readonly #options: OfflineHookOptions;
  readonly #queues: readonly OfflineQueue<Pending>[];

  constructor(options: OfflineHookOptions) {
    const { sinks, clock, random, logger, metrics } = options;
    this.#options = options;
    this.#queues = sinks.map((sink) => {
      const tell = (pending: Pending, signal: AbortSignal) => this.#tell(sink, pending, signal);
      return new OfflineQueue({ name: sink.name, tell, clock, random, logger, metrics });
    });
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
      const key = withProduct(message.product, user);
      for (const queue of this.#queues) queue.add(key, { event, concern });
    }
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.close(graceMs)));
  }

  async #tell(sink: OfflineSink, pending: Pending, signal: AbortSignal): Promise<void> {
    pending.isOffline ??= await this.#isOffline(pending.event);
    if (!pending.isOffline) return;
    const { muted, unread } = await pending.concern();
    if (muted) return;
    await sink.tell({ ...pending.event, ...(unread !== undefined && { unread }) }, signal);
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
