/** A connection as the broker sees it, caller or worker: what is to be sent to it, and how late its messages come. */
import { Transit } from '../connection/transit.js';
import { PackReader } from '../wire/pack-reader.js';
import { PackWriter } from '../wire/pack-writer.js';
import { KIND, NO_ID } from '../wire/record.js';
import { refusalWith } from './refusals.js';
import type { Turn } from './turn.js';

/** How the broker reaches a peer; the transport's. */
export interface PeerLink {
  /** Takes the frames over. What a peer does not read is dropped beyond a limit, and counted by the transport. */
  send(frames: Buffer[]): void;
  /** More should wait; the transport says when it is over. */
  readonly congested: boolean;
  /** The peer is in this process and has our clock. */
  readonly local: boolean;
}

export abstract class Peer {
  protected readonly turn: Turn;
  protected readonly reader = new PackReader();
  readonly writer = new PackWriter();
  readonly link: PeerLink;
  /** Liveness: rounds without a message. */
  silentRounds = 0;
  readonly #transit: Transit;
  readonly #onMalformed: () => void;
  #touched = false;
  #told = false;

  constructor(link: PeerLink, turn: Turn, onMalformed: () => void) {
    this.link = link;
    this.turn = turn;
    this.#transit = new Transit(link.local);
    this.#onMalformed = onMalformed;
  }

  /**
   * One message, as it came. The frames are the broker's from now on.
   * @param isTimed it says when it was sent; without, it is taken for not having waited
   */
  receive(frames: readonly Buffer[], isTimed = true): void {
    const { turn, reader } = this;
    turn.begin();
    this.silentRounds = 0;
    if (reader.open(frames)) {
      const waited = isTimed ? this.#transit.waited(reader.sentAtMs, turn.now) : 0;
      while (reader.next()) this.take(reader, waited);
    }
    if (reader.malformed) this.malformed();
  }

  /** @param waited milliseconds that the record spent on its way */
  protected abstract take(reader: PackReader, waited: number): void;

  /** The connection is gone for certain. */
  abstract lost(): void;

  /** Counted always, told once. */
  malformed(): void {
    this.#onMalformed();
    if (this.#told) return;
    this.#told = true;
    this.writer.text(KIND.error, NO_ID, refusalWith('MALFORMED', undefined));
    this.touch();
  }

  /** After each record written to it. */
  touch(): void {
    if (this.writer.isFull) this.link.send(this.writer.take(this.turn.now));
    else if (!this.#touched) {
      this.#touched = true;
      this.turn.touch(this);
    }
  }

  flush(now: number): void {
    this.#touched = false;
    if (!this.writer.isEmpty) this.link.send(this.writer.take(now));
  }
}
