/**
 * The workers of one service at this broker: which serve, which only finish what they have, and which of them gets a call.
 * State alone; must not know what becomes of the call.
 */
import { pickByKey, pointOf } from '../rendezvous.js';
import type { BrokerCall } from './broker-call.js';
import type { Registration } from './registration.js';
import { VersionShares } from './version-shares.js';

export class ServiceWorkers {
  readonly shares = new VersionShares();
  readonly #serving: Registration[] = [];
  readonly #draining = new Set<Registration>();
  /** Where the search for a worker begins, so that equals take turns. */
  #turn = 0;

  get serving(): readonly Registration[] {
    return this.#serving;
  }

  /** Serving ones first, then draining ones. */
  all(): readonly Registration[] {
    return [...this.#serving, ...this.#draining];
  }

  add(registration: Registration): void {
    this.#serving.push(registration);
  }

  /** It gets no more calls. @returns false when it gets none already */
  drain(registration: Registration): boolean {
    if (!this.#endServing(registration)) return false;
    this.#draining.add(registration);
    return true;
  }

  /** A draining one has nothing left. @returns false when it is none, or that was said already */
  finish(registration: Registration): boolean {
    return this.#draining.delete(registration);
  }

  /** It is gone. @returns whether it was the last that served */
  remove(registration: Registration): boolean {
    this.#draining.delete(registration);
    return this.#endServing(registration) && this.#serving.length === 0;
  }

  #endServing(registration: Registration): boolean {
    registration.draining = true;
    const index = this.#serving.indexOf(registration);
    if (index >= 0) this.#serving.splice(index, 1);
    return index >= 0;
  }

  /** One with room, or a busy one for which the call may wait; undefined when none has the method. */
  choose({ method, affinity }: BrokerCall): Registration | undefined {
    const version = this.#version(affinity);
    if (affinity !== undefined) {
      const able = this.#serving.filter((worker) => worker.methods.has(method));
      return (
        pickByKey(
          affinity,
          able.filter((worker) => worker.version === version),
        ) ?? pickByKey(affinity, able)
      );
    }
    if (version === undefined) return this.#leastBusy(method, undefined);
    const chosen = this.#leastBusy(method, version);
    // A share is a wish: a call does not wait for a version while another one has room.
    return chosen?.hasRoom ? chosen : (this.#leastBusy(method, undefined) ?? chosen);
  }

  #version(affinity: string | undefined): string | undefined {
    if (!this.shares.isSet) return undefined;
    const present = new Set(this.#serving.map(({ version }) => version));
    return this.shares.pick(present, affinity === undefined ? undefined : pointOf(affinity));
  }

  #leastBusy(method: string, version: string | undefined): Registration | undefined {
    const { length } = this.#serving;
    const start = this.#turn++ % length;
    let best: Registration | undefined;
    for (let step = 0; step < length; step++) {
      const worker = this.#serving[(start + step) % length] as Registration;
      if (!worker.methods.has(method) || (version !== undefined && worker.version !== version)) continue;
      if (best === undefined || isLessBusy(worker, best)) best = worker;
    }
    return best;
  }
}

function isLessBusy(one: Registration, other: Registration): boolean {
  return one.hasRoom === other.hasRoom ? one.inFlight < other.inFlight : one.hasRoom;
}
