/**
 * What waits in a group's normal lane for the next frame: messages in their order, those of one key as one, and the count of those that
 * are lost. Owns order, bounds and the arithmetic of memberships that began meanwhile. Must not know who the viewers are.
 *
 * Messages that are not conflated wait in an array, which is what the frame sends if there are no others. Those that are wait beside it, in
 * the order of their last ones, and each knows before which message of the array it stands.
 */
import type { Conflation, Delivery } from '@im/protocol';
import type { Random } from '@im/protocol/ports';
import { admit, type FrameRoom, type Room } from './admission.js';
import { type Budget, weigh } from './budget.js';
import { Conflated, ConflatedByKey } from './conflation.js';
import { FramePart } from './frame-part.js';
import { FrameTail } from './frame-tail.js';
import { addLosses, type Losses, noLosses } from './losses.js';
import type { SumOutcome } from './sum-ids.js';

/** Where in a frame memberships begin; shared by all that begin there. What comes from there to the next is a stretch of the frame. */
export interface FrameStart {
  /** Of its stretch, from 0. */
  readonly stretch: number;
  /** How many messages of the array are before it. */
  messages: number;
  /** Of its stretch. */
  readonly losses: Losses;
}

/** What frames share. */
export interface FrameSurroundings {
  /** What may go on waiting when more than {@link most} does. */
  readonly waiting: FrameRoom;
  readonly most: Room;
  /** Of all groups. */
  readonly budget: Budget;
  readonly random: Random;
}

/** Viewers of one start come mostly one after the other; parts of more starts than these are made again. */
const KEPT_PARTS = 8;

export class NormalFrame {
  readonly #group: string;
  readonly #shared: FrameSurroundings;
  #messages: Delivery[] = [];
  /** Sorted by the order of their last messages when that is asked for. */
  #conflated: Conflated[] = [];
  #isSorted = true;
  #order = 0;
  #open: ConflatedByKey | undefined;
  #bytes = 0;
  #since: number | undefined;
  #current: FrameStart = { stretch: 0, messages: 0, losses: noLosses() };
  readonly #starts = [this.#current];
  /** Something came since the current start. */
  #moved = false;
  #lossy = false;
  /** The one used last first. */
  #parts: FramePart[] | undefined;
  #tail: FrameTail | undefined;

  constructor(group: string, shared: FrameSurroundings) {
    this.#group = group;
    this.#shared = shared;
  }

  /** How many messages would be sent. */
  get length(): number {
    return this.#messages.length + this.#conflated.length;
  }

  /** As {@link weigh} counts. */
  get bytes(): number {
    return this.#bytes;
  }

  /** When the first message of it was published. */
  get since(): number | undefined {
    return this.#since;
  }

  /** There was no room for some of it. */
  get isLimited(): boolean {
    return this.#lossy && this.#starts.some(({ losses }) => losses.budget > 0);
  }

  add(delivery: Delivery): void {
    const bytes = weigh(delivery);
    if (!this.#shared.budget.fits(bytes)) {
      this.#lose('budget', 1);
      return;
    }
    this.#since ??= delivery.time;
    this.#messages.push(delivery);
    this.#take(bytes);
  }

