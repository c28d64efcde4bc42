/**
 * The groups of one connection, by the names its client knows. Owns which are being entered, which are joined, and what the
 * client is told of it. Must not know why (effects, kicks and resumes decide).
 *
 * | from     | to       | cause |
 * |----------|----------|-------|
 * | out      | entering | enter, restore |
 * | entering | joined   | it is known where the membership begins: `joined`, or `groups` of `welcome` |
 * | entering | out      | leave, close, every call that waits has given up: nothing is told |
 * | joined   | out      | leave: `left`; close: nothing |
 */
import type { OnlineList } from '@im/groups';
import { type Attributes, type JoinedGroup, type Position, type Positions, withProduct } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { withPatience } from '../patience.js';
import type { Identity } from '../verifier/token-verifier.js';
import { Entrance, type EntranceSurroundings } from './entrance.js';
import type { GatewayViewer } from './gateway-viewer.js';
import type { Beginning } from './recovery.js';

/** Whose groups they are. */
export interface MembershipsOwner {
  readonly holder: GatewayViewer;
  readonly identity: Identity;
  /** Names the connection in online lists: the session's next one may be listed before this one is taken off. */
  readonly presence: string;
  readonly attributes: Attributes;
  /** The set of joined groups has changed. */
  changed(): void;
}

export interface MembershipsSurroundings extends EntranceSurroundings {
  readonly clock: Clock;
  readonly online: OnlineList | undefined;
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

/**
 * How an entry went: the client is in the group and has what it missed; it was left meanwhile; the time was over before it
 * began, so it was given up; or after: the client is in the group and is still being sent what it missed.
 */
export type EntryOutcome = 'entered' | 'out' | 'late' | 'replaying';

/** An entry under way: until the client has got everything that belongs to it. */
interface Entering {
  readonly entrance: Entrance;
  /** Whether the client is in the group now. Never rejects. */
  readonly entered: Promise<boolean>;
  /** Calls that wait for it: the last one to give up ends it. */
  waiting: number;
}

interface Restoring extends Entering {
  readonly group: string;
  readonly given: Position | undefined;
  beginning: Beginning | undefined;
}

const NO_GROUPS: readonly string[] = [];
const NO_TIMES: readonly number[] = [];

export class Memberships {
  #owner: MembershipsOwner;
  readonly #surroundings: MembershipsSurroundings;
  /** Joined by effects. Few, and there are very many of these: two arrays, made anew with each change, are smaller than a map. */
  #joined: readonly string[] = NO_GROUPS;
  /** Since when, of each of them. */
  #since: readonly number[] = NO_TIMES;
  /** Of those of which something is not for this client: up to which version. */
  #shownAfter: Map<string, number> | undefined;
  #entering: Map<string, Entering> | undefined;
  #closed = false;

  constructor(owner: MembershipsOwner, surroundings: MembershipsSurroundings) {
    this.#owner = owner;
    this.#surroundings = surroundings;
  }

  /** They go on as those of another session of the same connection. Only while none is joined. */
  passTo(owner: MembershipsOwner): this {
    this.#owner = owner;
    return this;
  }

  /** Groups joined by effects. */
  get joined(): readonly string[] {
    return this.#joined;
  }

