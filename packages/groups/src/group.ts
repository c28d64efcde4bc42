/**
 * One group: its members and its two lanes, which are made when their first message comes. Owns what a membership is, from join to its
 * end. Must not know when something is written (turn-writer.ts), nor other groups.
 */
import type { Position } from '@im/protocol';
import type { FrameRoom } from './admission.js';
import type { Beat } from './beat.js';
import { Members } from './members.js';
import { Member } from './membership.js';
import { NormalLane } from './normal-lane.js';
import { PriorityLane } from './priority-lane.js';
import type { Surroundings } from './surroundings.js';
import type { Viewer } from './viewer.js';

export class Group<V extends Viewer> {
  readonly members = new Members<V>();
  readonly #surroundings: Surroundings<V>;
  #priority: PriorityLane<V> | undefined;
  #normal: NormalLane<V> | undefined;

  /** @param beat when its frames are @param room what there is room for in one, as a rule */
  constructor(
    readonly name: string,
    readonly beat: Beat<V>,
    readonly room: FrameRoom,
    surroundings: Surroundings<V>,
  ) {
    this.#surroundings = surroundings;
  }

  get priority(): PriorityLane<V> {
    this.#priority ??= new PriorityLane(this.name, this.members, this.#surroundings);
    return this.#priority;
  }

  get normal(): NormalLane<V> {
    this.#normal ??= new NormalLane(this, this.#surroundings);
    return this.#normal;
  }

  join(viewer: V, shownAfter: number): Member<V> {
    const member = new Member(viewer, this, shownAfter);
    member.from = this.#priority?.end ?? 0;
    this.members.add(member);
    return member;
  }

  release(member: Member<V>, position: Position): boolean {
    if (member.phase !== 'held') return member.phase === 'live';
    if (this.#priority?.hasKept(member) === false) return false;
    this.members.release(member);
    member.epoch = position.epoch;
    member.version = position.version;
    this.#normal?.begin(member);
    this.#priority?.begin(member, position);
    return true;
  }

  /** Writes a live member the priority messages that it has not got. */
  catchUp(member: Member<V>): void {
    this.#priority?.catchUp(member);
  }

  /** Writes or tells a live member what it has not got of the time it was here. */
  settle(member: Member<V>): void {
    if (member.phase !== 'live') return;
    this.catchUp(member);
    this.#normal?.settle(member);
  }

  remove(member: Member<V>): void {
    this.members.remove(member);
    this.#normal?.forget(member);
    this.#priority?.trim();
  }

  /** Gives back the room that messages take; nobody is left. */
  discard(): void {
    this.#normal?.discard();
    this.#priority?.discard();
  }
}
