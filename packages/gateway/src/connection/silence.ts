/**
 * How long a client has been silent, and what is done about it (PR-110, PR-112, PR-113). State only: the caller says what time it
 * is, in monotonic milliseconds.
 */

/** In heartbeats. */
const PING_AFTER = 1.5;
const CLOSE_AFTER = 2.5;

export class Silence {
  readonly #heartbeatMs: number;
  #since: number;
  #pinged = false;

  constructor(heartbeatMs: number, now: number) {
    this.#heartbeatMs = heartbeatMs;
    this.#since = now;
  }

  /** Something was heard. */
  end(now: number): void {
    this.#since = now;
    this.#pinged = false;
  }

  /** What is to be done now; a ping is asked for once a silence. */
  check(now: number): 'wait' | 'ping' | 'close' {
    const silentMs = now - this.#since;
    if (silentMs >= this.#heartbeatMs * CLOSE_AFTER) return 'close';
    if (this.#pinged || silentMs < this.#heartbeatMs * PING_AFTER) return 'wait';
    this.#pinged = true;
    return 'ping';
  }

  /** Milliseconds until {@link check} has to be asked again. */
  untilCheck(now: number): number {
    return this.#since + this.#heartbeatMs * (this.#pinged ? CLOSE_AFTER : PING_AFTER) - now;
  }
}
