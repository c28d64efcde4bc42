/**
 * The normal lane of one group: which frame waits, which is being written, who was written what of them, and what single members are owed.
 * Must not know when frames begin (turn-writer.ts), nor what goes with one (normal-frame.ts).
 */
import type { Conflation, Delivery } from '@im/protocol';
import type { FramePart } from './frame-part.js';
import type { FrameTail } from './frame-tail.js';
import type { Group } from './group.js';
import { GroupRoom } from './group-room.js';
import type { Member } from './membership.js';
import { NormalFrame } from './normal-frame.js';
import { GroupSums } from './sum-ids.js';
import type { Surroundings } from './surroundings.js';
import type { Viewer } from './viewer.js';

const NOTHING: readonly Uint8Array[] = [];

export class NormalLane<V extends Viewer> {
  readonly #group: Group<V>;
  readonly #surroundings: Surroundings<V>;
  readonly #sums: GroupSums;
  /** Since a frame was overdue. */
  #room: GroupRoom | undefined;
  #waiting: NormalFrame | undefined;
  /** The frame that is being written: to the members up to the cursor not yet. */
  #writing: NormalFrame | undefined;
  #cursor = 0;
  #frame = 0;
  #beganAt = 0;
  /** That the frame being written is late. */
  #wasNoted = false;
  /** Anything of it to anybody: all may have got it with the frame before. */
  #hasWritten = false;

  constructor(group: Group<V>, surroundings: Surroundings<V>) {
    this.#group = group;
    this.#surroundings = surroundings;
    this.#sums = new GroupSums(surroundings.sumIds, surroundings.metrics.repeated);
  }

  /** For {@link beginFrame}. */
  add(delivery: Delivery): void {
    const conflation = delivery.terms?.conflate;
    if (conflation?.mode === 'sum') this.#addUp(delivery, conflation);
    else if (conflation === undefined) this.#pending().add(delivery);
    else this.#pending().conflate(delivery, conflation, 0);
  }

  /** For {@link beginFrame}. */
  addLost(count: number | undefined): void {
    this.#pending().addLost(count);
  }

  /** What is published from now on is the member's. */
  begin(member: Member<V>): void {
    member.start = this.#waiting?.here();
    member.frame = this.#frame;
  }

