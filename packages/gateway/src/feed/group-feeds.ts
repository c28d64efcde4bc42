/**
 * The feeds of all groups that have a member on this gateway, and the one subscriber behind them. A feed lives from the
 * first member to the last. Must not know the members.
 */
import type { Broadcast, Subscriber } from '@im/broadcast';
import { withPatience } from '../patience.js';
import { type FeedSurroundings, GroupFeed } from './group-feed.js';
import { OpeningIds } from './opening-ids.js';

/** Groups compared with the log at once after the bus was interrupted. */
const COMPARED_AT_ONCE = 32;

export interface GroupFeedsOptions extends Omit<FeedSurroundings, 'settled' | 'openingIds'> {
  readonly broadcast: Broadcast;
  /** A subscription that is not in force by then is taken as if it were; the bus tells when it was restored. */
  readonly settleTimeoutMs: number;
  /** Normal messages were lost on their way here; undefined: unknown how many. */
  lost(group: string, count: number | undefined): void;
}

export class GroupFeeds {
  readonly #options: GroupFeedsOptions;
  readonly #feeds = new Map<string, GroupFeed>();
  readonly #subscriber: Subscriber;
  readonly #surroundings: FeedSurroundings;
  #settling: Promise<void> | undefined;
  #comparing: Promise<void> | undefined;
  /** Something may have been lost since the comparison under way began. */
  #mustCompareAgain = false;

  constructor(options: GroupFeedsOptions) {
    const { log, clock, publish, pulled, lostVersions } = options;
    this.#options = options;
    const openingIds = new OpeningIds();
    this.#surroundings = { log, clock, publish, pulled, lostVersions, openingIds, settled: () => this.#settled() };
    this.#subscriber = options.broadcast.createSubscriber({
      onDelivery: (delivery) => this.#feeds.get(delivery.group)?.receive(delivery),
      onHead: (group, position) => this.#feeds.get(group)?.heard(position),
      onLoss: (group, count) => options.lost(group, count),
      onRestored: () => this.#requestComparison(),
    });
  }

  get size(): number {
    return this.#feeds.size;
  }

  get(group: string): GroupFeed | undefined {
    return this.#feeds.get(group);
  }

  open(group: string): void {
    this.#subscriber.subscribe(group);
    this.#feeds.set(group, new GroupFeed(group, this.#surroundings));
  }

  close(group: string): void {
    this.#feeds.get(group)?.close();
    this.#feeds.delete(group);
    this.#subscriber.unsubscribe(group);
  }

  async stop(): Promise<void> {
    for (const feed of this.#feeds.values()) feed.close();
    this.#feeds.clear();
    await this.#subscriber.close();
  }

  /** One question to the bus for all subscriptions of a turn. */
  #settled(): Promise<void> {
    this.#settling ??= Promise.resolve().then(async () => {
      this.#settling = undefined;
      const { clock, settleTimeoutMs } = this.#options;
      await withPatience(this.#subscriber.settled(), { clock, timeoutMs: settleTimeoutMs }).catch(() => undefined);
    });
    return this.#settling;
  }

  /** One comparison at a time: who lags misses much, one after the other. */
  #requestComparison(): void {
    this.#mustCompareAgain = true;
    this.#comparing ??= this.#compareWhileAsked();
  }

  async #compareWhileAsked(): Promise<void> {
    while (this.#mustCompareAgain) {
      this.#mustCompareAgain = false;
      await this.#compareAll();
    }
    this.#comparing = undefined;
  }

  async #compareAll(): Promise<void> {
    const feeds = [...this.#feeds.values()];
    const compareNext = async (): Promise<void> => {
      for (let feed = feeds.pop(); feed; feed = feeds.pop()) await feed.compare();
    };
    await Promise.all(Array.from({ length: COMPARED_AT_ONCE }, compareNext));
  }
}
