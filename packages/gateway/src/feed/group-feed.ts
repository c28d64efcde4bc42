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
 *
 * What was on its way when a log left its epoch may be in both it and the next (see `epochs.ts`): it is known by its id, and handed on once.
 */
import type { Delivery, Position } from '@im/protocol';
import type { Clock, Counter, Timer } from '@im/protocol/ports';
import type { Page } from '@im/timeline';
import { deliveryOf } from './delivery-of.js';
import { EarlyDeliveries } from './early-deliveries.js';
import { Epochs, UNKNOWN_EPOCH } from './epochs.js';
import type { LogAccess } from './log-access.js';
import type { OpeningIds } from './opening-ids.js';

const PAGE = 256;
/** Waits between attempts to close a gap; after the last one it is given up. */
const RETRY_MS = [50, 100, 200, 400, 800];
/** How soon a log that could not be read, though there is more of it, is looked at again; twice as long each time. */
const LOOK_AGAIN_MS = 500;
const MAX_LOOK_AGAIN_MS = 8_000;
const READY = Promise.resolve();
/** Messages at the beginning of an epoch whose ids are remembered: the log of the epoch before may have taken them, too. */
const OPENING = 64;

export interface FeedSurroundings {
  readonly log: LogAccess;
  readonly clock: Clock;
  readonly openingIds: OpeningIds;
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
  readonly #epochs = new Epochs();
  /** How many messages of the epoch at hand were remembered; none of the one that was found when the feed began. */
  #opened = OPENING;
  #catchingUp: Promise<void> | undefined;
  /** Until the log is looked at again. */
  #looking: Timer | undefined;
  #closed = false;

  /** Until the position is known, or known to be unknown. */
  #opening: Promise<void> | undefined;

