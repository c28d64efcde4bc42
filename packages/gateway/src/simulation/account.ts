/**
 * The books of one membership: what was published during it, what its viewer was written, what it has read. Filled by what goes
 * over the link, never by counters of the system under test.
 */

import type { Written } from '@im/groups/testing';
import type { Position } from '@im/protocol';
import type { RoomLog } from './room-log.js';

type Pushes = Extract<Written, { type: 'pushes' }>;
type Shed = Extract<Written, { type: 'shed' }>;

/** What one side knows of the normal lane. */
class Column {
  /** Delivered, conflated, or told as shed here. */
  messages = 0;
  /** Told, or known, as lost on the way here. */
  lost = 0;
  /** Some were lost and nobody knows how many. */
  lostUnknown = false;

  add(content: Pushes | Shed): void {
    if (content.type === 'pushes') {
      for (const { lane, conflated = 0 } of content.deliveries) if (lane === 'normal') this.messages += 1 + conflated;
    } else if (content.reason !== 'upstream') this.messages += content.count ?? Number.NaN;
    else if (content.count === undefined) this.lostUnknown = true;
    else this.lost += content.count;
  }

  equals(other: Column): boolean {
    if (this.messages !== other.messages || this.lostUnknown !== other.lostUnknown) return false;
    // A sum with an unknown part is told without a number.
    return this.lostUnknown || this.lost === other.lost;
  }

  toString(): string {
    return `${this.messages} messages, ${this.lost}${this.lostUnknown ? ' or more' : ''} lost`;
  }
}

export class Account {
  readonly published = new Column();
  readonly written = new Column();
  readonly read = new Column();
  /** Up to where the priority lane was written. */
  position: Position;
  readonly #log: RoomLog;
  /** Number of the last normal message before it began. */
  readonly #beganAfter: number;
  /** Number of the last message that was written, by publisher. */
  readonly #last = new Map<number, number>();

  constructor(log: RoomLog, position: Position) {
    this.#log = log;
    this.position = position;
    this.#beganAfter = log.chats;
  }

  /** How many normal messages nobody has accounted for to this viewer. */
  get pending(): number {
    return this.published.messages - this.written.messages;
  }

  /** @throws Error for what must not be written to this viewer now */
  write(content: Written): void {
    if (content.type === 'reset') {
      this.position = { epoch: content.epoch, version: content.version };
      return;
    }
    this.written.add(content);
    if (content.type === 'pushes') for (const delivery of content.deliveries) this.#writeOne(delivery);
    // "Never more": also where a lost count is told together with an unknown one.
    if (this.pending < 0) throw new Error(`was written ${this.written}, but published were ${this.published}`);
  }

  #writeOne(delivery: Pushes['deliveries'][number]): void {
    const { epoch = '', version = 0 } = delivery;
    if (delivery.lane === 'priority') {
      if (epoch !== this.position.epoch || version !== this.position.version + 1) {
        throw new Error(`was written ${epoch}/${version} after ${text(this.position)}`);
      }
      this.position = { epoch, version };
      return;
    }
    if (!this.isLevel) throw new Error('was written a normal message before a priority one that waited');
    const { by, number } = this.#log.chatOf(delivery);
    if (number <= (this.#last.get(by) ?? this.#beganAfter)) throw new Error(`message ${number} twice, or too late`);
    this.#last.set(by, number);
  }

  /** Whether it was written all priority messages. */
  get isLevel(): boolean {
    const { epoch, version } = this.#log.head;
    return this.position.epoch === epoch && this.position.version === version;
  }
}

export function text({ epoch, version }: Position): string {
  return `${epoch}/${version}`;
}
