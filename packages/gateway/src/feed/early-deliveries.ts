/** Priority deliveries of one group and epoch that came before their turn. Bounded: what does not fit is read from the log. */
import type { Delivery, Position } from '@im/protocol';

const MAX_DELIVERIES = 128;
const MAX_BYTES = 1024 * 1024;

export class EarlyDeliveries {
  readonly #byVersion = new Map<number, Delivery>();
  #epoch = '';
  #bytes = 0;

  get size(): number {
    return this.#byVersion.size;
  }

  /** Those of the epoch that was heard of last are kept. */
  add(delivery: Delivery, epoch: string, version: number): void {
    if (epoch !== this.#epoch) {
      this.clear();
      this.#epoch = epoch;
    }
    if (this.#byVersion.has(version) || this.#byVersion.size >= MAX_DELIVERIES) return;
    if (this.#bytes + delivery.body.length > MAX_BYTES) return;
    this.#byVersion.set(version, delivery);
    this.#bytes += delivery.body.length;
  }

  take(epoch: string, version: number): Delivery | undefined {
    if (epoch !== this.#epoch) return undefined;
    const delivery = this.#byVersion.get(version);
    if (delivery) this.#remove(version, delivery);
    return delivery;
  }

  lowest(epoch: string): number | undefined {
    if (epoch !== this.#epoch || this.#byVersion.size === 0) return undefined;
    return Math.min(...this.#byVersion.keys());
  }

  /** Drops what lies at or below the position. */
  forget({ epoch, version }: Position): void {
    if (epoch !== this.#epoch) return;
    for (const [each, delivery] of this.#byVersion) if (each <= version) this.#remove(each, delivery);
  }

  clear(): void {
    this.#byVersion.clear();
    this.#bytes = 0;
  }

  #remove(version: number, delivery: Delivery): void {
    this.#byVersion.delete(version);
    this.#bytes -= delivery.body.length;
  }
}
