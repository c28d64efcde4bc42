/**
 * Answers to heartbeats (PR-111), given together at a tick of the timer wheel: heartbeats are all that most connections say, and to write to one client
 * whenever it happens to ask costs nearly twice what it costs among others. Must not know what an answer is.
 */
import { Deadline, type TimerWheel } from './timer-wheel.js';

/** A connection whose client waits for an answer. */
export interface Owed {
  answerPing(): void;
}

export interface HeartbeatAnswersOptions {
  readonly wheel: TimerWheel;
  /** Runs something once, in the next turn. */
  readonly nextTurn: (run: () => void) => void;
}

/** Clients of a carrier that comes back may all ask at once, and an answer costs the loop 10 to 20 µs. */
const PER_TURN = 128;

export class HeartbeatAnswers extends Deadline {
  readonly #options: HeartbeatAnswersOptions;
  /** In the order in which they asked; as many as there are connections at most. While there are any, a tick or a turn is waited for. */
  readonly #owed = new Set<Owed>();

  constructor(options: HeartbeatAnswersOptions) {
    super();
    this.#options = options;
  }

  /** Answers it within two ticks, or in the turns behind that where many ask; once, should it ask again before. */
  owe(connection: Owed): void {
    if (this.#owed.size === 0) this.#options.wheel.set(this, 0);
    this.#owed.add(connection);
  }

  /** It is closed. */
  forget(connection: Owed): void {
    if (this.#owed.delete(connection) && this.#owed.size === 0) this.#options.wheel.cancel(this);
  }

  reached(): void {
    this.#answer();
  }

  readonly #answer = (): void => {
    let left = PER_TURN;
    for (const connection of this.#owed) {
      if (left === 0) {
        this.#options.nextTurn(this.#answer);
        return;
      }
      left -= 1;
      this.#owed.delete(connection);
      connection.answerPing();
    }
  };
}
