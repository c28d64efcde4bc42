/**
 * Keeps each user to the connections that the policy of the product has room for (PR-142): of two that exclude each other the session
 * that signed in earlier is closed, wherever it is. Gateways tell each other over the bus, by a normal message to `u:<user>` that no
 * client sees, and answer one that is older than what they hold; `device-check.ts` finds what such a message did not reach.
 */
import type { Publisher } from '@im/broadcast';
import type { Delivery } from '@im/protocol';
import type { Clock, Logger } from '@im/protocol/ports';
import type { Session } from '../session/session.js';
import type { SessionRegistry } from '../session/session-registry.js';
import type { UserRegister, UserSession } from '../user-register.js';
import { DeviceCheck } from './device-check.js';
import { type Contender, type DevicePolicy, exclude, isNewer, type Place } from './device-policy.js';

export const DEVICE_EVENT = '$device';

export interface DeviceRuleOptions {
  readonly policyOf: (product: string | undefined) => DevicePolicy;
  readonly sessions: SessionRegistry;
  readonly publisher: Publisher;
  /** Undefined: there is one gateway, or the bus alone must do. */
  readonly users: UserRegister | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class DeviceRule {
  readonly #options: DeviceRuleOptions;
  readonly #check: DeviceCheck | undefined;

  constructor(options: DeviceRuleOptions) {
    const { users, sessions, clock, logger } = options;
    this.#options = options;
    this.#check =
      users &&
      new DeviceCheck({
        users,
        clock,
        logger,
        isHeld: (session) => sessions.holding(session.id) === session,
        areRivals: (session, other) => this.#exclude(session, placeOf(other)),
        announce: (session) => this.#announce(session),
      });
  }

  /** Sessions that are still to be compared with the register. */
  get unchecked(): number {
    return this.#check?.waiting ?? 0;
  }

  /** The session was let in; it may have been closed when this returns. */
  opened(session: Session): void {
    if (this.#policyOf(session) === 'all') return;
    for (const other of this.#letIn(session.userGroup)) {
      if (!this.#exclude(session, other)) continue;
      if (isNewer(other, session)) {
        replace(session, other);
        return;
      }
      replace(other, session);
    }
    this.#announce(session);
    this.#check?.add(session);
  }

  /** The session has no connection any more. */
  closed(session: Session): void {
    this.#check?.forget(session);
  }

  /** A gateway says that it has let somebody in, or that it still holds somebody who is newer. */
  obey({ group, body }: Delivery): void {
    const arrival = readArrival(body);
    if (!arrival) {
      this.#options.logger.warn('an arrival is not readable', { group });
      return;
    }
    for (const session of this.#letIn(group)) {
      if (!this.#exclude(session, arrival)) continue;
      if (isNewer(arrival, session)) replace(session, arrival);
      else this.#announce(session);
    }
  }

  close(): void {
    this.#check?.close();
  }

  /** Who is not let in yet may never be, and is compared when it is. */
  #letIn(userGroup: string): readonly Session[] {
    return this.#options.sessions.ofUser(userGroup).filter(({ established }) => established);
  }

  #policyOf(session: Session): DevicePolicy {
    return this.#options.policyOf(session.identity.product);
  }

  #exclude(session: Session, other: Place): boolean {
    return exclude(this.#policyOf(session), session, other);
  }

  #announce({ id, platform, begunAt, userGroup }: Session): void {
    const { publisher, clock, logger } = this.#options;
    const arrival: Contender = { id, platform, begunAt };
    const body = Buffer.from(JSON.stringify(arrival), 'utf8');
    const publication = { lane: 'normal', event: DEVICE_EVENT, body, time: clock.now() } as const;
    publisher
      .publish(userGroup, publication, { acknowledge: 'none' })
      .catch((error: unknown) => logger.warn('other gateways could not be told of a new device', { error }));
  }
}

function replace(session: Session, { platform }: Contender): void {
  session.holder.close('DEVICE_REPLACED', `signed in on ${platform}`);
}

/** The register has connections: several of one session exclude each other by PR-103. */
function placeOf({ session, platform }: UserSession): Place {
  return { id: session.slice(0, session.lastIndexOf('.')), platform };
}

/** Undefined for whatever no gateway wrote: anybody on the bus can send the event. */
function readArrival(body: Uint8Array): Contender | undefined {
  try {
    const value = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8')) as unknown;
    const { id, platform, begunAt } = (value ?? {}) as Record<string, unknown>;
    if (typeof id !== 'string' || typeof platform !== 'string' || !Number.isSafeInteger(begunAt)) return undefined;
    // It is told to clients.
    return { id, platform: platform.slice(0, 16), begunAt: begunAt as number };
  } catch {
    return undefined;
  }
}
