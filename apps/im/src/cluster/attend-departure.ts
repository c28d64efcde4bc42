/** Owns: why a gateway leaves: because an operator has ordered it, or because its process stops; and how the process ends then. */
import type { DrainOrder } from '@im/cluster';
import type { ClusterMember } from '@im/cluster/zeromq';
import { type Health, type Shutdown, systemClock } from '@im/runtime';
import { Departure, type DepartureOptions } from './departure.js';

export interface AttendedDeparture extends Omit<DepartureOptions, 'clock' | 'random' | 'member'> {
  readonly member: ClusterMember;
  readonly health: Pick<Health, 'addCheck'>;
  readonly shutdown: Pick<Shutdown, 'add' | 'stop'>;
  /** Within which clients leave when the process is told to stop. */
  readonly windowMs: number;
}

/** EX_TEMPFAIL of sysexits.h: whoever supervises starts it again. */
const EXIT_RESTART = 75;
/** Beside the window: until everybody knows, and for calls that are answered late. */
const SLACK_MS = 15_000;

export function attendDeparture({ health, shutdown, windowMs, ...options }: AttendedDeparture): void {
  const { member, logger } = options;
  const departure = new Departure({ ...options, clock: systemClock, random: Math.random });
  health.addCheck('clients', () => !departure.isUnderWay || 'they are asked to move to other gateways');
  const obey = async (order: DrainOrder): Promise<void> => {
    if (order.windowMs === undefined) departure.stay();
    else if (await departure.drain(order.windowMs)) await shutdown.stop('drained', order.restart ? EXIT_RESTART : 0);
  };
  const endListening = member.onOrder((order) => {
    obey(order).catch((error: unknown) => logger.error('an order to drain failed', { error }));
  });
  shutdown.add({
    name: 'clients',
    stop: () => {
      endListening();
      return departure.leave(windowMs);
    },
    deadlineMs: windowMs + SLACK_MS,
  });
}
