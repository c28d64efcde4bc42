/**
 * Compares sessions that were let in with the register of all gateways, a little later: what tells gateways of each other may be lost
 * on the way, the register is not. While it is away it is asked again and again. Bounded by the connections there are: each session
 * waits once. Must not know which sessions exclude each other, nor what becomes of them.
 */
import type { Clock, Logger, Timer } from '@im/protocol/ports';
import type { Session } from '../session/session.js';
import type { UserRegister, UserSession } from '../user-register.js';

/** At least so long after a session began, at most twice: the register is told within a second. */
const ROUND_MS = 2_000;
/** The register forgets a dead gateway within ten seconds: whoever is there for longer should have heard. */
const MAX_ROUNDS = 8;
const AT_ONCE = 32;

export interface DeviceCheckOptions {
  readonly users: UserRegister;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly isHeld: (session: Session) => boolean;
  readonly areRivals: (session: Session, other: UserSession) => boolean;
  readonly announce: (session: Session) => void;
}

export class DeviceCheck {
  readonly #options: DeviceCheckOptions;
  /** How often each of them was compared; those of `next` came during the round at hand. */
  readonly #current = new Map<Session, number>();
  readonly #next = new Map<Session, number>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: DeviceCheckOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#current.size + this.#next.size;
  }

  add(session: Session, rounds = 0): void {
    if (this.#closed) return;
    this.#next.set(session, rounds);
    this.#timer ??= this.#options.clock.after(ROUND_MS, this.#run, { background: true });
  }

  /** The session is closed: it need not wait any longer. */
  forget(session: Session): void {
    this.#current.delete(session);
    this.#next.delete(session);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#current.clear();
    this.#next.clear();
  }

  readonly #run = (): void => void this.#round();

  async #round(): Promise<void> {
    const sessions = this.#current.keys();
    // While the register is away all of these end at once: who is left is compared in the next round.
    await Promise.allSettled(Array.from({ length: AT_ONCE }, () => this.#compareSome(sessions)));
    if (this.#closed) return;
    for (const [session, rounds] of this.#next) this.#current.set(session, rounds);
    this.#next.clear();
    const more = this.#current.size > 0;
    this.#timer = more ? this.#options.clock.after(ROUND_MS, this.#run, { background: true }) : undefined;
  }

  async #compareSome(sessions: Iterator<Session>): Promise<void> {
    for (let { value: session, done } = sessions.next(); !done; { value: session, done } = sessions.next()) {
      await this.#compare(session as Session);
    }
  }

  async #compare(session: Session): Promise<void> {
    const { users, isHeld, areRivals, announce, logger } = this.#options;
    const before = this.#current.get(session) ?? 0;
    // Also when it fails: others come first then.
    this.#current.delete(session);
    const others = await users.sessionsOf(session.userGroup).catch((error: unknown) => {
      if (isHeld(session)) this.add(session, before);
      throw error;
    });
    const rounds = before + 1;
    if (!isHeld(session) || !others.some((other) => areRivals(session, other))) return;
    announce(session);
    if (rounds < MAX_ROUNDS) this.add(session, rounds);
    else logger.warn('a connection that was replaced is still there', { user: session.identity.user });
  }
}
