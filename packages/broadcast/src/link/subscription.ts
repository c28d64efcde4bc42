/**
 * One group that this process has subscribed. What a delivery needs lies in one object: with many groups in turn, each
 * further object is one more that the processor has to wait for.
 */
import type { LocalSubscriber } from '../memory/subscriber-table.js';

const NOBODY: readonly LocalSubscriber[] = [];

export class Subscription {
  /** Who wants it, mostly one; nobody while it lingers, and for good once it was withdrawn. */
  first: LocalSubscriber | undefined;
  others: readonly LocalSubscriber[] = NOBODY;

  /** @param index of its places in what links know by group; another's when it was withdrawn */
  constructor(
    readonly group: string,
    readonly index: number,
    first: LocalSubscriber,
  ) {
    this.first = first;
  }

  add(subscriber: LocalSubscriber): void {
    if (this.first === subscriber || this.others.includes(subscriber)) return;
    if (this.first === undefined) this.first = subscriber;
    else this.others = [...this.others, subscriber];
  }

  /** @returns whether it was there */
  remove(subscriber: LocalSubscriber): boolean {
    if (this.first === subscriber) {
      [this.first, ...this.others] = this.others;
      return true;
    }
    const others = this.others.filter((other) => other !== subscriber);
    const wasThere = others.length < this.others.length;
    this.others = others;
    return wasThere;
  }
}
