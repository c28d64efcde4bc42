/**
 * The sessions of this gateway: those with a connection, by id and by user, and what is kept of those that lost it. Bounded:
 * the oldest lost session goes first; its client still has the ticket. Must not know how sessions begin.
 */
import type { Clock, Timer } from '@im/protocol/ports';
import type { Session } from './session.js';
import type { SessionSnapshot } from './session-snapshot.js';

export interface SessionRegistryOptions {
  readonly clock: Clock;
  /** How long a session is kept after its connection was lost. */
  readonly ttlMs: number;
  readonly maxLost: number;
}

/** Removals that are remembered by session. */
const MAX_REMOVED = 10_000;

interface Lost {
  readonly snapshot: SessionSnapshot;
  readonly expiresAt: number;
}

export class SessionRegistry {
  readonly #options: SessionRegistryOptions;
  readonly #held = new Map<string, Session>();
  /** As a rule a user has one: then without a list. */
  readonly #byUser = new Map<string, Session | readonly Session[]>();
  /** Ids of sessions that were removed as a whole, the latest; of those before, the log of `u:` knows. */
  readonly #removed = new Set<string>();
  /** In the order in which they expire. */
  readonly #lost = new Map<string, Lost>();
  #timer: Timer | undefined;

  constructor(options: SessionRegistryOptions) {
    this.#options = options;
  }

  get held(): number {
    return this.#held.size;
  }

  get lost(): number {
    return this.#lost.size;
  }

  /** The session, when it has a connection here. */
  holding(id: string): Session | undefined {
    return this.#held.get(id);
  }

  /** All sessions of a user that have a connection here. @param userGroup as on the bus */
  ofUser(userGroup: string): readonly Session[] {
    const sessions = this.#byUser.get(userGroup) ?? [];
    return 'id' in sessions ? [sessions] : sessions;
  }

  hold(session: Session): void {
    this.#held.set(session.id, session);
    const others = this.ofUser(session.userGroup);
    this.#byUser.set(session.userGroup, others.length > 0 ? others.concat(session) : session);
  }

  /** The user was removed with everything: nothing is kept of the session, and its tickets resume nothing. */
  remove(session: Session): void {
    this.#removed.add(session.id);
    if (this.#removed.size > MAX_REMOVED) for (const oldest of this.#removed) return void this.#removed.delete(oldest);
  }

  wasRemoved(id: string): boolean {
    return this.#removed.has(id);
  }

  /** The connection is gone. @param snapshot what is kept, if the session may come back */
  release(session: Session, snapshot: SessionSnapshot | undefined): void {
    if (this.#held.get(session.id) === session) this.#held.delete(session.id);
    const others = this.ofUser(session.userGroup).filter((each) => each !== session);
    const [other] = others;
    if (other === undefined) this.#byUser.delete(session.userGroup);
    else this.#byUser.set(session.userGroup, others.length > 1 ? others : other);
    if (snapshot && !this.#removed.has(session.id)) this.#keep(snapshot);
  }

  /** What is kept of a lost session; it is the caller's from now on. */
  take(id: string): SessionSnapshot | undefined {
    const lost = this.#lost.get(id);
    this.#lost.delete(id);
    return lost?.snapshot;
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#lost.clear();
  }

  #keep(snapshot: SessionSnapshot): void {
    const { clock, ttlMs, maxLost } = this.#options;
    this.#lost.delete(snapshot.session);
    this.#lost.set(snapshot.session, { snapshot, expiresAt: clock.monotonic() + ttlMs });
    if (this.#lost.size > maxLost) for (const [oldest] of this.#lost) return void this.#lost.delete(oldest);
    this.#timer ??= clock.after(ttlMs, this.#expire, { background: true });
  }

  readonly #expire = (): void => {
    this.#timer = undefined;
    const { clock } = this.#options;
    const now = clock.monotonic();
    for (const [id, { expiresAt }] of this.#lost) {
      if (expiresAt > now) {
        this.#timer = clock.after(expiresAt - now, this.#expire, { background: true });
        return;
      }
      this.#lost.delete(id);
    }
  };
}
