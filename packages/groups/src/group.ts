/**
 * One group: its members and what waits in its two lanes; writes a lane to all members.
 * Owns who gets what, in which order, exactly once. Must not know when (fan-out.ts), nor other groups.
 *
 * Members are an array, left by swapping with the last, walked from its end: whoever leaves or joins during a walk
 * (a write may close its viewer) changes only the part already walked, or brings a member from there, whom its mark
 * (`frame` in the normal lane, `from` in the priority lane) shows to be done. So both lanes are written in slices
 * with other turns between them; whose membership begins between two slices is marked as done.
 */
import type { Delivery, Position } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import type { FrameRoom } from './admission.js';
import { Arrears } from './arrears.js';
import type { Beat } from './beat.js';
import type { Budget } from './budget.js';
import type { GroupMetrics } from './group-metrics.js';
import { GroupRoom } from './group-room.js';
import { Member } from './membership.js';
import { type FrameSurroundings, NormalFrame } from './normal-frame.js';
import { PriorityLog, type Run } from './priority-log.js';
import { GroupSums, type SumIds } from './sum-ids.js';
import type { Viewer } from './viewer.js';

/** What all groups of one fan-out share. */
export interface Shared<V extends Viewer> {
  readonly clock: Clock;
  readonly frames: FrameSurroundings;
  readonly maxHeld: number;
  readonly budget: Budget;
  /** The part of it that is for what congested members were not written. */
  readonly keeping: Budget;
  readonly sumIds: SumIds;
  readonly metrics: GroupMetrics;
  /** Members that were not told yet what they were not sent. */
  readonly owing: Set<Member<V>>;
  /** Of groups whose frames were not written in time. */
  readonly narrowed: Set<GroupRoom>;
}

const NOTHING: readonly Uint8Array[] = [];

export class Group<V extends Viewer> {
  readonly #fullRoom: FrameRoom;
  /** Since a frame was overdue. */
  #room: GroupRoom | undefined;
  readonly #shared: Shared<V>;
  #members: Member<V>[] = [];
  /** How many of them are held. */
  #held = 0;
  #log: PriorityLog | undefined;
  #waiting: NormalFrame | undefined;
  /** The frame that is being written: to the members up to the cursor not yet. */
  #writing: NormalFrame | undefined;
  #cursor = 0;
  #frame = 0;
  #beganAt = 0;
  /** That the frame being written is late. */
  #wasNoted = false;
  #sums: GroupSums | undefined;
  /** The priority messages that are being written. */
  #pass: Pass | undefined;

  /** @param beat when its frames are @param room what there is room for in one */
  constructor(
    readonly name: string,
    readonly beat: Beat<V>,
    room: FrameRoom,
    shared: Shared<V>,
  ) {
    this.#fullRoom = room;
    this.#shared = shared;
  }

  get size(): number {
    return this.#members.length;
  }

  viewers(): V[] {
    return this.#members.map(({ viewer }) => viewer);
  }

