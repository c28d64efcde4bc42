/**
 * Tells senders how far what they asked about has come: the latest sums of each entry, several in one message, to `u:<sender>`. On the
 * normal lane: what gets lost is asked for, or told with the next change. Bounded; what there is no room for is counted.
 */
import type { Publisher } from '@im/broadcast';
import { parseGroupId, userGroup, withProduct } from '@im/protocol';
import type { Clock, Counter, Logger, Metrics, Timer } from '@im/protocol/ports';
import { encodeJson } from '@im/rpc';
import type { Receipt } from './receipt-log.js';

const RECEIPT_EVENT = 'receipt';

/** How far an entry of a conversation has come; what is left out has not changed. */
export interface ReceiptSums {
  readonly conversation: string;
  readonly version: number;
  readonly of: number;
  readonly delivered?: number;
  readonly read?: number;
}

export interface ReceiptNewsOptions {
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** How long changes are collected. */
const DELAY_MS = 200;
const AT_ONCE = 100;
const MAX_WAITING = 20_000;

export class ReceiptNews {
  readonly #options: ReceiptNewsOptions;
  /** By sender, then by entry. */
  readonly #waiting = new Map<string, Map<string, ReceiptSums>>();
  readonly #dropped: Counter;
  #size = 0;
  #timer: Timer | undefined;

  constructor(options: ReceiptNewsOptions) {
    this.#options = options;
    const { metrics } = options;
    this.#dropped = metrics.counter('im_workers_receipts_untold_total', {
      help: 'Changes of receipts that senders were not told of, there being too many.',
    });
    metrics.observe('im_workers_receipts_waiting', { help: 'Changes of receipts to be told.' }, () => this.#size);
  }

  /** @param log as on the bus */
  add(log: string, { by, conversation, entry: version, of, delivered, read }: Receipt): void {
    if (by === undefined || conversation === undefined || version === undefined || !(delivered || read)) return;
    const sender = withProduct(parseGroupId(log).product, userGroup(by));
    const key = `${conversation} ${version}`;
    let sums = this.#waiting.get(sender);
    const before = sums?.get(key);
    if (!before && this.#size >= MAX_WAITING) {
      this.#dropped.add();
      return;
    }
    if (!before) this.#size += 1;
    sums ??= new Map();
    this.#waiting.set(sender, sums);
    sums.set(key, {
      ...(before ?? { conversation, version, of }),
      ...(delivered && { delivered }),
      ...(read && { read }),
    });
    this.#timer ??= this.#options.clock.after(DELAY_MS, () => this.flush());
  }

  /** Tells what waits, now. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const [sender, sums] of this.#waiting) {
      const all = [...sums.values()];
      for (let at = 0; at < all.length; at += AT_ONCE) this.#tell(sender, all.slice(at, at + AT_ONCE));
    }
    this.#waiting.clear();
    this.#size = 0;
  }

  #tell(sender: string, receipts: readonly ReceiptSums[]): void {
    const { publisher, clock, logger } = this.#options;
    const body = encodeJson({ receipts });
    const publication = { lane: 'normal', event: RECEIPT_EVENT, body, time: clock.now() } as const;
    publisher
      .publish(sender, publication, { acknowledge: 'none' })
      .catch((error: unknown) => logger.warn('a sender could not be told of receipts', { error }));
  }
}
