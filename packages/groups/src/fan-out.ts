/**
 * Who is in which group, and the way of a message to all members: priority at the end of the turn, normal with the
 * next frame, always priority first. Owns membership and the order of lanes between groups. Must not know sockets,
 * codecs or how messages come here.
 *
 * Per turn and frame only groups in which something waits are touched: idle ones cost nothing.
 */
import { type Delivery, ImError } from '@im/protocol';
import type { Clock, Metrics } from '@im/protocol/ports';
import type { FrameRoom } from './admission.js';
import { Beat } from './beat.js';
import { Budget } from './budget.js';
import { type FanOutOptions, withDefaults } from './fan-out-options.js';
import { FrameWriter } from './frame-writer.js';
import { Group, type Shared } from './group.js';
import { GroupMetrics } from './group-metrics.js';
import { frameRoom } from './group-room.js';
import type { Member, Membership } from './membership.js';
import { Slice } from './slice.js';
import { SumIds } from './sum-ids.js';
import type { Viewer } from './viewer.js';

declare const queueMicrotask: (run: () => void) => void;

/** More than may go on waiting is taken before it is chosen which ones do, so that this is done rarely. */
const CHOICE = 4 / 3;
/** The part of all bytes that may be kept for members that are congested. */
const KEEPING = 0.25;
/** No kind of group is called so. */
const USUAL = '';

export class FanOut<V extends Viewer> {
  readonly #groups = new Map<string, Group<V>>();
  /** A viewer is in few groups: an array is smaller than a map, and as quick. */
  readonly #memberships = new Map<V, Member<V>[]>();
  readonly #shared: Shared<V>;
  readonly #afterTurn: (run: () => void) => void;
  /** Of groups whose kind has none of its own; also the one that looks after what is owed. */
  readonly #usual: Beat<V>;
  /** By kind of group, the usual one under no kind. */
  readonly #beats = new Map<string, Beat<V>>();
  /** What a frame has room for, likewise. */
  readonly #rooms = new Map<string, FrameRoom>();
  readonly #usualRoom: FrameRoom;
  readonly #writer: FrameWriter<V>;
  readonly #onFirstMember: (group: string) => void;
  readonly #onLastMember: (group: string) => void;
  readonly #clock: Clock;
  readonly #sliceMs: number;
  /** Groups with priority messages for the next round. */
  #urgent = new Set<Group<V>>();
  /** Groups whose priority messages are being written. */
  #round = new Set<Group<V>>();
  #isTellingDue = false;
  #turnRequested = false;
  #members = 0;
  #closed = false;