  join(viewer: V): Member<V> {
    const member = new Member(viewer, this);
    member.index = this.#members.length;
    member.from = this.#log?.end ?? 0;
    // Most groups are of one user: pushed to, an empty array takes room for sixteen more.
    if (this.#members.length === 0) this.#members = [member];
    else this.#members.push(member);
    this.#held += 1;
    return member;
  }

  release(member: Member<V>, position: Position): boolean {
    if (member.phase !== 'held') return member.phase === 'live';
    const log = this.#log;
    if (log !== undefined && member.from < log.base) {
      member.from = log.end;
      this.#shared.metrics.heldOverflows.add();
      return false;
    }
    member.phase = 'live';
    member.epoch = position.epoch;
    member.version = position.version;
    member.start = this.#waiting?.here();
    member.frame = this.#frame;
    this.#held -= 1;
    if (log !== undefined) {
      this.#catchUp(member, log, log.following(position, member.from));
      this.#trim(log);
    }
    return true;
  }

  /** Writes or tells a live member what it has not got of the time it was here. */
  settle(member: Member<V>): void {
    if (member.phase !== 'live') return;
    if (this.#log !== undefined) this.#catchUp(member, this.#log, member.from);
    if (this.#writing !== undefined && isLive(member) && member.frame !== this.#frame) {
      member.frame = this.#frame;
      this.#writeWaiting(member, this.#writing);
    }
    if (this.#waiting !== undefined && isLive(member)) {
      this.#waiting.admit(this.#room?.now ?? this.#fullRoom);
      this.#writeWaiting(member, this.#waiting);
    }
    this.tell(member);
  }

  remove(member: Member<V>): void {
    if (member.phase === 'held') this.#held -= 1;
    member.phase = 'ended';
    member.start = undefined;
    this.#takeArrears(member)?.discard();
    const last = this.#members.pop();
    if (last !== undefined && last !== member) {
      this.#members[member.index] = last;
      last.index = member.index;
    }
    if (this.#log !== undefined) this.#trim(this.#log);
  }

  /** @returns whether it waits for {@link writePriority} */
  addPriority(delivery: Delivery): boolean {
    this.#log ??= new PriorityLog(this.name, this.#shared.budget);
    return this.#log.add(delivery);
  }

  /** For {@link beginFrame}. */
  addNormal(delivery: Delivery): void {
    const conflation = delivery.terms?.conflate;
    if (conflation === undefined) {
      this.#pending().add(delivery);
      return;
    }
    const { sumIds, metrics } = this.#shared;
    this.#sums ??= new GroupSums(sumIds, metrics.repeated);
    this.#pending().conflate(delivery, conflation, this.#sums.amountOf(delivery.id, conflation));
  }

  /** For {@link beginFrame}. */
  addLost(count: number | undefined): void {
    this.#pending().addLost(count);
  }

  /**
   * Writes the priority messages there are to members until all have them, or the slice is over: asked before each. What comes meanwhile is
   * for the next time. @returns whether all have them
   */
  writePriority(isOver: () => boolean): boolean {
    const log = this.#log;
    if (log === undefined || log.flushed === log.end) return true;
    const pass = this.#pass ?? new Pass(log, this.#members.length - 1);
    this.#pass = pass;
    if (!this.#goOn(pass, log, isOver)) return false;
    this.#shared.metrics.wroteAll('priority', pass.since);
    // What was written may have ended the last membership, and with it the group.
    if (this.#pass !== pass) return true;
    log.markFlushed(pass.to);
    this.#pass = undefined;
    this.#trim(log);
    return true;
  }

  /** @returns whether {@link writeSlice} has something to write; false also while the frame before is being written */
  beginFrame(): boolean {
    if (this.#waiting === undefined) return false;
    if (this.#writing !== undefined) {
      if (!this.beat.isEveryTurn) this.#noteLate(this.#writing);
      return false;
    }
    this.#waiting.admit(this.#room?.begin() ?? this.#fullRoom);
    if (this.#waiting.isLimited) this.#shared.metrics.limitedFrames.add();
    this.#writing = this.#waiting;
    this.#waiting = undefined;
    this.#frame += 1;
    this.#cursor = this.#members.length - 1;
    this.#beganAt = this.#shared.clock.monotonic();
    this.#wasNoted = false;
    return true;
  }

  /** Writes the frame to members until all have it, or the slice is over: asked before each. @returns whether all have it */
  writeSlice(isOver: () => boolean): boolean {
    const writing = this.#writing;
    if (writing === undefined) return true;
    let written = 0;
    while (this.#cursor >= 0 && !isOver()) {
      const member = this.#members[this.#cursor];
      this.#cursor -= 1;
      if (member === undefined || member.phase !== 'live' || member.frame === this.#frame) continue;
      member.frame = this.#frame;
      written += this.#writeWaiting(member, writing);
    }
    this.#shared.metrics.delivered.normal.add(written);
    // What was written may have ended the last membership, and with it the group.
    if (this.#writing !== writing) return true;
    if (this.#cursor >= 0) return false;
    if (writing.since !== undefined) this.#shared.metrics.wroteAll('normal', writing.since);
    const tookMs = this.#shared.clock.monotonic() - this.#beganAt;
    if (!this.#wasNoted && tookMs > this.beat.lateAfterMs) this.#noteLate(writing);
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
    const arrears = this.#takeArrears(member);
    if (arrears === undefined) return NOTHING;
    const { encoding } = member.viewer;
    const { deliveries } = arrears;
    arrears.discard();
    const chunks = arrears.notices(encoding, this.name);
    if (deliveries.length === 0) return chunks;
    const { delivered, conflated } = this.#shared.metrics;
    delivered.normal.add(deliveries.length);
    conflated.add(deliveries.reduce((sum, delivery) => sum + (delivery.conflated ?? 0), 0));
    return [...chunks, encoding.pushesToOne(deliveries)];
  }

  /** Gives back the room that waiting messages take. */
  discard(): void {
    this.#waiting?.discard();
    this.#waiting = undefined;
    this.#writing?.discard();
    this.#writing = undefined;
    this.#pass = undefined;
    this.#log?.discard();
    this.#sums?.discard();
    this.#room?.widen();
  }

  #pending(): NormalFrame {
    this.#waiting ??= new NormalFrame(this.name, this.#shared.frames);
    return this.#waiting;
  }

  #noteLate(writing: NormalFrame): void {
    this.#wasNoted = true;
    this.#room ??= new GroupRoom(this.#fullRoom, this.#shared.clock, this.#shared.narrowed);
    this.#room.overdue(writing);
    this.#shared.metrics.overdueFrames.add();
  }

  #takeArrears(member: Member<V>): Arrears | undefined {
    const { arrears } = member;
    if (arrears === undefined) return undefined;
    member.arrears = undefined;
    this.#shared.owing.delete(member);
    return arrears;
  }

  /** Keeps what held members may need. */
  #trim(log: PriorityLog): void {
    if (this.#pass === undefined) log.trim(this.#held > 0 ? this.#shared.maxHeld : 0);
  }

  /** @returns whether all members have it */
  #goOn(pass: Pass, log: PriorityLog, isOver: () => boolean): boolean {
    let written = 0;
    for (; pass.cursor >= 0 && !isOver(); pass.cursor -= 1) {
      const member = this.#members[pass.cursor];
      if (member?.phase === 'live' && member.from < pass.to) written += this.#writePass(member, log, pass);
    }
    this.#shared.metrics.delivered.priority.add(written);
    return pass.cursor < 0;
  }

  /** @returns how many messages were written */
  #writePass(member: Member<V>, log: PriorityLog, { from, to, runs }: Pass): number {
    // Who began, or was caught up, while the last pass went on has some of this one.
    const own = member.from === from ? runs : log.runs(member.from, to);
    member.from = to;
    let written = 0;
    for (const run of own) written += this.#writeRun(member, log, run);
    return written;
  }

  /** Writes one member what others may get later. */
  #catchUp(member: Member<V>, log: PriorityLog, from: number): void {
    const { end } = log;
    member.from = end;
    let written = 0;
    for (const run of log.runs(from, end)) written += this.#writeRun(member, log, run);
    this.#shared.metrics.delivered.priority.add(written);
  }

  /** @returns how many messages were written */
  #writeRun(member: Member<V>, log: PriorityLog, run: Run): number {
    const { viewer } = member;
    let { from } = run;
    if (member.epoch !== run.epoch || member.version + 1 < run.first) {
      viewer.write(log.resetChunk(viewer.encoding, run, member));
    } else if (member.version >= run.last) {
      return 0;
    } else {
      from = log.above(run, member.version);
    }
    member.epoch = run.epoch;
    member.version = run.last;
    viewer.write(log.chunk(viewer.encoding, from, run.to));
    return run.to - from;
  }

  /** @returns how many messages were written */
  #writeWaiting(member: Member<V>, waiting: NormalFrame): number {
    if (this.#log !== undefined && member.from < this.#log.end) {
      this.#catchUp(member, this.#log, member.from);
      if (!isLive(member)) return 0;
    }
    const { viewer, start } = member;
    const { metrics, owing } = this.#shared;
    const part = waiting.part(start);
    const { losses, deliveries } = part;
    member.start = undefined;
    if (losses !== undefined) metrics.addShed(losses);
    if (viewer.congested) {
      if (deliveries.length === 0 && losses === undefined) return 0;
      member.arrears ??= new Arrears(this.#shared.keeping);
      owing.add(member);
      metrics.shed.pressure.add(member.arrears.add(part));
      return 0;
    }
    this.tell(member);
    for (const chunk of part.notices(viewer.encoding)) viewer.write(chunk);
    if (deliveries.length > 0) viewer.write(part.chunk(viewer.encoding));
    if (part.conflated > 0) metrics.conflated.add(part.conflated);
    return deliveries.length;
  }
}

/** Priority messages on their way to all members: those up to the cursor have not got them yet. */
class Pass {
  readonly from: number;
  readonly to: number;
  readonly runs: readonly Run[];
  readonly since: number;

  constructor(
    log: PriorityLog,
    public cursor: number,
  ) {
    this.from = log.flushed;
    this.to = log.end;
    this.runs = log.runs(this.from, this.to);
    this.since = log.unflushedSince;
  }
}

/** Asked again after a write, which may have ended the membership. */
function isLive<V extends Viewer>(member: Member<V>): boolean {
  return member.phase === 'live';
}
