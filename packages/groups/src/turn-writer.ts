/**
 * What is written in which turn: the priority messages of all groups first, in rounds, then a slice of what members are owed and of the
 * frames that have begun. Owns the order of groups and lanes. Must not know members, nor how a lane is written.
 */
import type { Clock } from '@im/protocol/ports';
import type { Beat } from './beat.js';
import type { FanOutSettings } from './fan-out-options.js';
import { FrameWriter } from './frame-writer.js';
import type { Group } from './group.js';
import { GroupKinds } from './group-kinds.js';
import { Slice } from './slice.js';
import type { Surroundings } from './surroundings.js';
import type { Viewer } from './viewer.js';

export class TurnWriter<V extends Viewer> {
  readonly kinds: GroupKinds<V>;
  readonly #clock: Clock;
  readonly #afterTurn: (run: () => void) => void;
  readonly #sliceMs: number;
  readonly #owing: Surroundings<V>['owing'];
  readonly #beats: readonly Beat<V>[];
  /** Those whose frames are as many as turns. */
  readonly #everyTurn: readonly Beat<V>[];
  readonly #frames: FrameWriter<V>;
  /** Groups with priority messages for the next round. */
  #urgent = new Set<Group<V>>();
  /** Groups whose priority messages are being written. */
  #round = new Set<Group<V>>();
  #isTellingDue = false;
  #turnRequested = false;
  #closed = false;

  /** @throws ImError INVALID_ARGUMENT */
  constructor(settings: FanOutSettings, { owing, metrics }: Surroundings<V>) {
    this.#clock = settings.clock;
    this.#afterTurn = settings.afterTurn;
    this.#sliceMs = settings.sliceMs;
    this.#owing = owing;
    this.#frames = new FrameWriter(metrics.frameSeconds);
    this.kinds = new GroupKinds(settings, this.#frame);
    this.#beats = this.kinds.beats();
    this.#everyTurn = this.#beats.filter(({ isEveryTurn }) => isEveryTurn);
  }

  /** Priority messages of the group wait. */
  addPriority(group: Group<V>): void {
    this.#urgent.add(group);
    this.#requestTurn();
  }

  /** Normal messages of the group wait. */
  addNormal(group: Group<V>): void {
    group.beat.add(group);
    if (group.beat.isEveryTurn) this.#requestTurn();
  }

  /** The group is gone. */
  remove(group: Group<V>): void {
    this.#urgent.delete(group);
    this.#round.delete(group);
    group.beat.remove(group);
  }

  /** Nothing is written any more. */
  close(): void {
    this.#closed = true;
    for (const beat of this.#beats) beat.close();
    this.#frames.clear();
    this.#urgent.clear();
    this.#round.clear();
  }

  #requestTurn(): void {
    if (this.#turnRequested) return;
    this.#turnRequested = true;
    this.#afterTurn(this.#turn);
  }

  readonly #turn = (): void => {
    this.#turnRequested = false;
    if (this.#closed) return;
    for (const beat of this.#everyTurn) if (beat.hasWaiting) this.#frames.add(beat.begin());
    this.#writeSlice();
  };

  readonly #frame = (beat: Beat<V>): void => {
    this.#isTellingDue = true;
    this.#frames.add(beat.begin());
    this.#writeSlice();
  };

  /** First the priority messages of all groups that had some; then, whatever has come meanwhile, a slice of the rest. */
  #writeSlice(): void {
    const slice = new Slice(this.#clock, this.#sliceMs);
    if (this.#round.size === 0) [this.#round, this.#urgent] = [this.#urgent, this.#round];
    this.#writePriority(slice);
    if (this.#round.size === 0) this.#writeNormal(slice.hasEnded ? new Slice(this.#clock, this.#sliceMs) : slice);
    if (this.#isWorkLeft()) this.#requestTurn();
    if (this.#owing.size > 0) this.kinds.usualBeat.request();
  }

  #isWorkLeft(): boolean {
    if (this.#round.size > 0 || this.#urgent.size > 0 || this.#frames.isBusy || this.#isTellingDue) return true;
    // A group whose frame was being written when its next one was due begins it now.
    return this.#everyTurn.some(({ hasWaiting }) => hasWaiting);
  }

  /** One group that needs several slices lets the others go first. */
  #writePriority(slice: Slice): void {
    for (const group of this.#round) {
      this.#round.delete(group);
      if (group.priority.write(slice.isOver)) continue;
      this.#round.add(group);
      return;
    }
  }

  #writeNormal(slice: Slice): void {
    if (this.#isTellingDue) this.#isTellingDue = !this.#tell(slice);
    this.#frames.writeSlice(slice);
  }

  /** Tells what was not sent to those who can be told. @returns whether all were */
  #tell(slice: Slice): boolean {
    for (const member of this.#owing) {
      if (member.viewer.congested) continue;
      if (slice.isOver()) return false;
      member.owner.normal.tell(member);
    }
    return true;
  }
}
