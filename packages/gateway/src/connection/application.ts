/**
 * A hello on its way: it waits for its turn, and is let in or refused; what came behind it waits for the welcome. Must not know what
 * the client is told.
 */
import type { Hello } from '@im/protocol';
import { Cancellation } from '@im/rpc';
import { type Admitted, type Applicant, admit, Refusal } from '../session/admission.js';
import type { Session, SessionHolder } from '../session/session.js';
import type { Surroundings } from '../surroundings.js';
import { EarlyCommands } from './early-commands.js';
import type { Applying } from './turn-queue.js';

/** The connection, as its application sees it. Hears nothing more of one that it has withdrawn. */
export interface Applier extends SessionHolder {
  readonly address: string;
  /** The turn of its hello has come. */
  onTurn(): void;
  onAdmitted(admitted: Admitted, application: Application): void;
  onRefused(refusal: Refusal, application: Application): void;
}

export class Application implements Applying, Applicant {
  readonly hello: Hello;
  readonly holder: Applier;
  /** Commands that wait for the welcome. */
  readonly early = new EarlyCommands();
  readonly signal = new Cancellation();
  readonly #surroundings: Surroundings;
  /** Once the token is verified. */
  #session: Session | undefined;
  #isWithdrawn = false;

  constructor(hello: Hello, holder: Applier, surroundings: Surroundings) {
    this.hello = hello;
    this.holder = holder;
    this.#surroundings = surroundings;
  }

  get address(): string {
    return this.holder.address;
  }

  /** @returns false when too many wait */
  wait(): boolean {
    return this.#surroundings.hellos.enter(this);
  }

  async begin(): Promise<void> {
    this.holder.onTurn();
    const outcome = await admit(this, this.#surroundings);
    if (this.#isWithdrawn || outcome === undefined) return;
    if (outcome instanceof Refusal) this.holder.onRefused(outcome, this);
    else this.holder.onAdmitted(outcome, this);
  }

  onSession(session: Session): void {
    this.#session = session;
  }

  /** The connection is gone. @returns a session that is to be left */
  withdraw(): Session | undefined {
    this.#isWithdrawn = true;
    this.#surroundings.hellos.leave(this);
    this.signal.abort();
    return this.#session;
  }
}