  /** Joined or being entered, `u:` and `r:0` not counted. */
  get size(): number {
    let size = this.#joined.length;
    for (const group of this.#entering?.keys() ?? []) if (!this.isJoined(group)) size++;
    return size;
  }

  /** Joined or being entered. */
  has(group: string): boolean {
    return this.isJoined(group) || (this.#entering?.has(group) ?? false);
  }

  isJoined(group: string): boolean {
    return this.#joined.includes(group);
  }

  /** Nothing up to this version of the group's log is shown to the client. */
  shownAfter(group: string): number {
    return this.#shownAfter?.get(group) ?? 0;
  }

  /** {@link shownAfter} of the joined groups of which it is not 0; undefined when there are none. */
  get allShownAfter(): Readonly<Record<string, number>> | undefined {
    if (this.#shownAfter === undefined) return undefined;
    const joined = [...this.#shownAfter].filter(([group]) => this.isJoined(group));
    return joined.length === 0 ? undefined : Object.fromEntries(joined);
  }

  /** Nothing can be entered any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Enters a group and tells the client (PR-63, PR-64). A group that is joined or being entered stays as it is.
   * @param timeoutMs how long to wait
   * @param after nothing up to this version is shown to the client while it is in
   */
  async enter(group: string, given: Position | undefined, timeoutMs: number, after = 0): Promise<EntryOutcome> {
    if (this.#closed) return 'out';
    const present = this.#entering?.get(group);
    if (!present && this.isJoined(group)) return 'entered';
    const entering = present ?? this.#start(group, given, after);
    entering.waiting++;
    try {
      const entered = await withPatience(entering.entered, { clock: this.#surroundings.clock, timeoutMs });
      return entered ? 'entered' : 'out';
    } catch {
      return this.#giveUp(group, entering);
    }
  }

  /**
   * Enters the groups a connection begins with.
   * @param permanent last as long as the connection and cannot be left
   * @param positions what the client has seen of them
   * @param shownAfter of those of which something is not for this client
   */
  restore(
    permanent: readonly string[],
    groups: readonly string[],
    positions: Positions = {},
    shownAfter: Readonly<Record<string, number>> = {},
  ): Restoration {
    for (const group of groups) this.#show(group, shownAfter[group] ?? 0);
    const all = [...permanent, ...groups].map((group) => this.#restoring(group, positions[group]));
    for (const each of all) if (groups.includes(each.group)) this.#begin(each.group, each);
    const present = (): Restoring[] =>
      all.filter(({ group, entrance, beginning }) => {
        return beginning && (permanent.includes(group) || this.#isEntering(group, entrance));
      });
    return {
      located: Promise.all(all.map(({ entered }) => entered)).then(() => undefined),
      establish: () => {
        for (const { group } of present()) if (groups.includes(group)) this.#join(group);
        return present().map(({ group, beginning }) => ({ group, ...(beginning as Beginning) }));
      },
      follow: async (returning) => {
        const following = present();
        for (const { group, given } of following) if (returning || given) this.#tellDisconnected(group);
        await Promise.all(following.map(({ entrance }) => entrance.follow()));
        for (const { group, entrance } of following) this.#end(group, entrance);
      },
    };
  }

  /**
   * Leaves a group, or stops entering it.
   * @param code 0 when the client asked for it
   */
  leave(group: string, code: number, reason: string): void {
    if (!this.has(group)) return;
    const { holder, presence } = this.#owner;
    const { fanOut, online } = this.#surroundings;
    const wasJoined = this.isJoined(group);
    if (wasJoined) this.#unjoin(this.#joined.indexOf(group));
    this.#entering?.delete(group);
    this.#shownAfter?.delete(group);
    fanOut.leave(holder, this.#onBus(group));
    // What was still to be written may have closed the connection.
    if (!wasJoined || this.#closed) return;
    online?.leave(this.#onBus(group), presence);
    holder.send({ type: 'left', group, code, reason });
    this.#owner.changed();
  }

  /** The attributes that online lists show have changed. */
  refreshOnline(): void {
    for (const [i, group] of this.#joined.entries()) this.#showOnline(group, this.#since[i] as number);
  }

  /** The connection is gone: leaves everything, tells nobody. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#surroundings.fanOut.leaveAll(this.#owner.holder);
    for (const group of this.#joined) {
      this.#surroundings.online?.leave(this.#onBus(group), this.#owner.presence);
    }
    this.#joined = NO_GROUPS;
    this.#since = NO_TIMES;
    this.#shownAfter = undefined;
    this.#entering = undefined;
  }

  #start(group: string, given: Position | undefined, after: number): Entering {
    this.#show(group, after);
    const entrance = this.#entrance(group, given);
    const entering = { entrance, entered: this.#complete(group, entrance, given), waiting: 0 };
    this.#begin(group, entering);
    return entering;
  }

  #giveUp(group: string, entering: Entering): EntryOutcome {
    entering.waiting--;
    if (!this.#isEntering(group, entering.entrance)) return 'out';
    if (this.isJoined(group)) return 'replaying';
    // Nobody was told of it yet.
    if (entering.waiting === 0) this.leave(group, 0, '');
    return 'late';
  }

  async #complete(group: string, entrance: Entrance, given: Position | undefined): Promise<boolean> {
    const beginning = await entrance.locate();
    if (!beginning || !this.#isEntering(group, entrance)) return false;
    this.#owner.holder.send({ type: 'joined', group, ...beginning });
    if (given) this.#tellDisconnected(group);
    this.#join(group);
    await entrance.follow();
    this.#end(group, entrance);
    return true;
  }

  #restoring(group: string, given: Position | undefined): Restoring {
    const entrance = this.#entrance(group, given);
    const entered = entrance.locate().then((beginning) => {
      restoring.beginning = beginning;
      return beginning !== undefined;
    });
    const restoring: Restoring = { group, given, entrance, entered, beginning: undefined, waiting: 0 };
    return restoring;
  }

  #entrance(group: string, given: Position | undefined): Entrance {
    return new Entrance(this.#owner.holder, this.#onBus(group), given, this.shownAfter(group), this.#surroundings);
  }

  #show(group: string, after: number): void {
    if (after === 0) return;
    this.#shownAfter ??= new Map();
    this.#shownAfter.set(group, after);
  }

  #begin(group: string, entering: Entering): void {
    this.#entering ??= new Map();
    this.#entering.set(group, entering);
  }

  #isEntering(group: string, entrance: Entrance): boolean {
    return this.#entering?.get(group)?.entrance === entrance;
  }

  #end(group: string, entrance: Entrance): void {
    if (this.#isEntering(group, entrance)) this.#entering?.delete(group);
    if (this.#entering?.size === 0) this.#entering = undefined;
  }

  #join(group: string): void {
    const sinceMs = this.#surroundings.clock.now();
    this.#joined = this.#joined.concat(group);
    this.#since = this.#since.concat(sinceMs);
    this.#showOnline(group, sinceMs);
    this.#owner.changed();
  }

  #unjoin(index: number): void {
    this.#joined = this.#joined.filter((_, i) => i !== index);
    this.#since = this.#since.filter((_, i) => i !== index);
  }

  #showOnline(group: string, sinceMs: number): void {
    const { presence, identity, attributes } = this.#owner;
    this.#surroundings.online?.enter(this.#onBus(group), presence, { user: identity.user, attributes, sinceMs });
  }

  /** PR-99 */
  #tellDisconnected(group: string): void {
    this.#owner.holder.send({ type: 'shed', group, reason: 'disconnected' });
  }

  #onBus(group: string): string {
    return withProduct(this.#owner.identity.product, group);
  }
}
