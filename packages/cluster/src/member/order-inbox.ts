/** Which of the orders that managers repeat are new, and for this run of this node. */
import { type DrainOrder, MAX_ORDERS } from '../drain-order.js';

export class OrderInbox {
  readonly #incarnation: string;
  /** Names of orders that were heard, the oldest first. */
  readonly #heard = new Set<string>();
  readonly #listeners = new Set<(order: DrainOrder) => void>();
  #standing: DrainOrder | undefined;

  /** @param incarnation of this run */
  constructor(incarnation: string) {
    this.#incarnation = incarnation;
  }

  heard(orders: readonly DrainOrder[]): void {
    for (const order of orders) {
      if (order.incarnation !== this.#incarnation || this.#heard.has(order.order)) continue;
      this.#heard.add(order.order);
      if (this.#heard.size > MAX_ORDERS) this.#heard.delete([...this.#heard][0] as string);
      this.#standing = order;
      for (const listener of [...this.#listeners]) listener(order);
    }
  }

  /** Called at once with the order that stands. @returns ends it */
  subscribe(listener: (order: DrainOrder) => void): () => void {
    // Wrapped, so that one function can be given twice.
    const own = (order: DrainOrder): void => listener(order);
    this.#listeners.add(own);
    if (this.#standing !== undefined) own(this.#standing);
    return () => void this.#listeners.delete(own);
  }
}
