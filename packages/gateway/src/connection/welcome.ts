/** What a client is told when it is let in (PR-38). Pure. */
import type { Hello, ServerMessage } from '@im/protocol';
import type { Admitted } from '../session/admission.js';
import type { Surroundings } from '../surroundings.js';

type Welcome = Extract<ServerMessage<Uint8Array>, { type: 'welcome' }>;

export function welcomeTo(
  { id }: Hello,
  { session, resumed, groups, left }: Admitted,
  ticket: string,
  { settings: { heartbeatMs }, limits, clock }: Surroundings,
): Welcome {
  const { user } = session.identity;
  const time = clock.now();
  return { type: 'welcome', id, session: session.id, user, heartbeatMs, resumed, ticket, groups, left, limits, time };
}
