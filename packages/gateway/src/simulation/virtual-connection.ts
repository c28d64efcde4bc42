/**
 * One connection between a gateway and a viewer: the network in between, whose kernels hide bytes, and the books of its
 * memberships. Does with fan-out and backlog what the gateway's connections and entrances do, in the least that shows both.
 */
import type { Membership, Viewer } from '@im/groups';
import type { FakeEncoding, Written } from '@im/groups/testing';
import type { Position } from '@im/protocol';
import type { FakeClock } from '@im/protocol/testing';
import { Backlog } from '../connection/backlog.js';
import type { Link } from '../link.js';
import { Account } from './account.js';
import { KEYS } from './plan.js';
import type { RoomLog } from './room-log.js';
import { TICK_MS, type VirtualGateway } from './virtual-gateway.js';

export const LIMITS = { softBacklogBytes: 20_000, hardBacklogBytes: 60_000 } as const;
/** A second, and what the wheel may be late. */
const LATE_MS = 1_000 + 2 * TICK_MS;
const ASK_BYTES = 4_096;
/** Bytes of what stands around a message, and of the largest message. */
const ENVELOPE = 60;
export const LARGEST_BYTES = 1_200;

/** What travels to the viewer, in order. */
export interface Segment {
  readonly bytes: number;
  readonly sentAt: number;
  readonly content:
    | Written
    | { readonly type: 'joined'; readonly group: string; readonly position: Position; readonly missed: boolean }
    | { readonly type: 'left'; readonly group: string }
    | { readonly type: 'probe'; readonly number: number; readonly sentBefore: number }
    | { readonly type: 'closed' };
  /** Whose books it belongs in. */
  readonly account: Account | undefined;
}

/** A group that is being entered: fan-out holds for it. */
interface Seat {
  readonly log: RoomLog;
  readonly membership: Membership;
  readonly given: Position | undefined;
  readonly readAt: number;
  readonly releaseAt: number;
  /** Up to where the viewer was sent what the log had; undefined: it was not read yet. */
  position: Position | undefined;
}

export interface ConnectionOptions {
  readonly gateway: VirtualGateway;
  readonly clock: FakeClock;
  readonly stallMs: number;
  readonly kernelBytes: number;
}

export class VirtualConnection implements Viewer, Pick<Link, 'bufferedBytes' | 'probe'> {
  readonly encoding: FakeEncoding;
  /** What was sent and not read, oldest first. */
  readonly unread: Segment[] = [];
  readonly accounts = new Map<string, Account>();
  readonly #seats = new Map<string, Seat>();
  readonly #options: ConnectionOptions;
  readonly #backlog: Backlog;
  #unreadBytes = 0;
  #sent = 0;
  #confirmed = 0;
  #open = true;
  #leaving = false;
  /** When the question that is open was asked. */
  #askedAt: number | undefined;
  #lastAskedAt: number;
  closedAt: number | undefined;

  constructor(options: ConnectionOptions) {
    const { gateway, clock } = options;
    this.#options = options;
    this.encoding = gateway.encoding;
    this.#lastAskedAt = clock.monotonic();
    this.#backlog = new Backlog(this, this as unknown as Link, LIMITS, gateway.unanswered);
  }

  // ── for fan-out and backlog ─────────────────────────────────────────────────────────────────

  get congested(): boolean {
    return this.#backlog.congested;
  }

  prefetch(): number {
    return 0;
  }

