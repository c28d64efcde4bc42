/**
 * Gateways tell each other, over the bus, when a session goes on elsewhere (PR-103): a normal message to `u:<user>` that no
 * client sees. Lost ones cost nothing but a connection that heartbeats will find dead.
 */
import type { Delivery } from '@im/protocol';
import type { Surroundings } from '../surroundings.js';
import type { Session } from './session.js';

export const TAKEOVER_EVENT = '$takeover';

interface Takeover {
  readonly session: string;
  /** Where the calls of the new connection begin: it is later than every connection below it. */
  readonly sequence: number;
}

export function announceTakeover(
  { id, sequence, userGroup }: Session,
  { publisher, clock, logger }: Surroundings,
): void {
  const takeover: Takeover = { session: id, sequence };
  const body = Buffer.from(JSON.stringify(takeover), 'utf8');
  const publication = { lane: 'normal', event: TAKEOVER_EVENT, body, time: clock.now() } as const;
  publisher
    .publish(userGroup, publication, { acknowledge: 'none' })
    .catch((error: unknown) => logger.warn('other gateways could not be told of a resumed session', { error }));
}

/** Closes the connections of the session that are earlier than the one announced. */
export function obeyTakeover({ group, body }: Delivery, { sessions, logger }: Surroundings): void {
  const takeover = readTakeover(body);
  if (!takeover) {
    logger.warn('a takeover is not readable', { group });
    return;
  }
  const held = sessions.holding(takeover.session);
  if (held?.userGroup === group && held.sequence < takeover.sequence) held.holder.close('SESSION_TAKEN_OVER');
}

/** Undefined for whatever no gateway wrote: anybody on the bus can send the event. */
function readTakeover(body: Uint8Array): Takeover | undefined {
  try {
    const value = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8')) as unknown;
    const { session, sequence } = (value ?? {}) as Record<string, unknown>;
    if (typeof session !== 'string' || !Number.isSafeInteger(sequence)) return undefined;
    return { session, sequence: sequence as number };
  } catch {
    return undefined;
  }
}
