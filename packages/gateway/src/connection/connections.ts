/** The connections of one gateway: which there are, how many of them are open, and who waits for that to change. */
import type { Clock } from '@im/protocol/ports';
import type { Connection, ConnectionOwner } from './connection.js';

export class Connections implements ConnectionOwner {
  readonly #clock: Clock;
  /** Open, and closed ones whose links are not gone yet. */
  readonly #present = new Set<Connection>();
  #open = 0;
  /** Called after each change. */
  readonly #watchers = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many are not closed. */
  get open(): number {
    return this.#open;
  }

  /** How many have a link, closed ones too. */
  get size(): number {
    return this.#present.size;
  }

  /** A copy. */
  all(): readonly Connection[] {
    return [...this.#present];
  }

  add(connection: Connection): void {
    this.#present.add(connection);
    this.#open++;
  }

  onClosed(): void {
    this.#open--;
    this.lookAgain();
  }

  onGone(connection: Connection): void {
    this.#present.delete(connection);
    this.lookAgain();
  }

  /** Settles when the condition holds, looked at after each change, or when the time is over. */
  until(condition: () => boolean, timeoutMs?: number): Promise<void> {
    if (condition() || timeoutMs === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        this.#watchers.delete(look);
        timer?.cancel();
        resolve();
      };
      const timer = timeoutMs === undefined ? undefined : this.#clock.after(timeoutMs, finish);
      const look = (): void => {
        if (condition()) finish();
      };
      this.#watchers.add(look);
    });
  }

  /** Something else that a condition depends on has changed. */
  lookAgain(): void {
    for (const look of this.#watchers) look();
  }
}