  get bufferedBytes(): number {
    return Math.max(0, this.#unreadBytes - this.#options.kernelBytes);
  }

  write(chunk: Uint8Array): void {
    if (!this.#open) return;
    const content = this.encoding.meaning(chunk);
    const account = this.accounts.get(groupOf(content));
    if (account === undefined) throw new Error(`was written something of ${groupOf(content)}, but is not in it`);
    // What was kept for it is sent when the membership ends, however congested it is.
    if (isNormal(content) && !this.#leaving) this.#requireReading();
    account.write(content);
    this.#send(content, account);
  }

  probe(number: number): void {
    if (this.#askedAt !== undefined) throw new Error('was asked while a question is open');
    const now = this.#options.clock.monotonic();
    if (now - this.#lastAskedAt < 1_000 && this.unconfirmed <= LIMITS.softBacklogBytes / 2) {
      throw new Error(`was asked again after ${now - this.#lastAskedAt} ms`);
    }
    this.#askedAt = this.#lastAskedAt = now;
    this.#push({ type: 'probe', number, sentBefore: this.#sent }, 0, undefined);
  }

  close(): void {
    if (!this.#open) return;
    const { clock, stallMs, gateway } = this.#options;
    const isStalled = stallMs > 0 && this.#askedFor >= stallMs;
    if (!isStalled && this.unconfirmed <= LIMITS.hardBacklogBytes) throw new Error('was closed though it reads');
    for (const chunk of gateway.fanOut.takeOwed(this)) {
      const content = this.encoding.meaning(chunk);
      const account = this.accounts.get(groupOf(content));
      account?.write(content, true);
      this.#push(content, sizeOf(content), account);
    }
    this.#push({ type: 'closed' }, 0, undefined);
    this.closedAt = clock.monotonic();
    this.end();
  }

  // ── for the world ───────────────────────────────────────────────────────────────────────────

  get isOpen(): boolean {
    return this.#open;
  }

  /** By the books of the network, whatever the backlog says. */
  get unconfirmed(): number {
    return this.#sent - this.#confirmed;
  }

  enter(log: RoomLog, given: Position | undefined, { readMs, releaseMs }: { readMs: number; releaseMs: number }): void {
    const { group } = log;
    if (!this.#open || this.#seats.has(group) || this.accounts.has(group)) return;
    const membership = this.#options.gateway.fanOut.join(this, group);
    const readAt = this.#options.clock.monotonic() + readMs;
    this.#seats.set(group, { log, membership, given, readAt, releaseAt: readAt + releaseMs, position: undefined });
  }

  leave(group: string): void {
    if (!this.#open) return;
    const account = this.accounts.get(group);
    this.#leaving = true;
    this.#options.gateway.fanOut.leave(this, group);
    this.#leaving = false;
    // What was still to be written may have closed it.
    if (!this.#open) return;
    this.#seats.delete(group);
    this.accounts.delete(group);
    if (account === undefined) return;
    if (!account.written.accountsFor(account.published)) {
      throw new Error(`left with ${account.written}, but published were ${account.published}`);
    }
    this.#push({ type: 'left', group }, ENVELOPE, account);
    this.#note(ENVELOPE);
  }

  /** The gateway has no more to do with it, nor it with the gateway. */
  end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#options.gateway.fanOut.leaveAll(this);
    this.#backlog.close();
    this.#seats.clear();
    this.accounts.clear();
  }

  /** What takes time on the side of the gateway goes on. */
  proceed(): void {
    const now = this.#options.clock.monotonic();
    for (const [group, seat] of this.#seats) {
      if (this.#open && seat.position === undefined && now >= seat.readAt) this.#replay(seat);
      if (this.#open && seat.position !== undefined && now >= seat.releaseAt) this.#release(group, seat);
    }
  }

  /** Takes the next segment from the network. */
  takeNext(): Segment | undefined {
    const segment = this.unread.shift();
    this.#unreadBytes -= segment?.bytes ?? 0;
    return segment;
  }

  /** The answer to a question has reached the gateway. */
  answered(number: number, sentBefore: number): void {
    if (!this.#open) return;
    this.#confirmed = sentBefore;
    this.#askedAt = undefined;
    if (!this.#backlog.confirmed(number)) throw new Error(`its answer ${number} was not taken`);
  }

  /** What must hold at any time. */
  check(): void {
    if (!this.#open) return;
    const { stallMs, clock } = this.#options;
    if (this.#backlog.unconfirmed !== this.unconfirmed) {
      throw new Error(`${this.#backlog.unconfirmed} bytes are said to be unconfirmed, ${this.unconfirmed} are`);
    }
    if (this.unconfirmed > LIMITS.hardBacklogBytes) throw new Error(`has ${this.unconfirmed} bytes unconfirmed`);
    if (stallMs > 0 && this.#askedFor > stallMs + 1_000 + 3 * TICK_MS) throw new Error('stalls and is not closed');
    const isLong = clock.monotonic() - this.#lastAskedAt > LATE_MS;
    const isMuch = this.unconfirmed > LIMITS.softBacklogBytes / 2;
    if (isMuch && this.#askedAt === undefined) throw new Error('has much unconfirmed and is not asked');
    if (isLong && this.#askedAt === undefined && this.#wroteSinceDue >= ASK_BYTES) throw new Error('is not asked');
  }

  /** How long the open question has been open. */
  get #askedFor(): number {
    return this.#askedAt === undefined ? 0 : this.#options.clock.monotonic() - this.#askedAt;
  }

  /** Bytes that are unconfirmed and were there to be asked about when something was last written, long after the last question. */
  get #wroteSinceDue(): number {
    const last = this.unread.at(-1);
    return last !== undefined && last.sentAt - this.#lastAskedAt > LATE_MS ? this.unconfirmed : 0;
  }

  /** @throws Error when a normal message is written to somebody who does not keep up */
  #requireReading(): void {
    // What it is told of earlier losses goes before, and what was kept of each key.
    const told = 4 * ENVELOPE + 2 * KEYS.length * LARGEST_BYTES;
    if (this.unconfirmed > LIMITS.softBacklogBytes + told)
      throw new Error(`${this.unconfirmed} bytes were unconfirmed`);
    if (this.#askedFor > LATE_MS) throw new Error(`had not answered for ${this.#askedFor} ms`);
  }

  #replay(seat: Seat): void {
    const { log, given } = seat;
    const { group } = log;
    const { begins, missed, gifts } = log.after(given);
    this.#control({ type: 'joined', group, position: begins, missed });
    if (this.#open && given !== undefined) this.#control({ type: 'shed', group, reason: 'disconnected' });
    if (this.#open && gifts.length > 0) this.#control({ type: 'pushes', deliveries: gifts });
    seat.position = log.head;
  }

  #release(group: string, seat: Seat): void {
    for (;;) {
      const position = seat.position as Position;
      const account = new Account(seat.log, position);
      this.accounts.set(group, account);
      this.#seats.delete(group);
      if (seat.membership.release(position) || !this.#open) return;
      // More came than is kept: what the log has, once more.
      this.accounts.delete(group);
      this.#seats.set(group, seat);
      const { begins, missed, gifts } = seat.log.after(position);
      if (missed)
        this.#control({
          type: 'reset',
          group,
          ...begins,
          recovered: false,
          missed: { epoch: position.epoch, after: position.version },
        });
      if (this.#open && gifts.length > 0) this.#control({ type: 'pushes', deliveries: gifts });
      if (!this.#open) return;
      seat.position = seat.log.head;
    }
  }

  /** What the gateway sends beside fan-out. */
  #control(content: Exclude<Segment['content'], { type: 'probe' | 'closed' }>): void {
    this.#send(content, undefined);
  }

  #send(content: Segment['content'], account: Account | undefined): void {
    const bytes = sizeOf(content);
    this.#push(content, bytes, account);
    this.#note(bytes);
  }

  /** For the backlog, as a connection does. */
  #note(bytes: number): void {
    const question = this.#backlog.writing(bytes);
    if (question !== undefined) this.probe(question);
    if (this.#backlog.overflowing) this.#backlog.giveUp();
  }

  #push(content: Segment['content'], bytes: number, account: Account | undefined): void {
    this.#sent += bytes;
    this.#unreadBytes += bytes;
    this.unread.push({ bytes, sentAt: this.#options.clock.monotonic(), content, account });
  }
}

function sizeOf(content: Segment['content']): number {
  if (content.type !== 'pushes') return ENVELOPE;
  return content.deliveries.reduce((bytes, { body }) => bytes + ENVELOPE + body.length, 0);
}

function isNormal(content: Written): boolean {
  return content.type === 'pushes' && content.deliveries[0]?.lane === 'normal';
}

function groupOf(content: Written): string {
  return content.type === 'pushes' ? (content.deliveries[0]?.group ?? '') : content.group;
}
