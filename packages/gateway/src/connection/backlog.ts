/**
 * What one connection was sent and the network has not taken (PR-86, PR-87). Owns the two limits and whoever waits for relief.
 *
 * Seam: once clients confirm what they have read, what is unconfirmed counts here too.
 */
import type { Link } from '../link.js';

export interface BacklogLimits {
  readonly softBacklogBytes: number;
  readonly hardBacklogBytes: number;
}

export class Backlog {
  readonly #link: Link;
  readonly #limits: BacklogLimits;
  #waiting: (() => void)[] | undefined;

  constructor(link: Link, limits: BacklogLimits) {
    this.#link = link;
    this.#limits = limits;
  }

  get congested(): boolean {
    return this.#link.bufferedBytes > this.#limits.softBacklogBytes;
  }

  get overflowing(): boolean {
    return this.#link.bufferedBytes > this.#limits.hardBacklogBytes;
  }

  /** Settles once it is no longer congested, or is closed. */
  async relieved(): Promise<void> {
    if (!this.congested) return;
    await new Promise<void>((resolve) => {
      this.#waiting ??= [];
      this.#waiting.push(resolve);
    });
  }

  /** Something has gone out. */
  drained(): void {
    if (!this.congested) this.close();
  }

  /** Nobody needs to wait any longer. */
  close(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (const settle of waiting ?? []) settle();
  }
}
