/**
 * The priority lane of one group: who was written how far of its log. Owns passes over all members, and what single members are written
 * before their turn. Must not know when (turn-writer.ts), nor the normal lane.
 */
import type { Delivery, Position } from '@im/protocol';
import type { Members } from './members.js';
import type { Member } from './membership.js';
import { PriorityLog, type Run } from './priority-log.js';
import type { Surroundings } from './surroundings.js';
import type { Viewer } from './viewer.js';

export class PriorityLane<V extends Viewer> {
  readonly #members: Members<V>;
  readonly #surroundings: Surroundings<V>;
  readonly #log: PriorityLog;
  #pass: Pass | undefined;

  constructor(group: string, members: Members<V>, surroundings: Surroundings<V>) {
    this.#members = members;
    this.#surroundings = surroundings;
    this.#log = new PriorityLog(group, surroundings.budget);
  }

  /** Sequence that the next message will have. */
  get end(): number {
    return this.#log.end;
  }

  /**
   * @returns whether it waits for {@link write}
   * @throws ImError INVALID_ARGUMENT without epoch or version
   */
  add(delivery: Delivery): boolean {
    return this.#log.add(delivery);
  }

  /** Whether everything is kept that came since that member began to be held; if not, it begins anew. */
  hasKept(member: Member<V>): boolean {
    if (member.from >= this.#log.base) return true;
    member.from = this.#log.end;
    this.#surroundings.metrics.heldOverflows.add();
    return false;
  }

  /** Writes a member whose membership begins what was kept and follows its position. */
  begin(member: Member<V>, position: Position): void {
    this.#writeFrom(member, this.#log.following(position, member.from));
    this.trim();
  }

  /**
   * Writes the messages there are to members until all have them, or the slice is over: asked before each. What comes meanwhile goes
   * with them to those who have not got them yet; for the others it is for the next time. @returns whether all have them
   */
  write(isOver: () => boolean): boolean {
    const log = this.#log;
    if (log.flushed === log.end) return true;
    const pass = this.#pass ?? new Pass(log, this.#members.size - 1);
    this.#pass = pass;
    if (!this.#goOn(pass, isOver)) return false;
    this.#surroundings.metrics.wroteAll('priority', pass.since);
    // What was written may have ended the last membership, and with it the group.
    if (this.#pass !== pass) return true;
    log.markFlushed(pass.to);
    this.#pass = undefined;
    this.trim();
    return true;
  }

  /** Writes a live member what others may get later. */
  catchUp(member: Member<V>): void {
    if (member.from < this.#log.end) this.#writeFrom(member, member.from);
  }

  /** Forgets what nobody needs: members that are held may need some. */
  trim(): void {
    if (this.#pass === undefined) this.#log.trim(this.#members.areHeld ? this.#surroundings.maxHeld : 0);
  }

  /** Gives back the room that messages take; the group is empty. */
  discard(): void {
    this.#pass = undefined;
    this.#log.discard();
  }

  /** @returns whether all members have it */
  #goOn(pass: Pass, isOver: () => boolean): boolean {
    const { end } = this.#log;
    let written = 0;
    for (; pass.cursor >= 0 && !isOver(); pass.cursor -= 1) {
      this.#members.reach(pass.cursor);
      const member = this.#members.at(pass.cursor);
      if (member?.phase !== 'live' || member.from >= end) continue;
      const runs = pass.runs(member.from, end);
      member.from = end;
      for (const run of runs) written += this.#writeRun(member, run);
    }
    this.#surroundings.metrics.delivered.priority.add(written);
    return pass.cursor < 0;
  }

  #writeFrom(member: Member<V>, from: number): void {
    const { end } = this.#log;
    member.from = end;
    let written = 0;
    for (const run of this.#log.runs(from, end)) written += this.#writeRun(member, run);
    this.#surroundings.metrics.delivered.priority.add(written);
  }

  /** @returns how many messages were written */
  #writeRun(member: Member<V>, run: Run): number {
    const { viewer } = member;
    const log = this.#log;
    const begin = Math.max(run.first - 1, Math.min(member.shownAfter, run.last));
    if (member.epoch !== run.epoch || member.version < begin) {
      viewer.write(log.resetChunk(viewer.encoding, { epoch: run.epoch, version: begin }, member));
      member.epoch = run.epoch;
      member.version = begin;
    }
    if (member.version >= run.last) return 0;
    const from = log.above(run, member.version);
    member.version = run.last;
    viewer.write(log.chunk(viewer.encoding, from, run.to));
    return run.to - from;
  }
}

/** Messages on their way to all members: those up to the cursor have not got them yet. */
class Pass {
  readonly to: number;
  readonly since: number;
  readonly #log: PriorityLog;
  #runs: readonly Run[] = [];
  #from = 0;
  #end = 0;

  constructor(
    log: PriorityLog,
    public cursor: number,
  ) {
    this.#log = log;
    this.to = log.end;
    this.since = log.unflushedSince;
  }

  /** Of the log, made once for members who come one after the other and have the same. */
  runs(from: number, end: number): readonly Run[] {
    if (from !== this.#from || end !== this.#end) {
      this.#runs = this.#log.runs(from, end);
      this.#from = from;
      this.#end = end;
    }
    return this.#runs;
  }
}
