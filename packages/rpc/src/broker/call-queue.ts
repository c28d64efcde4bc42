/** Calls that wait, in order of arrival. Linked through the calls themselves: adding and removing any of them is O(1). */
import type { BrokerCall } from './broker-call.js';

export class CallQueue {
  #first: BrokerCall | undefined;
  #last: BrokerCall | undefined;

  get first(): BrokerCall | undefined {
    return this.#first;
  }

  get last(): BrokerCall | undefined {
    return this.#last;
  }

  push(call: BrokerCall): void {
    call.queue = this;
    call.previous = this.#last;
    if (this.#last === undefined) this.#first = call;
    else this.#last.next = call;
    this.#last = call;
  }

  /** The call must be in this queue. */
  remove(call: BrokerCall): void {
    const { previous, next } = call;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    call.queue = call.previous = call.next = undefined;
  }
}
