/** One turn of the event loop in the broker: its time, and the peers that have something to be sent at its end. */
import type { Clock } from '@im/protocol/ports';
import type { Peer } from './peer.js';

export class Turn {
  /** Monotonic; the same for all that one turn does. */
  now: number;
  readonly #clock: Clock;
  #touched: Peer[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.now = clock.monotonic();
  }

  begin(): void {
    this.now = this.#clock.monotonic();
  }

  /** What was written for this peer goes out when the turn ends. */
  touch(peer: Peer): void {
    if (this.#touched.length === 0) process.nextTick(this.#end);
    this.#touched.push(peer);
  }

  readonly #end = (): void => {
    const touched = this.#touched;
    this.#touched = [];
    for (const peer of touched) peer.flush(this.now);
  };
}
