/**
 * Who is in which group, and the way in for messages to all members. Owns memberships by viewer and by group. Must not know sockets, codecs
 * or how messages come here, nor when they go (turn-writer.ts).
 *
 * Per turn and frame only groups in which something waits are touched: idle ones cost nothing.
 */
import { type Delivery, ImError } from '@im/protocol';
import { type FanOutOptions, withDefaults } from './fan-out-options.js';
import { Group } from './group.js';
import type { Member, Membership } from './membership.js';
import { createSurroundings, type Surroundings } from './surroundings.js';
import { TurnWriter } from './turn-writer.js';
import type { Viewer } from './viewer.js';

export class FanOut<V extends Viewer> {
  readonly #groups = new Map<string, Group<V>>();
  /** A viewer is in few groups: an array is smaller than a map, and as quick. */
  readonly #memberships = new Map<V, Member<V>[]>();
  readonly #surroundings: Surroundings<V>;
  readonly #writer: TurnWriter<V>;
  readonly #onFirstMember: (group: string) => void;
  readonly #onLastMember: (group: string) => void;
  #members = 0;
  #closed = false;

  /** @throws ImError INVALID_ARGUMENT */
  constructor(options: FanOutOptions) {
    const settings = withDefaults(options);
    this.#surroundings = createSurroundings(settings);
    this.#writer = new TurnWriter(settings, this.#surroundings);
    this.#onFirstMember = settings.onFirstMember;
    this.#onLastMember = settings.onLastMember;
    const { metrics } = settings;
    metrics.observe('im_groups_members', { help: 'Memberships.' }, () => this.#members);
    metrics.observe('im_groups_groups', { help: 'Groups with members.' }, () => this.#groups.size);
  }

  /**
   * Adds a viewer to a group; the membership is held until it is released. A viewer that is in it already keeps the
   * membership it has. The group id is taken as it is.
   * @param shownAfter no priority message up to this version is written to it, in whichever epoch
   * @throws ImError CLOSED
   */
  join(viewer: V, group: string, shownAfter = 0): Membership {
    if (this.#closed) throw new ImError('CLOSED');
    const present = this.#find(viewer, group);
    if (present !== undefined) return present;
    let joined = this.#groups.get(group);
    if (joined === undefined) {
      const { beat, room } = this.#writer.kinds.of(group);
      joined = new Group(group, beat, room, this.#surroundings);
      this.#groups.set(group, joined);
    }
    const member = joined.join(viewer, shownAfter);
    // Made anew rather than pushed to: that would take room for sixteen more.
    this.#memberships.set(viewer, this.#memberships.get(viewer)?.concat(member) ?? [member]);
    this.#members += 1;
    if (joined.members.size === 1) this.#onFirstMember(group);
    return member;
  }

  /**
   * Ends a membership. What was published during it and not sent is written now, or told if the viewer is congested;
   * afterwards nothing of the group is written.
   * @returns whether the viewer was in the group
   */
  leave(viewer: V, group: string): boolean {
    const member = this.#find(viewer, group);
    if (member === undefined) return false;
    member.owner.settle(member);
    // What was written may have broken the connection, and with it ended all its memberships.
    const memberships = this.#memberships.get(viewer);
    if (memberships === undefined) return true;
    const last = memberships.pop() as Member<V>;
    if (last !== member) memberships[memberships.indexOf(member)] = last;
    if (memberships.length === 0) this.#memberships.delete(viewer);
    this.#remove(member);
    return true;
  }

  /** Ends all memberships of a viewer whose connection is gone: nothing is written. */
  leaveAll(viewer: V): void {
    const memberships = this.#memberships.get(viewer);
    if (memberships === undefined) return;
    this.#memberships.delete(viewer);
    for (const member of memberships) this.#remove(member);
  }

  /**
   * What a viewer was not sent and has not been told of, as chunks that tell it: whoever asks has to write them. For a connection
   * that is about to be closed, however congested it is.
   */
  takeOwed(viewer: V): Uint8Array[] {
    const owed = this.#memberships.get(viewer)?.filter(({ arrears }) => arrears !== undefined) ?? [];
    return owed.flatMap((member) => member.owner.normal.takeOwed(member));
  }

  has(viewer: V, group: string): boolean {
    return this.#find(viewer, group) !== undefined;
  }

  /** Members, held ones included. */
  size(group: string): number {
    return this.#groups.get(group)?.members.size ?? 0;
  }

  groupsOf(viewer: V): string[] {
    return this.#memberships.get(viewer)?.map((member) => member.group) ?? [];
  }

  /** A copy. Members, held ones included. */
  viewersOf(group: string): V[] {
    return this.#groups.get(group)?.members.viewers() ?? [];
  }

  /**
   * Sends to all members; without any it does nothing. Priority deliveries must come in the order of their versions:
   * one that is not above the last of its epoch is a duplicate and dropped; the first of a new epoch, and the first after
   * versions that are missing, is preceded by a `reset`. The body is not copied.
   * @throws ImError INVALID_ARGUMENT for a priority delivery without epoch and version
   */
  publish(delivery: Delivery): void {
    const group = this.#groups.get(delivery.group);
    if (group === undefined) return;
    if (delivery.lane === 'priority') {
      if (group.priority.add(delivery)) this.#writer.addPriority(group);
    } else {
      group.normal.add(delivery);
      this.#writer.addNormal(group);
    }
  }

  /** Normal messages of a group were lost on their way here: told to the members (`upstream`) with the next frame. */
  lost(group: string, count: number | undefined): void {
    const losing = this.#groups.get(group);
    if (losing === undefined || count === 0) return;
    losing.normal.addLost(count);
    this.#writer.addNormal(losing);
  }

  /** Ends all memberships and forgets what waits; nothing is written, nobody is called. */
  close(): void {
    this.#closed = true;
    this.#writer.close();
    for (const memberships of this.#memberships.values()) for (const member of memberships) member.owner.remove(member);
    for (const group of this.#groups.values()) group.discard();
    this.#memberships.clear();
    this.#groups.clear();
    this.#members = 0;
  }

  #find(viewer: V, group: string): Member<V> | undefined {
    const owner = this.#groups.get(group);
    if (owner === undefined) return undefined;
    return this.#memberships.get(viewer)?.find((member) => member.owner === owner);
  }

  #remove(member: Member<V>): void {
    const group = member.owner;
    group.remove(member);
    this.#members -= 1;
    if (group.members.size > 0) return;
    group.discard();
    this.#groups.delete(group.name);
    this.#writer.remove(group);
    this.#onLastMember(group.name);
  }
}
