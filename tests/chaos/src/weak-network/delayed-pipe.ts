/** One direction of a connection, in which every byte takes the same time and order is kept. */
import type { Socket } from 'node:net';

/** Bytes under way; beyond them the sender is not read. */
const WINDOW = 1_048_576;

export class DelayedPipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #delayMs: number;
  readonly #timers = new Set<NodeJS.Timeout>();
  #underWay = 0;
  #ended = false;

  constructor(from: Socket, to: Socket, delayMs: number) {
    this.#from = from;
    this.#to = to;
    this.#delayMs = delayMs;
    from.on('data', (bytes: Buffer) => this.#take(bytes));
    from.on('end', () => this.end());
  }

  /** What is under way arrives, and then the end. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#later(() => this.#to.end());
  }

  /** What is under way is gone. */
  stop(): void {
    this.#ended = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #take(bytes: Buffer): void {
    if (this.#ended) return;
    this.#underWay += bytes.byteLength;
    if (this.#underWay > WINDOW) this.#from.pause();
    this.#later(() => {
      this.#underWay -= bytes.byteLength;
      if (this.#underWay <= WINDOW) this.#from.resume();
      if (this.#to.writable) this.#to.write(bytes);
    });
  }

  /** Timers of one delay run in the order in which they were set. */
  #later(run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, this.#delayMs);
    this.#timers.add(timer);
  }
}
