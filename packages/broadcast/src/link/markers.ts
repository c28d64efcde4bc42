/**
 * Markers that are set at a node: subscribed and withdrawn at once, and answered by the node when it comes to them. So an answer proves
 * that everything subscribed before is in force there.
 */
import type { Clock } from '@im/protocol/ports';

/** A marker, or its answer, may be lost: then it is set again. */
const AGAIN_MS = 1_000;

interface Marker {
  readonly name: string;
  setAt: number;
  /** Its answer has come, or will not. */
  readonly then: () => void;
}

export class Markers {
  readonly #clock: Clock;
  readonly #tell: (name: string) => void;
  #last = 0;
  /** Those that the node has not answered. */
  readonly #open = new Map<number, Marker>();

  /** @param tell subscribes to the marker and withdraws it */
  constructor(clock: Clock, tell: (name: string) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** @param kind what the node is to do besides answering */
  set(kind: string, then: () => void): void {
    this.#last++;
    const name = `${kind}${this.#last}`;
    this.#open.set(this.#last, { name, setAt: this.#clock.monotonic(), then });
    this.#tell(name);
  }

  answered(number: number): void {
    const marker = this.#open.get(number);
    this.#open.delete(number);
    marker?.then();
  }

  /** Sets again what should have been answered by now. */
  check(now: number): void {
    for (const marker of this.#open.values()) {
      if (now - marker.setAt < AGAIN_MS) continue;
      marker.setAt = now;
      this.#tell(marker.name);
    }
  }

  /** The node is gone: nobody waits any longer. */
  end(): void {
    const markers = [...this.#open.values()];
    this.#open.clear();
    for (const { then } of markers) then();
  }
}
