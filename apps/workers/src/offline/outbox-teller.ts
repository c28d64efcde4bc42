/**
 * Owns: taking messages out of the outbox, in order, while it is this process's turn: each is on record as taken before it is told, and as done
 * afterwards, so that whoever goes on tells what was not told to its end. Must not know how people are told.
 */
import type { Clock, Counter, Logger, Metrics, Timer } from '@im/protocol/ports';
import type { Entry } from '@im/timeline';
import { messageOf, type Outbox, type OutboxMessage } from './outbox.js';
import type { OutboxProgress } from './outbox-progress.js';
import type { OutboxTurn } from './outbox-turn.js';

/** Tells people. In memory. */
export interface Telling {
  /** How many are being told. */
  readonly size: number;
  /** @param done it was told, or never will be */
  tell(message: OutboxMessage, done: () => void): void;
  /** Forgets all: somebody else tells it. */
  abandon(): void;
  /** Gives what there is so long; what is left is not done. */
  close(graceMs: number): Promise<void>;
}

export interface OutboxTellerOptions {
  readonly outbox: Outbox;
  readonly turn: OutboxTurn;
  readonly telling: Telling;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** People who are being told; the next message is taken when there are fewer. */
const MAX_TELLING = 10_000;
/** How often the outbox is looked into, for what others have put there. */
const LOOK_MS = 250;
/** How often it is, while it is somebody else's turn. */
const WATCH_MS = 2_000;
/** What was done is on record after so long; and that somebody is there while anything is open. */
const KEEP_MS = 1_000;

export class OutboxTeller {
  readonly #options: OutboxTellerOptions;
  readonly #lost: Counter;
  readonly #turns: Counter;
  /** Undefined: it is not our turn. */
  #progress: OutboxProgress | undefined;
  /** All up to this version that is open is being told. */
  #cursor = 0;
  /** Something is not on record yet that was taken: it is not told before. */
  #isUnsaid = false;
  /** Something is done that is open on record. */
  #isChanged = false;
  #keptAt = 0;
  #waiting = 0;
  #round: Promise<void> | undefined;
  #isAgain = false;
  #isClosed = false;
  #timer: Timer | undefined;

  constructor(options: OutboxTellerOptions) {
    const { metrics } = options;
    this.#options = options;
    this.#lost = metrics.counter('im_workers_offline_lost_total', {
      help: 'Events of who was not connected that were not told, by reason.',
      labels: { sink: 'outbox', reason: 'full' },
    });
    this.#turns = metrics.counter('im_workers_offline_turns_total', {
      help: 'How often this process began to tell what is in the outbox.',
    });
    metrics.observe(
      'im_workers_offline_waiting',
      { help: 'Events of who was not connected that are to be told.', labels: { sink: 'outbox' } },
      () => this.#waiting,
    );
    this.#wait();
  }

  /** This process has put something into the outbox. */
  wake(): void {
    // Where it is somebody else's turn, that one looks.
    if (this.#progress || this.#options.turn.isFree) this.#look();
  }

  async close(graceMs: number): Promise<void> {
    const { telling, turn, logger } = this.#options;
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#round;
    await telling.close(graceMs);
    if (this.#progress === undefined) return;
    await turn
      .leave(this.#progress)
      .catch((error: unknown) => logger.warn('what was told is not on record', { error }));
  }

  #look(): void {
    if (this.#isClosed) return;
    this.#isAgain = true;
    this.#round ??= this.#run().finally(() => {
      this.#round = undefined;
      this.#wait();
    });
  }

  async #run(): Promise<void> {
    while (this.#isAgain && !this.#isClosed) {
      this.#isAgain = false;
      try {
        this.#progress ??= await this.#takeTurn();
        if (this.#progress) await this.#goOn(this.#progress);
      } catch (error) {
        this.#options.logger.warn('the outbox is out of reach', { error });
        return;
      }
    }
  }

  #wait(): void {
    this.#timer?.cancel();
    if (this.#isClosed) return;
    const delay = this.#progress ? LOOK_MS : WATCH_MS;
    this.#timer = this.#options.clock.after(delay, () => this.#look(), { background: true });
  }

  async #takeTurn(): Promise<OutboxProgress | undefined> {
    const { outbox, turn, clock } = this.#options;
    const progress = await turn.take(await outbox.head());
    if (progress === undefined) return undefined;
    this.#turns.add();
    this.#cursor = progress.start;
    this.#isUnsaid = false;
    this.#keptAt = clock.monotonic();
    return progress;
  }

  async #goOn(progress: OutboxProgress): Promise<void> {
    const { outbox, telling, clock } = this.#options;
    while (telling.size < MAX_TELLING && !this.#isClosed) {
      const page = await outbox.read(this.#cursor);
      // A record of the epoch before would look as if there were something to tell.
      this.#isChanged ||= page.epoch !== progress.epoch;
      this.#lost.add(progress.follow(page, this.#cursor));
      if (progress.upTo < this.#cursor) {
        // The log lost its end: others stand now where those stood that were told.
        telling.abandon();
        this.#cursor = progress.start;
        continue;
      }
      this.#waiting = page.version - this.#cursor;
      const last = page.entries.at(-1);
      if (last === undefined) break;
      if (last.version > progress.upTo) {
        progress.take(last.version);
        this.#isUnsaid = true;
      }
      if (this.#isUnsaid && !(await this.#keep(progress))) return;
      for (const entry of page.entries) if (telling.size < MAX_TELLING) this.#tell(progress, entry);
    }
    const isDue = clock.monotonic() - this.#keptAt >= KEEP_MS;
    if (isDue && (this.#isChanged || progress.openCount > 0)) await this.#keep(progress);
  }

  #tell(progress: OutboxProgress, entry: Entry): void {
    const { version } = entry;
    this.#cursor = version;
    if (!progress.isOpen(version)) return;
    const done = () => {
      progress.done(version);
      this.#isChanged = true;
    };
    const message = messageOf(entry);
    if (message) this.#options.telling.tell(message, done);
    else done();
  }

  /** @returns whether it is our turn still */
  async #keep(progress: OutboxProgress): Promise<boolean> {
    const { turn, telling, clock, logger } = this.#options;
    this.#isChanged = false;
    this.#keptAt = clock.monotonic();
    const isOurs = await turn.keep(progress).catch((error: unknown) => {
      this.#isChanged = true;
      throw error;
    });
    if (isOurs) {
      this.#isUnsaid = false;
      return true;
    }
    logger.warn('another worker tells of who is not connected: this one was not heard of for too long');
    this.#progress = undefined;
    telling.abandon();
    return false;
  }
}
