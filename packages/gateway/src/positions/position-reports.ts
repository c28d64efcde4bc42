/**
 * How far the devices connected here have read: collects what they confirm and tells it on, of each device and group the latest, several
 * at once. Bounded: what there is no room for is counted, and made up for by the device's next confirmation. Must not know connections.
 */
import { ImError, type Positions, withProduct } from '@im/protocol';
import type { Clock, Counter, Logger, Timer } from '@im/protocol/ports';
import type { GroupFeeds } from '../feed/group-feeds.js';
import type { Session } from '../session/session.js';
import type { DevicePosition, PositionSink } from './position-sink.js';

/** How long they are collected. */
const DELAY_MS = 100;
const RETRY_MS = 1_000;
const AT_ONCE = 500;
const MAX_WAITING = 100_000;

export interface PositionReportsOptions {
  readonly sink: PositionSink;
  readonly feeds: Pick<GroupFeeds, 'get'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly dropped: Counter;
}

export class PositionReports {
  readonly #options: PositionReportsOptions;
  readonly #kinds: ReadonlySet<string>;
  /** By device and group. */
  readonly #waiting = new Map<string, DevicePosition>();
  #timer: Timer | undefined;
  #closed = false;
  #telling: Promise<unknown> | undefined;

  constructor(options: PositionReportsOptions) {
    this.#options = options;
    this.#kinds = new Set(options.sink.kinds);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** What a client says that it has read; what cannot be is ignored (PR-141). */
  take(session: Session, positions: Positions | undefined): void {
    for (const group in positions) {
      const position = positions[group];
      if (!position || !this.#kinds.has(group.slice(0, group.indexOf(':'))) || !session.isIn(group)) continue;
      const { epoch, version } = position;
      const onBus = withProduct(session.identity.product, group);
      const handedOn = this.#options.feeds.get(onBus)?.position;
      if (handedOn?.epoch !== epoch || version > handedOn.version) continue;
      this.#add({ userGroup: session.userGroup, device: session.device, group: onBus, epoch, version });
    }
  }

  /** Settles when what was taken has been told, or could not be: then it is counted. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#telling;
    while (this.#waiting.size > 0 && (await this.#tell()));
    this.#options.dropped.add(this.#waiting.size);
    this.#waiting.clear();
  }

  #add(position: DevicePosition): void {
    const key = keyOf(position);
    const before = this.#waiting.get(key);
    if (before?.epoch === position.epoch && before.version >= position.version) return;
    if (!before && this.#waiting.size >= MAX_WAITING) this.#options.dropped.add();
    else this.#waiting.set(key, position);
    this.#tellIn(DELAY_MS);
  }

  #tellIn(delayMs: number): void {
    if (this.#closed) return;
    this.#timer ??= this.#options.clock.after(delayMs, this.#tellNow, { background: true });
  }

  readonly #tellNow = (): void => {
    this.#telling = this.#tell().finally(() => {
      this.#telling = undefined;
    });
  };

  /** Tells as many as may be told at once. @returns whether that worked */
  async #tell(): Promise<boolean> {
    const { sink, logger } = this.#options;
    let delayMs = DELAY_MS;
    let told = false;
    const batch: DevicePosition[] = [];
    for (const [key, position] of this.#waiting) {
      if (batch.length >= AT_ONCE) break;
      batch.push(position);
      this.#waiting.delete(key);
    }
    try {
      await sink.moved(batch);
      told = true;
      if (this.#waiting.size >= AT_ONCE) delayMs = 0;
    } catch (thrown) {
      const error = ImError.wrap(thrown);
      logger.warn('how far devices have read could not be told', { error });
      delayMs = RETRY_MS;
      if (error.retryable) this.#putBack(batch);
    }
    this.#timer = undefined;
    if (this.#waiting.size > 0) this.#tellIn(delayMs);
    return told;
  }

  #putBack(batch: readonly DevicePosition[]): void {
    for (const position of batch) {
      const key = keyOf(position);
      if (this.#waiting.has(key)) continue;
      if (this.#waiting.size < MAX_WAITING) this.#waiting.set(key, position);
      else this.#options.dropped.add();
    }
  }
}

/** None of the parts has a space. */
function keyOf({ userGroup, device, group }: DevicePosition): string {
  return `${userGroup} ${device} ${group}`;
}
