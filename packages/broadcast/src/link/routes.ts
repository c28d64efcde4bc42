/**
 * The node of each group: which of those in reach it belongs to, and by which number it is named there. Remembered until nodes come
 * or go. Must not know what is published.
 */
import type { Published } from '../broadcast.js';
import { rendezvousOwner } from '../rendezvous.js';
import { Aliases } from '../wire/alias-table.js';
import type { NodeLink } from './node-link.js';

/** Where the publications of a group go. */
export interface Route {
  readonly link: NodeLink;
  /** By which the group is named to nodes. */
  readonly alias: number;
  /** The answer to whoever waits for nothing. */
  readonly published: Promise<Published>;
  /** The last publication to many that named the group. */
  call: number;
}

/** Groups whose node is remembered. */
const MAX_ROUTES = 65_536;
/** Of one publication to many, on the way of {@link Routes.beginCall}. */
export const MAX_CALL_GROUPS = 16_384;

export class Routes {
  readonly #linkTo: (node: string) => NodeLink | undefined;
  /** Names of the nodes that groups belong to. */
  #owners: readonly string[] = [];
  readonly #routes = new Map<string, Route>();
  readonly #aliases = new Aliases();
  #calls = 0;

  constructor(linkTo: (node: string) => NodeLink | undefined) {
    this.#linkTo = linkTo;
  }

  /** Nodes have come or gone. @param owners names of those that groups belong to from now on */
  begin(owners: readonly string[]): void {
    this.#routes.clear();
    this.#owners = owners;
  }

  /** The name of the group's node. @param group checked */
  ownerOf(group: string): string | undefined {
    return rendezvousOwner(group, this.#owners);
  }

  /** As it was found when it was asked for before. */
  known(group: string): Route | undefined {
    return this.#routes.get(group);
  }

  /** Undefined when no node is in reach. @param group checked */
  find(group: string): Route | undefined {
    const known = this.#routes.get(group);
    if (known !== undefined) return known;
    const owner = this.ownerOf(group);
    const link = owner === undefined ? undefined : this.#linkTo(owner);
    if (link === undefined) return undefined;
    this.#makeRoom(1);
    const route = { link, alias: this.#aliases.next(), published: Promise.resolve({ group }), call: 0 };
    this.#routes.set(group, route);
    return route;
  }

  /** Begins a publication to many groups: routes that are found until the next one stay. @returns its number */
  beginCall(groups: number): number {
    this.#makeRoom(groups);
    this.#calls += 1;
    return this.#calls;
  }

  #makeRoom(routes: number): void {
    if (this.#routes.size + routes > MAX_ROUTES) this.#routes.clear();
  }
}
