/**
 * A caller's or worker's standing connection to one broker: opens its link, asks whether the broker lives, opens another
 * when it does not, and packs what one turn of the event loop sends. Knows nothing of calls.
 */
import type { Clock, Random, Timer } from '@im/protocol/ports';
import { PackReader } from '../wire/pack-reader.js';
import { PackWriter } from '../wire/pack-writer.js';
import { KIND } from '../wire/record.js';
import type { Connector, Link } from './link.js';
import { Transit } from './transit.js';

export interface BrokerConnectionOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly connector: Connector;
  /** The broker answers: what is written from now on reaches it. */
  onUp(): void;
  /** It does not any more; what was written may or may not have reached it. */
  onDown(): void;
  /** One record; the reader stands at it. @param waited milliseconds it spent on its way */
  onRecord(reader: PackReader, waited: number): void;
}

export const PING_MS = 1_000;
const MISSED_ROUNDS = 3;
const REOPEN_MS = 200;

/**
 * opening (a link is there, nobody answered yet) → up → down (no link, waits a moment) → opening; closed from each.
 */
export type ConnectionState = 'opening' | 'up' | 'down' | 'closed';

export class BrokerConnection {
  /** Call `touch` after each record. Only while the state is `up`. */
  readonly writer = new PackWriter();
  readonly #options: BrokerConnectionOptions;
  readonly #reader = new PackReader();
  #transit: Transit;
  #state: ConnectionState = 'down';
  #link: Link | undefined;
  #timer: Timer | undefined;
  #touched = false;
  /** What the first record of this turn says of time, holds from here on. */
  #touchedAt = 0;
  /** Rounds without a message. */
  #silent = 0;
  #loopTurned = true;

  constructor(options: BrokerConnectionOptions) {
    this.#options = options;
    this.#transit = new Transit(options.connector.local);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get congested(): boolean {
    return this.#link?.congested ?? false;
  }

  open(): void {
    if (this.#state !== 'down') return;
    this.#state = 'opening';
    this.#silent = 0;
    const { connector } = this.#options;
    this.#transit = new Transit(connector.local);
    const link = connector.open({
      onMessage: (frames) => {
        if (this.#link === link) this.#receive(frames);
      },
      onBroken: () => {
        if (this.#link === link) this.#down();
      },
    });
    this.#link = link;
    if (connector.local) {
      this.#up();
      return;
    }
    this.#ping();
    this.#watch();
  }

  /** Sends at the end of this turn what was written, together. */
  touch(): void {
    if (this.writer.isFull) this.#send();
    else if (!this.#touched) {
      this.#touched = true;
      this.#touchedAt = this.#options.clock.monotonic();
      process.nextTick(this.#flush);
    }
  }

  /** Says goodbye; what was written before still goes out. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    if (this.#state === 'up') {
      this.writer.text(KIND.bye, 0);
      this.#send();
    }
    this.#state = 'closed';
    this.#timer?.cancel();
    this.writer.clear();
    const link = this.#link;
    this.#link = undefined;
    await link?.close();
  }

  readonly #flush = (): void => {
    this.#touched = false;
    if (!this.writer.isEmpty) this.#send();
  };

  #send(): void {
    if (this.#link === undefined) this.writer.clear();
    else this.#link.send(this.writer.take(Math.floor(this.#touchedAt)));
  }

  #receive(frames: readonly Buffer[]): void {
    this.#silent = 0;
    const reader = this.#reader;
    if (!reader.open(frames)) return;
    const waited = this.#transit.waited(reader.sentAtMs, this.#options.clock.monotonic());
    while (reader.next()) {
      if (reader.kind !== KIND.pong) this.#options.onRecord(reader, waited);
      else if (this.#state === 'opening') this.#up();
      if (this.#state === 'closed') return;
    }
  }

  #up(): void {
    this.#state = 'up';
    this.#options.onUp();
  }

  #down(): void {
    const wasUp = this.#state === 'up';
    this.#state = 'down';
    this.#timer?.cancel();
    this.writer.clear();
    const link = this.#link;
    this.#link = undefined;
    void link?.close();
    const { clock, random, onDown } = this.#options;
    // Not in the background: a worker without a broker has nothing else that keeps its process alive.
    this.#timer = clock.after(REOPEN_MS * (0.5 + random()), () => this.open());
    if (wasUp) onDown();
  }

  #ping(): void {
    this.writer.text(KIND.ping, 0);
    this.touch();
  }

  /** A round counts only if the event loop read messages since the last: a stall of ours makes no broker dead. */
  #watch(): void {
    this.#timer = this.#options.clock.after(
      PING_MS,
      () => {
        if (this.#loopTurned) {
          this.#loopTurned = false;
          setImmediate(() => {
            this.#loopTurned = true;
          });
          if (this.#state === 'up') {
            if (++this.#silent > MISSED_ROUNDS) return this.#down();
            if (this.#silent > 0) this.#ping();
          } else if (this.#link?.hasUnsent === false) this.#ping();
        }
        this.#watch();
      },
      { background: true },
    );
  }
}
