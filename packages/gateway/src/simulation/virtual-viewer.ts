/** Somebody who watches rooms: reads at a speed of its own, answers what it is asked, comes back when the connection is lost. */
import type { Position } from '@im/protocol';
import type { FakeClock } from '@im/protocol/testing';
import { text } from './account.js';
import type { Segment, VirtualConnection } from './virtual-connection.js';

/** How long a transport lets a peer take that does not read the close. */
const CLOSE_TIMEOUT_MS = 3_000;
/** How soon it comes back by itself. */
const BACK_AFTER_MS = 200;

interface Answer {
  readonly number: number;
  readonly sentBefore: number;
  readonly arrivesAt: number;
}

export class VirtualViewer {
  /** Groups that it wants to be in. */
  readonly rooms = new Set<string>();
  bytesPerSecond = 1_000_000;
  connection: VirtualConnection | undefined;
  /** When it connects again. */
  backAt = 0;
  /** Groups that it is in by what it has read, and up to where it has seen them; those of a lost connection it goes on with. */
  readonly #seen = new Map<string, Position>();
  /** Groups that it has left, and has not read that it has. */
  readonly #leaving = new Set<string>();
  readonly #clock: FakeClock;
  readonly #delay: () => number;
  #readable = 0;
  #answers: Answer[] = [];

  /** @param delay of the network, drawn anew for each thing that it carries */
  constructor(clock: FakeClock, delay: () => number) {
    this.#clock = clock;
    this.#delay = delay;
  }

  connect(connection: VirtualConnection): void {
    this.connection = connection;
    this.#readable = 0;
  }

  /** The network is gone, and what it carried. */
  cut(awayMs: number): void {
    this.connection?.end();
    this.connection = undefined;
    this.#answers = [];
    for (const group of this.#leaving) this.#seen.delete(group);
    this.#leaving.clear();
    this.backAt = this.#clock.monotonic() + awayMs;
  }

  /** Up to where it has read the priority lane of a group. */
  seen(group: string): Position | undefined {
    return this.#seen.get(group);
  }

  /** From now on it does not want to be in the group. */
  leave(group: string): void {
    this.rooms.delete(group);
    this.#leaving.add(group);
  }

  /** @param ms that have passed */
  proceed(ms: number): void {
    const { connection } = this;
    if (connection === undefined) return;
    this.#read(connection, ms);
    this.#answer(connection);
    const { closedAt } = connection;
    if (closedAt !== undefined && this.#clock.monotonic() - closedAt > CLOSE_TIMEOUT_MS) this.cut(BACK_AFTER_MS);
  }

  #read(connection: VirtualConnection, ms: number): void {
    this.#readable += (this.bytesPerSecond * ms) / 1_000;
    const arrivedBefore = this.#clock.monotonic() - this.#delay();
    for (;;) {
      const [next] = connection.unread;
      if (next === undefined || next.sentAt > arrivedBefore) break;
      if (next.bytes > this.#readable || this.bytesPerSecond === 0) return;
      this.#readable -= next.bytes;
      connection.takeNext();
      this.#take(next);
      if (this.connection === undefined) return;
    }
    // Speed is not saved up.
    this.#readable = 0;
  }

  #take({ content, account }: Segment): void {
    switch (content.type) {
      case 'joined':
        this.#seen.set(content.group, content.position);
        break;
      case 'reset':
        this.#expectIn(content.group);
        this.#seen.set(content.group, { epoch: content.epoch, version: content.version });
        break;
      case 'left':
        this.#seen.delete(content.group);
        this.#leaving.delete(content.group);
        if (account && !account.read.accountsFor(account.published)) {
          throw new Error(
            `has read ${account.read} of ${content.group} when it left, published were ${account.published}`,
          );
        }
        break;
      case 'shed':
        this.#expectIn(content.group);
        account?.read.add(content);
        break;
      case 'pushes':
        for (const { group, lane, epoch = '', version = 0 } of content.deliveries) {
          this.#expectIn(group);
          if (lane === 'priority') this.#seeNext(group, { epoch, version });
        }
        account?.read.add(content);
        break;
      case 'probe':
        this.#answers.push({ ...content, arrivesAt: this.#clock.monotonic() + this.#delay() });
        break;
      case 'closed':
        this.cut(BACK_AFTER_MS);
    }
  }

  #answer(connection: VirtualConnection): void {
    for (;;) {
      const [next] = this.#answers;
      if (next === undefined || next.arrivesAt > this.#clock.monotonic()) return;
      this.#answers.shift();
      connection.answered(next.number, next.sentBefore);
    }
  }

  #expectIn(group: string): void {
    if (!this.#seen.has(group)) throw new Error(`got something of ${group}, which it is not in`);
  }

  #seeNext(group: string, position: Position): void {
    const seen = this.#seen.get(group);
    if (seen?.epoch !== position.epoch || position.version !== seen.version + 1) {
      throw new Error(`got ${text(position)} of ${group} after ${seen && text(seen)}`);
    }
    this.#seen.set(group, position);
  }
}