  constructor(
    readonly group: string,
    surroundings: FeedSurroundings,
  ) {
    this.#surroundings = surroundings;
    this.#opening = this.#open().finally(() => {
      this.#opening = undefined;
    });
  }

  /** Settles when the position is known, or known to be unknown. */
  get ready(): Promise<void> {
    return this.#opening ?? READY;
  }

  /** How far the log was handed on. Only once {@link ready}. */
  get position(): Position {
    return this.#epochs.at;
  }

  /** Whether this was the log's epoch once and is no more. */
  isPast(epoch: string): boolean {
    return this.#epochs.isPast(epoch);
  }

  /** A delivery of this group from the bus. */
  receive(delivery: Delivery): void {
    const { epoch, version } = delivery;
    if (epoch === undefined || version === undefined) this.#surroundings.publish(delivery);
    else this.#receiveVersioned(delivery, epoch, version);
  }

  /**
   * A member has seen so much of the log, which cannot be read. Once it can, the feed goes on from the least that a member has seen.
   * @returns false where it is known how far the log was handed on: then nothing is expected
   */
  expect(seen: Position): boolean {
    if (this.position.epoch !== UNKNOWN_EPOCH) return false;
    this.#epochs.expect(seen);
    this.#lookAgain();
    return true;
  }

  /** The log stands at this position, as far as somebody says. */
  heard(position: Position): void {
    if (this.#closed || position.version <= (this.#epochs.handedOn(position.epoch) ?? -1)) return;
    this.#aim(position);
  }

  /** Messages may have been lost on their way here: compares with the log. @returns whether it could be asked */
  async compare(): Promise<boolean> {
    await this.ready;
    let isThere = true;
    try {
      this.heard(await this.#surroundings.log.head(this.group));
    } catch {
      // The store is away; heads and deliveries that come later show the hole.
      isThere = false;
    }
    await this.#catchingUp;
    return isThere;
  }

  close(): void {
    this.#closed = true;
    this.#looking?.cancel();
    this.#early = undefined;
  }

  #receiveVersioned(delivery: Delivery, epoch: string, version: number): void {
    const { isKnown, at } = this.#epochs;
    const handedOn = this.#epochs.handedOn(epoch) ?? 0;
    if (isKnown && version <= handedOn) return;
    if (isKnown && version === handedOn + 1) {
      if (at.epoch !== epoch) this.#turnTo({ epoch, version: handedOn });
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
      const head = await this.#surroundings.log.head(this.group);
      position = { epoch: head.epoch, version: head.version };
      this.#epochs.leaveBehind(head);
    } catch {
      // Chat goes on without the store; the first priority message tells the members where the log stands.
    }
    this.#epochs.moveTo(position);
    this.#drainEarly();
    if (this.#isBehind()) this.#startCatchingUp();
  }

  /** Compares with the log a little later, until it can be asked. */
  #lookAgain(waitMs = LOOK_AGAIN_MS): void {
    const look = (): void => {
      this.#looking = undefined;
      void this.compare().then((isThere) => {
        if (!isThere && !this.#closed) this.#lookAgain(Math.min(2 * waitMs, MAX_LOOK_AGAIN_MS));
      });
    };
    this.#looking ??= this.#surroundings.clock.after(waitMs, look, { background: true });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#surroundings.clock.after(ms, resolve, { background: true }));
  }

  #aim(target: Position): void {
    const known = this.#target;
    if (known?.epoch !== target.epoch || known.version < target.version) this.#target = target;
    if (this.#isBehind()) this.#startCatchingUp();
  }

  #isBehind(): boolean {
    const target = this.#target;
    if (this.#closed || !target || !this.#epochs.isKnown) return false;
    return target.version > (this.#epochs.handedOn(target.epoch) ?? -1);
  }

  #startCatchingUp(): void {
    this.#catchingUp ??= this.#catchUp().finally(() => {
      this.#catchingUp = undefined;
      if (this.#isBehind()) this.#startCatchingUp();
    });
  }

  async #catchUp(): Promise<void> {
    for (let attempt = 0; this.#isBehind(); ) {
      const { epoch } = this.#target ?? this.position;
      const after = this.#epochs.handedOn(epoch) ?? this.#epochs.expected(epoch) ?? 0;
      const page = await this.#surroundings.log.read(this.group, after, PAGE).catch(() => undefined);
      if (this.#closed) return;
      if (page && this.#apply(page)) {
        attempt = 0;
        continue;
      }
      const wait = RETRY_MS[attempt++];
      if (wait === undefined) {
        this.#giveUp(page);
        attempt = 0;
      } else if (this.#isBehind()) await this.#pause(wait);
    }
  }

  /** @returns whether it brought the feed forward */
  #apply(page: Page): boolean {
    const { epoch, first } = page;
    const before = this.position;
    const isReturn = this.isPast(epoch);
    const seen = epoch === before.epoch ? undefined : this.#epochs.seenOf(page);
    // The log of an epoch that was left is returned to when something new of it was seen, and is there.
    if (isReturn && (epoch !== this.#target?.epoch || page.version <= (this.#epochs.handedOn(epoch) ?? 0)))
      return false;
    if (epoch !== before.epoch) {
      this.#turnTo({ epoch, version: this.#epochs.handedOn(epoch) ?? seen ?? first - 1 });
      this.#epochs.leaveBehind(page);
    }
    const lost = first - 1 - this.position.version;
    if (lost > 0) {
      this.#surroundings.lostVersions.add(lost);
      this.#epochs.moveTo({ epoch, version: first - 1 });
    }
    let pulled = 0;
    let mayBeKnown = isReturn || seen !== undefined;
    for (const entry of page.entries) {
      if (entry.version !== this.position.version + 1) continue;
      const position = { epoch, version: entry.version };
      mayBeKnown &&= this.#surroundings.openingIds.has(this.group, entry.id);
      if (mayBeKnown) this.#epochs.moveTo(position);
      else this.#advance(deliveryOf(this.group, epoch, entry), position);
      pulled++;
    }
    this.#surroundings.pulled.add(pulled);
    this.#drainEarly();
    return this.position.epoch !== before.epoch || this.position.version > before.version;
  }

  /** What is missing is in no log: goes on behind it. @param page of the log as it is; undefined: it cannot be read */
  #giveUp(page: Page | undefined): void {
    const target = this.#target as Position;
    const first = this.#early?.lowest(target.epoch);
    if (first === undefined && !this.#isWorthLosing(target, page)) {
      this.#target = undefined;
      if (page === undefined) this.#lookAgain();
      return;
    }
    const to = first === undefined ? target.version : first - 1;
    const handedOn = this.#epochs.handedOn(target.epoch);
    if (handedOn !== undefined) this.#surroundings.lostVersions.add(to - handedOn);
    if (target.epoch !== this.position.epoch) this.#turnTo(target);
    this.#epochs.moveTo({ epoch: target.epoch, version: to });
    this.#drainEarly();
  }

  /** Whether what only somebody said of the log is to be believed: not while it may still be read, nor of an epoch that the log has left. */
  #isWorthLosing({ epoch }: Position, page: Page | undefined): boolean {
    if (page) return page.epoch === epoch && !this.isPast(epoch);
    return this.#epochs.handedOn(epoch) === undefined && this.#epochs.expected(epoch) === undefined;
  }

  #turnTo(position: Position): void {
    this.#opened = this.isPast(position.epoch) ? OPENING : 0;
    this.#epochs.turnTo(position);
  }

  #advance(delivery: Delivery, position: Position): void {
    this.#epochs.moveTo(position);
    if (this.#opened < OPENING) {
      this.#opened++;
      this.#surroundings.openingIds.add(this.group, delivery.id);
    }
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