  /**
   * @param amount what it adds to a sum
   * @returns what becomes of that sum; undefined: there was no room for the message
   */
  conflate(delivery: Delivery, conflation: Conflation, amount: number): SumOutcome | undefined {
    this.#open ??= new ConflatedByKey();
    const present = this.#open.get(delivery.event, conflation);
    const joined = present?.hasRoomFor(amount) ? present : undefined;
    const bytes = weigh(delivery) - (joined === undefined ? 0 : weigh(joined));
    if (!this.#shared.budget.fits(bytes)) {
      this.#lose('budget', 1);
      return undefined;
    }
    const conflated = joined ?? new Conflated(delivery);
    if (joined === undefined) {
      this.#open.set(delivery.event, conflation, conflated);
      this.#conflated.push(conflated);
    }
    if (this.#conflated.at(-1) !== conflated) this.#isSorted = false;
    this.#order += 1;
    conflated.order = this.#order;
    conflated.add(delivery, amount, this.#current.stretch, this.#messages.length);
    this.#since ??= delivery.time;
    this.#take(bytes);
    return conflated.outcome;
  }

  /** Messages of the group were lost on their way here; undefined: unknown how many. */
  addLost(count: number | undefined): void {
    if (count === undefined) this.#lose('upstreamUnknown', 1);
    else this.#lose('upstream', count);
  }

  /** Where a membership begins that begins now. */
  here(): FrameStart {
    if (this.#moved) {
      this.#current = { stretch: this.#starts.length, messages: this.#messages.length, losses: noLosses() };
      this.#starts.push(this.#current);
      this.#moved = false;
    }
    return this.#current;
  }

  /** Drops what there is no room for. */
  admit(room: FrameRoom): void {
    if (this.length > room.messages || this.#bytes > room.bytes) this.#keep(this.#inOrder(), room);
  }

  /** What memberships get that began there; undefined: at the beginning. Of now: more may come. */
  part(start: FrameStart | undefined): FramePart {
    const stretch = start?.stretch ?? 0;
    this.#parts ??= [];
    const parts = this.#parts;
    const last = parts[0];
    if (last?.stretch === stretch) return last;
    const index = parts.findIndex((part) => part.stretch === stretch);
    const part = parts[index] ?? this.#makePart(this.#starts[stretch] as FrameStart);
    if (index >= 0) parts.splice(index, 1);
    else if (parts.length === KEPT_PARTS) parts.pop();
    parts.unshift(part);
    return part;
  }

  /** All of it, to go along with a frame that is being written; undefined where both are more than there is room for, or some is lost. */
  tailOf(frame: NormalFrame, { messages, bytes }: Room): FrameTail | undefined {
    if (this.#lossy || this.length === 0) return undefined;
    if (frame.length + this.length > messages || frame.bytes + this.#bytes > bytes) return undefined;
    this.#tail ??= new FrameTail(this.part(undefined).deliveries, this.here(), () => {
      for (const one of this.#conflated) one.goesToSome();
    });
    return this.#tail;
  }

  /** Gives back the room it took; the frame is over. */
  discard(): void {
    this.#shared.budget.give(this.#bytes);
    this.#bytes = 0;
  }

  #take(bytes: number): void {
    this.#bytes += bytes;
    this.#shared.budget.take(bytes);
    this.#change();
    const { most, waiting } = this.#shared;
    if (this.length > most.messages || this.#bytes > most.bytes) this.admit(waiting);
  }

  #lose(what: 'budget' | 'upstream' | 'upstreamUnknown', count: number): void {
    this.#current.losses[what] += count;
    this.#lossy = true;
    this.#change();
  }

  #change(): void {
    this.#moved = true;
    this.#parts = undefined;
    this.#tail = undefined;
  }

  #sorted(): readonly Conflated[] {
    if (!this.#isSorted) this.#conflated.sort((one, other) => one.order - other.order);
    this.#isSorted = true;
    return this.#conflated;
  }

  #inOrder(): (Delivery | Conflated)[] {
    const all: (Delivery | Conflated)[] = [];
    let next = 0;
    for (const conflated of this.#sorted()) {
      for (; next < conflated.place; next += 1) all.push(this.#messages[next] as Delivery);
      all.push(conflated);
    }
    for (; next < this.#messages.length; next += 1) all.push(this.#messages[next] as Delivery);
    return all;
  }

  /** What does not go on is told as lost to whom it would have been sent. */
  #keep(all: readonly (Delivery | Conflated)[], room: FrameRoom): void {
    const goes = admit(all, room, this.#shared.random);
    const starts = this.#starts;
    const messages: Delivery[] = [];
    const conflated: Conflated[] = [];
    let start = 0;
    let seen = 0;
    let bytes = 0;
    for (let i = 0; i < all.length; i += 1) {
      const one = all[i] as Delivery | Conflated;
      const stays = goes[i] === 1;
      if (stays) bytes += weigh(one);
      if (one instanceof Conflated) {
        one.place = messages.length;
        if (stays) conflated.push(one);
        else one.shed((stretch, count) => this.#drop(stretch, count));
        continue;
      }
      for (; nextBegins(starts, start, seen); start += 1) (starts[start + 1] as FrameStart).messages = messages.length;
      seen += 1;
      if (stays) messages.push(one);
      else this.#drop(start, 1);
    }
    for (; start + 1 < starts.length; start += 1) (starts[start + 1] as FrameStart).messages = messages.length;
    this.#shared.budget.give(this.#bytes - bytes);
    this.#bytes = bytes;
    this.#messages = messages;
    this.#reopen(conflated);
    this.#parts = undefined;
    this.#tail = undefined;
  }

  #drop(stretch: number, count: number): void {
    (this.#starts[stretch] as FrameStart).losses.budget += count;
    this.#lossy = true;
  }

  /** These go on, the others do not. */
  #reopen(conflated: Conflated[]): void {
    this.#conflated = conflated;
    this.#open = new ConflatedByKey();
    for (const one of conflated) {
      const { event, terms } = one.last;
      if (terms?.conflate !== undefined) this.#open.set(event, terms.conflate, one);
    }
  }

  #makePart(start: FrameStart): FramePart {
    const losses = this.#lossesSince(start);
    if (this.#conflated.length === 0) {
      const messages = start.messages === 0 ? this.#messages : this.#messages.slice(start.messages);
      return new FramePart(this.#group, start.stretch, messages, 0, losses);
    }
    const deliveries: Delivery[] = [];
    let conflated = 0;
    let next = start.messages;
    for (const one of this.#sorted()) {
      const delivery = one.since(start.stretch);
      if (delivery === undefined) continue;
      for (; next < one.place; next += 1) deliveries.push(this.#messages[next] as Delivery);
      deliveries.push(delivery);
      conflated += delivery.conflated ?? 0;
    }
    for (; next < this.#messages.length; next += 1) deliveries.push(this.#messages[next] as Delivery);
    return new FramePart(this.#group, start.stretch, deliveries, conflated, losses);
  }

  #lossesSince(start: FrameStart): Losses | undefined {
    if (!this.#lossy) return undefined;
    const losses = noLosses();
    for (let i = start.stretch; i < this.#starts.length; i += 1)
      addLosses(losses, (this.#starts[i] as FrameStart).losses);
    return losses;
  }
}

/** Whether the stretch after that one begins with the message of the array that is seen next. */
function nextBegins(starts: readonly FrameStart[], start: number, seen: number): boolean {
  const next = starts[start + 1];
  return next !== undefined && next.messages <= seen;
}
