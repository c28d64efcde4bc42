/** What one publisher sends to one group on one lane, in order, and what it was answered. Must not know who receives it. */
import type { Lane, Position } from '@im/protocol';

export interface Sent {
  /** When it was first sent, by the run's clock. */
  readonly at: number;
  /**
   * acknowledged: it counts. refused: the system said that it took nothing. open: sent, or answered by an error after which it may
   * have gone out or not.
   */
  outcome: 'open' | 'acknowledged' | 'refused';
  /** In the group's log; of acknowledged ones of the priority lane. */
  position?: Position;
}

export class Stream {
  readonly messages: Sent[] = [];

  constructor(
    /** Its place in the book. */
    readonly number: number,
    readonly publisher: string,
    readonly group: string,
    readonly lane: Lane,
  ) {}

  /** @returns its number in this stream, from 0 */
  send(at: number): number {
    return this.messages.push({ at, outcome: 'open' }) - 1;
  }

  acknowledge(number: number, position?: Position): void {
    const message = this.#at(number);
    message.outcome = 'acknowledged';
    if (position !== undefined) message.position = position;
  }

  refuse(number: number): void {
    this.#at(number).outcome = 'refused';
  }

  /** Of those from `from` on. */
  count(outcome: Sent['outcome'], from: number): number {
    let count = 0;
    for (let at = from; at < this.messages.length; at += 1) if (this.#at(at).outcome === outcome) count += 1;
    return count;
  }

  #at(number: number): Sent {
    const message = this.messages[number];
    if (message === undefined) throw new RangeError(`stream ${this.number} has no message ${number}`);
    return message;
  }
}
