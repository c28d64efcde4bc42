/**
 * The hearts of a room: taps go out once a second as one call, and come back in the room's pushes, of which each carries
 * what everybody gave in a moment. Owns the count; draws nothing, and must not know the client.
 */

/** Most that one call takes. */
const MOST_OF_A_CALL = 100;
const COLLECT_MS = 1_000;

export interface LikesOptions {
  /** Rejects when the room will not hear of them. */
  send(count: number): Promise<unknown>;
  /** @param total so many were given since the page came @param others of those that are new, which others gave */
  show(total: string, others: number): void;
}

export class Likes {
  readonly #options: LikesOptions;
  /** Taps that were not sent yet. */
  #taps = 0;
  /** Sent, and not come back. */
  #own = 0;
  #total = 0;
  #isExact = true;
  #isCollecting = false;

  constructor(options: LikesOptions) {
    this.#options = options;
  }

  tap(): void {
    this.#taps++;
    this.#collect();
  }

  /** A push. @param sum of what it stands for */
  receive(sum: number): void {
    const own = Math.min(this.#own, sum);
    this.#own -= own;
    this.#total += sum;
    this.#show(sum - own);
  }

  /** Nobody knows how many more were given: from now on the total is the least it can be. */
  missed(): void {
    if (this.#total === 0) return;
    this.#isExact = false;
    this.#show(0);
  }

  #show(others: number): void {
    this.#options.show(this.#total.toLocaleString() + (this.#isExact ? '' : '+'), others);
  }

  #collect(): void {
    if (this.#isCollecting) return;
    this.#isCollecting = true;
    setTimeout(() => {
      this.#isCollecting = false;
      const count = Math.min(this.#taps, MOST_OF_A_CALL);
      this.#taps -= count;
      void this.#send(count);
      if (this.#taps > 0) this.#collect();
    }, COLLECT_MS);
  }

  async #send(count: number): Promise<void> {
    this.#own += count;
    try {
      await this.#options.send(count);
    } catch {
      // A like that is lost is no loss.
      this.#own = Math.max(0, this.#own - count);
    }
  }
}