  constructor(options: FanOutOptions) {
    const { clock, random, metrics, framesPerSecondByKind, messagesPerFrameByKind, bytesPerFrame, ...settings } =
      withDefaults(options);
    this.#afterTurn = options.afterTurn ?? queueMicrotask;
    this.#onFirstMember = options.onFirstMember ?? nothing;
    this.#onLastMember = options.onLastMember ?? nothing;
    this.#usual = this.#addBeat(clock, USUAL, settings.framesPerSecond);
    for (const [kind, frames] of Object.entries(framesPerSecondByKind)) this.#addBeat(clock, kind, frames);
    this.#usualRoom = this.#addRoom(USUAL, settings.messagesPerFrame, bytesPerFrame);
    for (const [kind, messages] of Object.entries(messagesPerFrameByKind)) this.#addRoom(kind, messages, bytesPerFrame);
    const { maxWaiting, maxWaitingBytes, maxBytes, maxHeld, maxSumIds } = settings;
    const budget = new Budget(maxBytes);
    this.#shared = {
      clock,
      frames: {
        waiting: frameRoom(maxWaiting, maxWaitingBytes),
        most: { messages: maxWaiting * CHOICE, bytes: maxWaitingBytes * CHOICE },
        budget,
        random,
      },
      maxHeld,
      budget,
      keeping: new Budget(maxBytes * KEEPING, budget),
      sumIds: new SumIds(maxSumIds),
      metrics: new GroupMetrics(metrics, clock),
      owing: new Set(),
      narrowed: new Set(),
    };
    this.#sliceMs = settings.sliceMs;
    this.#clock = clock;
    this.#writer = new FrameWriter(this.#shared.metrics.frameSeconds);
    this.#observe(metrics);
  }

  /**
   * Adds a viewer to a group; the membership is held until it is released. A viewer that is in it already keeps the
   * membership it has. The group id is taken as it is.
   * @throws ImError CLOSED
   */
  join(viewer: V, group: string): Membership {
    if (this.#closed) throw new ImError('CLOSED');
    const present = this.#find(viewer, group);
    if (present !== undefined) return present;
    let joined = this.#groups.get(group);
    if (joined === undefined) {
      const kind = kindOf(group);
      const beat = this.#beats.get(kind) ?? this.#usual;
      joined = new Group(group, beat, this.#rooms.get(kind) ?? this.#usualRoom, this.#shared);
      this.#groups.set(group, joined);
    }
    const member = joined.join(viewer);
    // Made anew rather than pushed to: that would take room for sixteen more.
    this.#memberships.set(viewer, this.#memberships.get(viewer)?.concat(member) ?? [member]);
    this.#members += 1;
    if (joined.size === 1) this.#onFirstMember(group);
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
    return this.#memberships.get(viewer)?.flatMap((member) => member.owner.takeOwed(member)) ?? [];
  }

  has(viewer: V, group: string): boolean {
    return this.#find(viewer, group) !== undefined;
  }

  /** Members, held ones included. */
  size(group: string): number {
    return this.#groups.get(group)?.size ?? 0;
  }

  groupsOf(viewer: V): string[] {
    return this.#memberships.get(viewer)?.map((member) => member.group) ?? [];
  }

  /** A copy. Members, held ones included. */
  viewersOf(group: string): V[] {
    return this.#groups.get(group)?.viewers() ?? [];
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
      if (!group.addPriority(delivery)) return;
      this.#urgent.add(group);
      this.#requestTurn();
    } else {
      group.addNormal(delivery);
      this.#requestFrame(group);
    }
  }

  /** Normal messages of a group were lost on their way here: told to the members (`upstream`) with the next frame. */
  lost(group: string, count: number | undefined): void {
    const losing = this.#groups.get(group);
    if (losing === undefined || count === 0) return;
    losing.addLost(count);
    this.#requestFrame(losing);
  }

  /** Ends all memberships and forgets what waits; nothing is written, nobody is called. */
  close(): void {
    this.#closed = true;
    for (const beat of this.#beats.values()) beat.close();
    this.#writer.clear();
    for (const memberships of this.#memberships.values()) for (const member of memberships) member.phase = 'ended';
    for (const group of this.#groups.values()) group.discard();
    this.#memberships.clear();
    this.#groups.clear();
    this.#urgent.clear();
    this.#round.clear();
    for (const member of this.#shared.owing) member.arrears?.discard();
    this.#shared.owing.clear();
    this.#members = 0;
  }

  #observe(metrics: Metrics): void {
    const { budget, keeping, sumIds, owing, narrowed } = this.#shared;
    const figure = (name: string, help: string, read: () => number) =>
      metrics.observe(`im_groups_${name}`, { help }, read);
    figure('members', 'Memberships.', () => this.#members);
    figure('groups', 'Groups with members.', () => this.#groups.size);
    figure('waiting_bytes', 'Messages waiting or held.', () => budget.used);
    figure('kept_bytes', 'Of these, conflated messages kept for members that are congested.', () => keeping.used);
    figure('sum_ids', 'Ids of summed messages that are remembered.', () => sumIds.size);
    figure('owing', 'Memberships not yet told what they missed.', () => owing.size);
    const least = () => [...narrowed].reduce((share, room) => Math.min(share, room.share), 1);
    figure('least_room_ratio', 'How much of its room in frames the group has that has least of it.', least);
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
    if (group.size > 0) return;
    group.discard();
    this.#groups.delete(group.name);
    this.#urgent.delete(group);
    this.#round.delete(group);
    group.beat.remove(group);
    this.#onLastMember(group.name);
  }

  #addBeat(clock: Clock, kind: string, framesPerSecond: number): Beat<V> {
    if (!(framesPerSecond >= 0 && framesPerSecond <= 1000)) {
      throw new ImError('INVALID_ARGUMENT', { details: { argument: 'framesPerSecond', expected: '0 to 1000' } });
    }
    const beat = new Beat<V>(clock, framesPerSecond, this.#frame);
    this.#beats.set(kind, beat);
    return beat;
  }

  #addRoom(kind: string, messages: number, bytes: number): FrameRoom {
    if (!(messages >= 1 && bytes >= 1)) {
      throw new ImError('INVALID_ARGUMENT', { details: { argument: 'messagesPerFrame', expected: 'at least 1' } });
    }
    const room = frameRoom(messages, bytes);
    this.#rooms.set(kind, room);
    return room;
  }

  #requestTurn(): void {
    if (this.#turnRequested) return;
    this.#turnRequested = true;
    this.#afterTurn(this.#turn);
  }

  #requestFrame(group: Group<V>): void {
    group.beat.add(group);
    if (group.beat.isEveryTurn) this.#requestTurn();
  }

  readonly #turn = (): void => {
    this.#turnRequested = false;
    if (this.#closed) return;
    for (const beat of this.#beats.values()) if (beat.isEveryTurn && beat.hasWaiting) this.#writer.add(beat.begin());
    this.#writeSlice();
  };

  readonly #frame = (beat: Beat<V>): void => {
    this.#isTellingDue = true;
    this.#writer.add(beat.begin());
    this.#writeSlice();
  };

  /** Whether something waits in groups whose frames are as many as turns. */
  #hasTurnsToBegin(): boolean {
    for (const beat of this.#beats.values()) if (beat.isEveryTurn && beat.hasWaiting) return true;
    return false;
  }

  /** First the priority messages of all groups that had some; then, whatever has come meanwhile, a slice of the rest. */
  #writeSlice(): void {
    const slice = new Slice(this.#clock, this.#sliceMs);
    if (this.#round.size === 0) [this.#round, this.#urgent] = [this.#urgent, this.#round];
    this.#writePriority(slice);
    if (this.#round.size === 0) this.#writeNormal(slice.hasEnded ? new Slice(this.#clock, this.#sliceMs) : slice);
    // A group whose frame was being written when its next one was due begins it now.
    const isLeft = this.#round.size > 0 || this.#urgent.size > 0 || this.#writer.isBusy || this.#hasTurnsToBegin();
    if (isLeft || this.#isTellingDue) this.#requestTurn();
    if (this.#shared.owing.size > 0) this.#usual.request();
  }

  /** One group that needs several slices lets the others go first. */
  #writePriority(slice: Slice): void {
    for (const group of this.#round) {
      this.#round.delete(group);
      if (group.writePriority(slice.isOver)) continue;
      this.#round.add(group);
      return;
    }
  }

  #writeNormal(slice: Slice): void {
    if (this.#isTellingDue) this.#isTellingDue = !this.#tell(slice);
    this.#writer.writeSlice(slice);
  }

  /** Tells what was not sent to those who can be told. @returns whether all were */
  #tell(slice: Slice): boolean {
    for (const member of this.#shared.owing) {
      if (member.viewer.congested) continue;
      if (slice.isOver()) return false;
      member.owner.tell(member);
    }
    return true;
  }
}

/** `r` of `p1/r:10000`. */
function kindOf(group: string): string {
  return group.slice(group.indexOf('/') + 1, group.indexOf(':'));
}

function nothing(): void {}
