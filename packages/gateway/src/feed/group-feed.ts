/**
 * What comes of one group to this gateway: knows how far the group's log has been handed on, sees holes in the versions
 * and pulls them, once for all viewers. Must not know the viewers; where a version is missing for good, fan-out tells
 * each of them from the jump.
 *
 * | state    | until |
 * |----------|-------|
 * | opening  | the subscription is in force and the log's head was read, or could not be: then at {@link UNKNOWN_EPOCH} |
 * | at a position, level | something above the next version, or of another epoch, is seen |
 * | at a position, behind | the log, or what came early, has closed the gap, or it is given up as lost |
 * | closed   | — |
 */
import type { Delivery, Position } from '@im/protocol';
import type { Clock, Counter } from '@im/protocol/ports';
import type { Page } from '@im/timeline';
import { deliveryOf } from './delivery-of.js';
import { EarlyDeliveries } from './early-deliveries.js';
import type { LogAccess } from './log-access.js';

/** Stands for a log whose position could not be read: the first thing that follows begins another epoch. */
export const UNKNOWN_EPOCH = '?';

const PAGE = 256;
/** Waits between attempts to close a gap; after the last one it is given up. */
const RETRY_MS = [50, 100, 200, 400, 800];
/** Epochs left behind that are still recognised: what comes late of them is dropped. */
const PAST_EPOCHS = 4;
const NO_EPOCHS: readonly string[] = [];

export interface FeedSurroundings {
  readonly log: LogAccess;
  readonly clock: Clock;
  /** Settles when the subscription that was just made is in force. */
  settled(): Promise<void>;
  /** Hands a delivery on: those of the priority lane in the order of their versions, each once. */
  publish(delivery: Delivery): void;
  /** Versions that had to be read from the log, and those that nobody has any more. */
  readonly pulled: Counter;
  readonly lostVersions: Counter;
}

export class GroupFeed {
  readonly #surroundings: FeedSurroundings;
  #early: EarlyDeliveries | undefined;
  /** The furthest position that was heard of. */
  #target: Position | undefined;
  #position: Position | undefined;
  #pastEpochs: readonly string[] = NO_EPOCHS;
  #catchingUp: Promise<void> | undefined;
  #closed = false;

  /** Settles when the position is known, or known to be unknown. */
  readonly ready: Promise<void>;

  constructor(
    readonly group: string,
    surroundings: FeedSurroundings,
  ) {
    this.#surroundings = surroundings;
    this.ready = this.#open();
  }

  /** How far the log was handed on. Only once {@link ready}. */
  get position(): Position {
    return this.#position ?? { epoch: UNKNOWN_EPOCH, version: 0 };
  }

  /** Whether this was the log's epoch once and is no more. */
  isPast(epoch: string): boolean {
    return this.#pastEpochs.includes(epoch);
  }

  /** A delivery of this group from the bus. */
  receive(delivery: Delivery): void {
    const { epoch, version } = delivery;
    if (epoch === undefined || version === undefined) this.#surroundings.publish(delivery);
    else this.#receiveVersioned(delivery, epoch, version);
  }

