/**
 * The books of one membership: what was published during it, what its viewer was written, what it has read. Filled by what goes
 * over the link, never by counters of the system under test.
 */

import type { Written } from '@im/groups/testing';
import type { Delivery, Position } from '@im/protocol';
import type { RoomLog } from './room-log.js';

type Pushes = Extract<Written, { type: 'pushes' }>;
type Shed = Extract<Written, { type: 'shed' }>;

/** What one side knows of the normal lane. */
class Column {
  /** Delivered, conflated, or told as shed here. */
  messages = 0;
  /** Told as shed because the room had too many: some of these may have been of a sum. */
  overBudget = 0;
  /** Of summed messages, by key. */
  readonly #sums = new Map<string, number>();
  /** Told, or known, as lost on the way here. */
  lost = 0;
  /** Some were lost and nobody knows how many. */
  lostUnknown = false;

  add(content: Pushes | Shed): void {
    if (content.type === 'pushes') {
      for (const delivery of content.deliveries) if (delivery.lane === 'normal') this.#addOne(delivery);
    } else if (content.reason !== 'upstream') {
      this.messages += content.count ?? Number.NaN;
      if (content.reason === 'budget') this.overBudget += content.count ?? Number.NaN;
    } else if (content.count === undefined) this.lostUnknown = true;
    else this.lost += content.count;
  }

  /** Whether it accounts for what was published. */
  accountsFor(other: Column): boolean {
    if (this.messages !== other.messages || this.lostUnknown !== other.lostUnknown) return false;
    // What is conflated is kept for a slow viewer: of few keys, as here, sums stay exact.
    if (this.overBudget === 0)
      for (const key of other.#sums.keys()) if (this.#sums.get(key) !== other.#sums.get(key)) return false;
    // A sum with an unknown part is told without a number.
    return this.lostUnknown || this.lost === other.lost;
  }

  #addOne({ conflated = 0, terms }: Delivery): void {
    this.messages += 1 + conflated;
    const conflate = terms?.conflate;
    if (conflate?.mode === 'sum') this.#sums.set(conflate.key, (this.#sums.get(conflate.key) ?? 0) + conflate.amount);
  }

  toString(): string {
    const sums = [...this.#sums].map(([key, sum]) => `${key} ${sum}`);
    return `${this.messages} messages (${sums.join(', ')}), ${this.lost}${this.lostUnknown ? ' or more' : ''} lost`;
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

  /**
   * @param isLast the connection is being closed: what is kept for it is written before what comes
   * @throws Error for what must not be written to this viewer now
   */
  write(content: Written, isLast = false): void {
    if (content.type === 'reset') {
      this.position = { epoch: content.epoch, version: content.version };
      return;
    }
    this.written.add(content);
    if (content.type === 'pushes') for (const delivery of content.deliveries) this.#writeOne(delivery, isLast);
    // "Never more": also where a lost count is told together with an unknown one.
    if (this.pending < 0) throw new Error(`was written ${this.written}, but published were ${this.published}`);
  }

  #writeOne(delivery: Delivery, isLast: boolean): void {
    const { epoch = '', version = 0 } = delivery;
    if (delivery.lane === 'priority') {
      if (epoch !== this.position.epoch || version !== this.position.version + 1) {
        throw new Error(`was written ${epoch}/${version} after ${text(this.position)}`);
      }
      this.position = { epoch, version };
      return;
    }
    if (!this.isLevel && !isLast) throw new Error('was written a normal message before a priority one that waited');
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
