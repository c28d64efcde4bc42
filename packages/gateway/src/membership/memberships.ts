/**
 * The groups of one connection, by the names its client knows. Owns which are being entered, which are joined, and what the
 * client is told of it. Must not know why (effects, kicks and resumes decide).
 *
 * | from     | to       | cause |
 * |----------|----------|-------|
 * | out      | entering | enter, restore |
 * | entering | joined   | it is known where the membership begins: `joined`, or `groups` of `welcome` |
 * | entering | out      | leave, close: nothing is told |
 * | joined   | out      | leave: `left`; close: nothing |
 */
import type { OnlineList } from '@im/groups';
import { type Attributes, type JoinedGroup, type Position, type Positions, withProduct } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { Entrance, type EntranceSurroundings } from './entrance.js';
import type { GatewayViewer } from './gateway-viewer.js';
import type { Beginning } from './recovery.js';

export interface MembershipsOptions extends EntranceSurroundings {
  readonly viewer: GatewayViewer;
  /** Names this connection in online lists: the session's next one may be listed before this one is taken off. */
  readonly presence: string;
  readonly user: string;
  readonly product: string | undefined;
  readonly online: OnlineList | undefined;
  readonly clock: Clock;
  /** Of the session, as they are now: shown in online lists. */
  attributes(): Attributes;
  /** The set of joined groups has changed. */
  onChange(): void;
}

interface Joining {
  readonly phase: 'entering' | 'joined';
  /** Settles when the client has got everything that belongs to the entry, or it ended. */
  readonly entered: Promise<boolean>;
  readonly sinceMs: number;
}

/** Groups that are entered together, for a welcome to name them. */
export interface Restoration {
  /** It is known where each begins. */
  readonly located: Promise<void>;
  /** Makes those that were not left meanwhile joined. Call once located, and name them to the client at once. */
  establish(): readonly JoinedGroup[];
  /**
   * Sends what was missed and goes live. Call once, after the client was told.
   * @param returning the client was in all of them before, also where it gave no position (PR-99)
   */
  follow(returning: boolean): Promise<void>;
}

interface Locating {
  readonly group: string;
  readonly given: Position | undefined;
  readonly entrance: Entrance;
  readonly entered: Promise<boolean>;
  beginning: Beginning | undefined;
}

export class Memberships {
  readonly #options: MembershipsOptions;
  /** Joined and left by effects. */
  readonly #groups = new Map<string, Joining>();
  #closed = false;

  constructor(options: MembershipsOptions) {
    this.#options = options;
  }

  /** Groups joined by effects. */
  get joined(): string[] {
    return [...this.#groups].filter(([, { phase }]) => phase === 'joined').map(([group]) => group);
  }

  /** Joined or being entered, `u:` and `r:0` not counted. */
  get size(): number {
    return this.#groups.size;
  }

  /** Joined or being entered. */
  has(group: string): boolean {
    return this.#groups.has(group);
  }

  isJoined(group: string): boolean {
    return this.#groups.get(group)?.phase === 'joined';
  }

  /**
   * Enters a group and tells the client (PR-63, PR-64). A group that is joined or being entered stays as it is.
   * @returns whether the client is in it; false when it was left meanwhile
   */
  enter(group: string, given: Position | undefined): Promise<boolean> {
    const present = this.#groups.get(group);
    if (present) return present.entered;
    const entrance = this.#entrance(group, given);
    const entered = entrance.locate().then(async (beginning) => {
      if (!beginning || this.#groups.get(group)?.entered !== entered) return false;
      this.#options.viewer.send({ type: 'joined', group, ...beginning });
      if (given) this.#tellDisconnected(group);
      this.#joined(group, entered);
      await entrance.follow();
      return true;
    });
    this.#groups.set(group, { phase: 'entering', entered, sinceMs: 0 });
    return entered;
  }

  /**
   * Enters the groups a connection begins with.
   * @param permanent last as long as the connection and cannot be left
   * @param positions what the client has seen of them
   */
  restore(permanent: readonly string[], groups: readonly string[], positions: Positions = {}): Restoration {
    const locating = [
      ...permanent.map((group) => this.#locate(group, positions[group])),
      ...groups.map((group) => {
        const entry = this.#locate(group, positions[group]);
        this.#groups.set(group, { phase: 'entering', entered: entry.entered, sinceMs: 0 });
        return entry;
      }),
    ];
    const present = (): Locating[] =>
      locating.filter(({ group, beginning, entered }) => {
        return beginning && (permanent.includes(group) || this.#groups.get(group)?.entered === entered);
      });
    return {
      located: Promise.all(locating.map(({ entered }) => entered)).then(() => undefined),
      establish: () => {
        for (const { group, entered } of present()) if (groups.includes(group)) this.#joined(group, entered);
        return present().map(({ group, beginning }) => ({ group, ...(beginning as Beginning) }));
      },
      follow: async (returning) => {
        for (const { group, given } of present()) if (returning || given) this.#tellDisconnected(group);
        await Promise.all(present().map(({ entrance }) => entrance.follow()));
      },
    };
  }

  /**
   * Leaves a group, or stops entering it.
   * @param code 0 when the client asked for it
   * @returns whether the client was in it or about to be
   */
  leave(group: string, code: number, reason: string): boolean {
    const present = this.#groups.get(group);
    if (!present) return false;
    const { viewer, fanOut, product, online, presence } = this.#options;
    this.#groups.delete(group);
    fanOut.leave(viewer, withProduct(product, group));
    if (this.#closed || present.phase === 'entering') return true;
    online?.leave(withProduct(product, group), presence);
    viewer.send({ type: 'left', group, code, reason });
    this.#options.onChange();
    return true;
  }

  /** The attributes that online lists show have changed. */
  refreshOnline(): void {
    for (const [group, { phase, sinceMs }] of this.#groups) if (phase === 'joined') this.#showOnline(group, sinceMs);
  }

  /** The connection is gone: leaves everything, tells nobody. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { viewer, fanOut, product, online, presence } = this.#options;
    fanOut.leaveAll(viewer);
    for (const group of this.joined) online?.leave(withProduct(product, group), presence);
    this.#groups.clear();
  }

  #locate(group: string, given: Position | undefined): Locating {
    const entrance = this.#entrance(group, given);
    const entered = entrance.locate().then((beginning) => {
      entry.beginning = beginning;
      return beginning !== undefined;
    });
    const entry: Locating = { group, given, entrance, entered, beginning: undefined };
    return entry;
  }

  #entrance(group: string, given: Position | undefined): Entrance {
    const { viewer, product } = this.#options;
    return new Entrance(viewer, withProduct(product, group), given, this.#options);
  }

  #joined(group: string, entered: Promise<boolean>): void {
    const sinceMs = this.#options.clock.now();
    this.#groups.set(group, { phase: 'joined', entered, sinceMs });
    this.#showOnline(group, sinceMs);
    this.#options.onChange();
  }

  #showOnline(group: string, sinceMs: number): void {
    const { online, product, presence, user, attributes } = this.#options;
    online?.enter(withProduct(product, group), presence, { user, attributes: attributes(), sinceMs });
  }

  /** PR-99 */
  #tellDisconnected(group: string): void {
    this.#options.viewer.send({ type: 'shed', group, reason: 'disconnected' });
  }
}