  /** The log stands at this position, as far as somebody says. */
  heard(position: Position): void {
    if (this.#closed || this.isPast(position.epoch)) return;
    const { epoch, version } = this.#position ?? {};
    if (position.epoch === epoch && position.version <= (version ?? 0)) return;
    this.#aim(position);
  }

  /** Messages may have been lost on their way here: compares with the log. */
  async compare(): Promise<void> {
    await this.ready;
    try {
      this.heard(await this.#surroundings.log.head(this.group));
    } catch {
      // The store is away; heads and deliveries that come later show the hole.
    }
    await this.#catchingUp;
  }

  close(): void {
    this.#closed = true;
    this.#early = undefined;
  }

  #receiveVersioned(delivery: Delivery, epoch: string, version: number): void {
    const at = this.#position;
    if (at?.epoch === epoch) {
      if (version <= at.version) return;
      if (version === at.version + 1) {
        this.#advance(delivery, { epoch, version });
        this.#drainEarly();
        return;
      }
    } else if (this.isPast(epoch)) {
      return;
    } else if (at && version === 1) {
      this.#begin({ epoch, version: 0 });
      this.#advance(delivery, { epoch, version });
      this.#drainEarly();
      return;
    }
    this.#early ??= new EarlyDeliveries();
    this.#early.add(delivery, epoch, version);
    this.#aim({ epoch, version });
  }

  async #open(): Promise<void> {
    await this.#surroundings.settled();
    let position: Position = { epoch: UNKNOWN_EPOCH, version: 0 };
    try {
      const { epoch, version } = await this.#surroundings.log.head(this.group);
      position = { epoch, version };
    } catch {
      // Chat goes on without the store; the first priority message tells the members where the log stands.
    }
    this.#position = position;
    this.#drainEarly();
    if (this.#isBehind()) this.#startCatchingUp();
  }

  #aim(target: Position): void {
    const known = this.#target;
    if (known?.epoch !== target.epoch || known.version < target.version) this.#target = target;
    if (this.#position && this.#isBehind()) this.#startCatchingUp();
  }

  #isBehind(): boolean {
    const target = this.#target;
    const at = this.#position;
    if (this.#closed || !target || !at) return false;
    return target.epoch === at.epoch ? target.version > at.version : !this.isPast(target.epoch);
  }

  #startCatchingUp(): void {
    this.#catchingUp ??= this.#catchUp().finally(() => {
      this.#catchingUp = undefined;
      if (this.#isBehind()) this.#startCatchingUp();
    });
  }

  async #catchUp(): Promise<void> {
    for (let attempt = 0; this.#isBehind(); ) {
      const at = this.position;
      const after = this.#target?.epoch === at.epoch ? at.version : 0;
      const page = await this.#surroundings.log.read(this.group, after, PAGE).catch(() => undefined);
      if (this.#closed) return;
      if (page && this.#apply(page)) {
        attempt = 0;
        continue;
      }
      const wait = RETRY_MS[attempt++];
      if (wait === undefined) {
        this.#giveUp();
        attempt = 0;
      } else if (this.#isBehind()) {
        await new Promise<void>((resolve) => this.#surroundings.clock.after(wait, resolve, { background: true }));
      }
    }
  }

  /** @returns whether it brought the feed forward */
  #apply(page: Page): boolean {
    const before = this.position;
    if (page.epoch !== before.epoch) {
      if (this.isPast(page.epoch)) return false;
      this.#begin({ epoch: page.epoch, version: page.first - 1 });
    } else if (page.first - 1 > before.version) {
      this.#surroundings.lostVersions.add(page.first - 1 - before.version);
      this.#position = { epoch: page.epoch, version: page.first - 1 };
    }
    let pulled = 0;
    for (const entry of page.entries) {
      if (entry.version !== this.position.version + 1) continue;
      this.#advance(deliveryOf(this.group, page.epoch, entry), { epoch: page.epoch, version: entry.version });
      pulled++;
    }
    this.#surroundings.pulled.add(pulled);
    this.#drainEarly();
    return this.position.epoch !== before.epoch || this.position.version > before.version;
  }

  /** What is missing is in no log: goes on behind it. */
  #giveUp(): void {
    const target = this.#target as Position;
    const first = this.#early?.lowest(target.epoch);
    const to = first === undefined ? target.version : first - 1;
    if (target.epoch === this.position.epoch) {
      this.#surroundings.lostVersions.add(to - this.position.version);
      this.#position = { epoch: target.epoch, version: to };
    } else {
      this.#begin({ epoch: target.epoch, version: to });
    }
    this.#drainEarly();
  }

  #begin(position: Position): void {
    const old = this.#position?.epoch;
    if (old !== undefined) this.#pastEpochs = [...this.#pastEpochs, old].slice(-PAST_EPOCHS);
    this.#position = position;
  }

  #advance(delivery: Delivery, position: Position): void {
    this.#position = position;
    this.#surroundings.publish(delivery);
  }

  #drainEarly(): void {
    const early = this.#early;
    if (!early) return;
    for (;;) {
      const { epoch, version } = this.position;
      const next = early.take(epoch, version + 1);
      if (!next) break;
      this.#advance(next, { epoch, version: version + 1 });
    }
    early.forget(this.position);
    if (early.size === 0) this.#early = undefined;
  }
}