  /** Writes or tells a member what it has not got of the time it was here. */
  settle(member: Member<V>): void {
    const { delivered } = this.#surroundings.metrics;
    if (this.#writing !== undefined && isLive(member) && member.frame !== this.#frame) {
      member.frame = this.#frame;
      delivered.normal.add(this.#write(member, this.#writing));
    }
    if (this.#waiting !== undefined && isLive(member)) {
      this.#waiting.admit(this.#room?.now ?? this.#group.room);
      delivered.normal.add(this.#write(member, this.#waiting));
    }
    this.tell(member);
  }

  /** @returns whether {@link writeSlice} has something to write; false also while the frame before is being written */
  beginFrame(): boolean {
    const { beat, room, members } = this.#group;
    if (this.#waiting === undefined) return false;
    if (this.#writing !== undefined) {
      if (!beat.isEveryTurn) this.#noteLate(this.#writing);
      return false;
    }
    const { metrics, clock } = this.#surroundings;
    this.#waiting.admit(this.#room?.begin() ?? room);
    if (this.#waiting.isLimited) metrics.limitedFrames.add();
    this.#writing = this.#waiting;
    this.#waiting = undefined;
    this.#frame += 1;
    this.#cursor = members.size - 1;
    this.#beganAt = clock.monotonic();
    this.#wasNoted = false;
    this.#hasWritten = false;
    return true;
  }

  /** Writes the frame to members until all have it, or the slice is over: asked before each. @returns whether all have it */
  writeSlice(isOver: () => boolean): boolean {
    const writing = this.#writing;
    if (writing === undefined) return true;
    const { members, beat } = this.#group;
    const { metrics, clock } = this.#surroundings;
    const tail = this.#waiting?.tailOf(writing, this.#room?.now ?? this.#group.room);
    let written = 0;
    while (this.#cursor >= 0 && !isOver()) {
      members.reach(this.#cursor);
      const member = members.at(this.#cursor);
      this.#cursor -= 1;
      if (member === undefined || member.phase !== 'live' || member.frame === this.#frame) continue;
      member.frame = this.#frame;
      written += this.#write(member, writing, tail);
    }
    metrics.delivered.normal.add(written);
    if (written > 0) this.#hasWritten = true;
    // What was written may have ended the last membership, and with it the group.
    if (this.#writing !== writing) return true;
    if (this.#cursor >= 0) return false;
    if (writing.since !== undefined && this.#hasWritten) metrics.wroteAll('normal', writing.since);
    if (!this.#wasNoted && clock.monotonic() - this.#beganAt > beat.lateAfterMs) this.#noteLate(writing);
    writing.discard();
    this.#writing = undefined;
    return true;
  }

  /** Writes a member what was kept for it, and tells what it was not sent. */
  tell(member: Member<V>): void {
    for (const chunk of this.takeOwed(member)) member.viewer.write(chunk);
  }

  /** What was kept for a member, and what tells what it was not sent: to be written to it, and nobody else's any more. */
  takeOwed(member: Member<V>): readonly Uint8Array[] {
    const { arrears } = member;
    if (arrears === undefined) return NOTHING;
    const chunks = arrears.chunks(member.viewer.encoding);
    this.forget(member);
    const { delivered, conflated } = this.#surroundings.metrics;
    delivered.normal.add(arrears.length);
    conflated.add(arrears.conflated);
    return chunks;
  }

  /** The member is owed nothing any more. */
  forget(member: Member<V>): void {
    if (member.arrears === undefined) return;
    member.arrears.release();
    member.arrears = undefined;
    this.#surroundings.owing.delete(member);
  }

  /** Gives back the room that messages take; the group is empty. */
  discard(): void {
    this.#waiting?.discard();
    this.#waiting = undefined;
    this.#writing?.discard();
    this.#writing = undefined;
    this.#sums.discard();
    this.#room?.widen();
  }

  #addUp(delivery: Delivery, sum: Extract<Conflation, { mode: 'sum' }>): void {
    const isRepeated = this.#sums.haveAdded(delivery.id);
    const outcome = this.#pending().conflate(delivery, sum, isRepeated ? 0 : sum.amount);
    if (!isRepeated && outcome !== undefined) this.#sums.added(delivery.id, outcome);
  }

  #pending(): NormalFrame {
    this.#waiting ??= new NormalFrame(this.#group.name, this.#surroundings.frames);
    return this.#waiting;
  }

  #noteLate(writing: NormalFrame): void {
    const { clock, narrowed, metrics } = this.#surroundings;
    this.#wasNoted = true;
    this.#room ??= new GroupRoom(this.#group.room, clock, narrowed);
    this.#room.overdue(writing);
    metrics.overdueFrames.add();
  }

  /** Priority first. @param tail goes along @returns how many messages were written */
  #write(member: Member<V>, frame: NormalFrame, tail?: FrameTail): number {
    this.#group.catchUp(member);
    if (!isLive(member)) return 0;
    const { viewer, start } = member;
    const { metrics } = this.#surroundings;
    const own = frame.part(start);
    const { losses } = own;
    member.start = undefined;
    if (losses !== undefined) metrics.addShed(losses);
    if (viewer.congested) {
      if (own.deliveries.length > 0 || losses !== undefined) this.#owe(member, own);
      return 0;
    }
    const part = tail?.behind(own) ?? own;
    const { deliveries } = part;
    member.start = tail?.start;
    this.tell(member);
    for (const chunk of part.notices(viewer.encoding)) viewer.write(chunk);
    if (deliveries.length > 0) viewer.write(part.chunk(viewer.encoding));
    if (part.conflated > 0) metrics.conflated.add(part.conflated);
    return deliveries.length;
  }

  #owe(member: Member<V>, part: FramePart): void {
    const { keeping, owing, metrics } = this.#surroundings;
    const earlier = member.arrears;
    const arrears = part.arrearsBehind(earlier, keeping);
    arrears.hold();
    earlier?.release();
    member.arrears = arrears;
    owing.add(member);
    metrics.shed.pressure.add(arrears.shed);
  }
}

/** Asked again after a write, which may have ended the membership. */
function isLive<V extends Viewer>(member: Member<V>): boolean {
  return member.phase === 'live';
}
