/**
 * One viewer in one group: the handle that the gateway holds, and what fan-out remembers of it.
 * Knows its own state only; who else is in the group is members.ts' business.
 *
 * | from | to    | cause |
 * |------|-------|-------|
 * | —    | held  | join: priority messages are kept for it, normal ones are not yet its own |
 * | held | live  | release(position): what was kept after the position is written, both lanes go on live |
 * | held | held  | release(position) after more was published than is kept: false, holding begins anew |
 * | held | ended | leave, leaveAll, close: nothing is written |
 * | live | ended | leave: what waits is written or told first; leaveAll, close: nothing is written |
 */
import type { Position } from '@im/protocol';
import type { Arrears } from './arrears.js';
import type { Group } from './group.js';
import type { FrameStart } from './normal-frame.js';
import type { Viewer } from './viewer.js';

export type MembershipPhase = 'held' | 'live' | 'ended';

export interface Membership {
  readonly group: string;
  readonly phase: MembershipPhase;
  /**
   * Begins the membership at a position of the group's log: the one that the viewer was told or replayed up to.
   * Priority messages up to it are dropped, later ones written in order, none twice; normal messages published from
   * now on are the viewer's. Read the position after joining, else messages between the two are lost.
   * @returns false when it could not: more was published since the join than is kept. It stays held: read the log
   * again, replay up to the newer position, and release once more. Also false once ended; true again when live.
   */
  release(position: Position): boolean;
}

export class Member<V extends Viewer> implements Membership {
  phase: MembershipPhase = 'held';
  /** Place among the group's members. */
  index = 0;
  /** Sequence of the first priority message that it was not written; while held, of the first that is kept for it. */
  from = 0;
  /** Position in the group's log that the viewer has been written up to; what is not above it is never written. */
  epoch = '';
  version = 0;
  /** Where in the waiting frame its normal messages begin; undefined: at the frame's beginning. */
  start: FrameStart | undefined;
  /** What it was not written while it was congested; those who missed the same have the same. */
  arrears: Arrears | undefined;
  /** The last frame of the group that it took part in. */
  frame = 0;

  /** @param shownAfter nothing up to this version is written to it, in whichever epoch */
  constructor(
    readonly viewer: V,
    readonly owner: Group<V>,
    readonly shownAfter: number,
  ) {}

  get group(): string {
    return this.owner.name;
  }

  release(position: Position): boolean {
    return this.owner.release(this, position);
  }
}
