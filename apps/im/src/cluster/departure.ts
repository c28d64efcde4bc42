/**
 * Owns: how a gateway leaves a cluster: the balancer stops naming it, its clients are asked to move, each to another gateway and at a
 * time of its own. Knows neither who wants it gone nor what becomes of the process.
 */
import { nextGateways } from '@im/cluster';
import type { ClusterMember } from '@im/cluster/zeromq';
import type { Gateway } from '@im/gateway';
import type { Clock, Logger, Random } from '@im/protocol/ports';
import { announceDraining } from './leave-topology.js';

export interface DepartureOptions {
  readonly member: Pick<ClusterMember, 'current' | 'subscribe' | 'setDraining'>;
  /** Of this node. */
  readonly id: string;
  readonly gateway: Pick<Gateway, 'connections' | 'drain' | 'endDrain'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
}

/** staying → leaving: drain, leave · leaving → gone: the clients have left · leaving → staying: stay */
type DepartureState =
  | { readonly kind: 'staying' }
  | { readonly kind: 'gone' }
  /** `announced` settles when everybody knows that it wants nobody new. */
  | { readonly kind: 'leaving'; readonly announced: Promise<void> };

export class Departure {
  readonly #options: DepartureOptions;
  #state: DepartureState = { kind: 'staying' };
  /** Of what was asked for last: what was before counts no longer. */
  #request = 0;

  constructor(options: DepartureOptions) {
    this.#options = options;
  }

  get isUnderWay(): boolean {
    return this.#state.kind !== 'staying';
  }

  /**
   * Settles when its clients have left, or those who are left have had time enough. Asked again: who is left is given new times.
   * @returns whether it has left; false when something else was asked for meanwhile
   */
  async drain(windowMs: number): Promise<boolean> {
    const { member, id, gateway, clock, logger, random } = this.#options;
    const request = ++this.#request;
    await this.#announce();
    if (this.#request !== request) return false;
    const clients = gateway.connections;
    const begun = clock.monotonic();
    const nextAddress = nextGateways({ topology: member, from: id, clients, random });
    logger.info('draining: clients are asked to move', { clients, windowMs });
    await gateway.drain({ windowMs, nextAddress, random });
    if (this.#request !== request) return false;
    this.#state = { kind: 'gone' };
    logger.info('drained', { clients, left: gateway.connections, ms: Math.round(clock.monotonic() - begun) });
    return true;
  }

  /** As `drain`, but leaves at once where no other gateway takes clients. */
  async leave(windowMs: number): Promise<void> {
    if (this.#state.kind === 'gone' || !this.#isTakenOver()) return;
    await this.#announce();
    // Those of one host are stopped together: by now it is known who else goes.
    if (this.#isTakenOver()) await this.drain(windowMs);
  }

  /** Takes clients again, and keeps those who were not asked to move yet. */
  stay(): void {
    const { member, gateway, logger } = this.#options;
    if (this.#state.kind !== 'leaving') return;
    this.#request++;
    this.#state = { kind: 'staying' };
    member.setDraining(false);
    gateway.endDrain();
    logger.info('drained no longer: it takes clients again', { clients: gateway.connections });
  }

  async #announce(): Promise<void> {
    if (this.#state.kind === 'gone') return;
    if (this.#state.kind === 'staying') {
      const { member, id, clock } = this.#options;
      this.#state = { kind: 'leaving', announced: announceDraining({ member, id, clock }) };
    }
    await this.#state.announced;
  }

  #isTakenOver(): boolean {
    const { member, id, random } = this.#options;
    return nextGateways({ topology: member, from: id, clients: 0, random })() !== undefined;
  }
}
