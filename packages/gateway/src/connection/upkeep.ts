/**
 * What has to happen to a connection in time: hello at first (PR-31), and its turn; then heartbeats (PR-110 to PR-113), the end of its token
 * (PR-40), and tickets that are always fresh (PR-91). One deadline at a time, the nearest.
 */
import type { CloseName, ServerMessage } from '@im/protocol';
import type { Session } from '../session/session.js';
import type { Surroundings } from '../surroundings.js';
import { Silence } from './silence.js';
import { Deadline } from './timer-wheel.js';

/** The connection, as its upkeep sees it. */
export interface Kept {
  send(message: ServerMessage<Uint8Array>): void;
  ping(): void;
  close(name: CloseName): void;
}

export class Upkeep extends Deadline {
  readonly #connection: Kept;
  readonly #surroundings: Surroundings;
  readonly #silence: Silence;
  /** Once welcomed. */
  #session: Session | undefined;
  #ticketIssuedAt = 0;
  #ticketRequested = false;
  #hasHello = false;

  /** Begins to wait for hello. */
  constructor(connection: Kept, surroundings: Surroundings) {
    super();
    const { clock, settings, wheel } = surroundings;
    this.#connection = connection;
    this.#surroundings = surroundings;
    this.#silence = new Silence(settings.heartbeatMs, clock.monotonic());
    wheel.set(this, settings.helloTimeoutMs);
  }

  /** Something came. @returns the time, in monotonic milliseconds */
  hear(): number {
    const now = this.#surroundings.clock.monotonic();
    this.#silence.end(now);
    return now;
  }

  /** Hello has come, and waits for its turn. */
  helloCame(): void {
    const { wheel, settings } = this.#surroundings;
    this.#hasHello = true;
    wheel.set(this, settings.welcomeTimeoutMs);
  }

  /** What becomes of a hello whose turn has come has its own deadlines. */
  helloBegins(): void {
    this.#surroundings.wheel.cancel(this);
  }

  /** @returns the ticket for the welcome */
  begin(session: Session): string {
    this.#session = session;
    const ticket = this.issueTicket(session);
    this.#setDeadline(session);
    return ticket;
  }

  end(): void {
    this.#session = undefined;
    this.#surroundings.wheel.cancel(this);
  }

  /** The ticket no longer tells the truth: a new one is sent at the end of the turn, once for all changes of it. */
  ticketOutdated(): void {
    if (this.#ticketRequested || !this.#session) return;
    this.#ticketRequested = true;
    this.#surroundings.afterTurn(() => {
      this.#ticketRequested = false;
      if (this.#session) this.#connection.send({ type: 'ticket', ticket: this.issueTicket(this.#session) });
    });
  }

  issueTicket(session: Session): string {
    const { clock, settings, tickets } = this.#surroundings;
    this.#ticketIssuedAt = clock.monotonic();
    return tickets.issue(session.snapshot(), clock.now() + settings.ticketTtlMs);
  }

  reached(): void {
    if (this.#session) this.#check(this.#session);
    else this.#connection.close(this.#hasHello ? 'TRY_AGAIN_LATER' : 'HELLO_TIMEOUT');
  }

  #check(session: Session): void {
    const { clock, settings } = this.#surroundings;
    const now = clock.monotonic();
    const { expiresAt } = session.identity;
    const action = this.#silence.check(now);
    if (expiresAt !== undefined && clock.now() >= expiresAt) {
      this.#connection.close('TOKEN_EXPIRED');
    } else if (action === 'close') {
      this.#connection.close('HEARTBEAT_TIMEOUT');
    } else {
      if (action === 'ping') this.#connection.ping();
      if (now - this.#ticketIssuedAt >= settings.ticketTtlMs / 2) this.ticketOutdated();
      // Sending may have closed it.
      if (this.#session) this.#setDeadline(session);
    }
  }

  #setDeadline({ identity: { expiresAt } }: Session): void {
    const { clock, settings, wheel } = this.#surroundings;
    const now = clock.monotonic();
    const expiry = expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt - clock.now();
    const renewal = this.#ticketIssuedAt + settings.ticketTtlMs / 2 - now;
    wheel.set(this, Math.min(this.#silence.untilCheck(now), expiry, renewal));
  }
}
