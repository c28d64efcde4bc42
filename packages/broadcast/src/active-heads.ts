/**
 * Tells where the logs of active groups stand, so that a receiver that missed the last message learns it although
 * nothing follows. Owns when to tell; must not know whom.
 */
import type { Position } from '@im/protocol';
import type { Clock, Timer } from '@im/protocol/ports';
import { Fifo } from './memory/fifo.js';

export interface ActiveHeadsOptions {
  readonly clock: Clock;
  readonly onHead: (group: string, position: Position) => void;
}

/** After the last message of a group. */
const FIRST_MS = 200;
/** From one telling to the next. */
const REPEAT_MS = 1_000;
/** Tellings after the first; then the group counts as quiet. */
const REPEATS = 5;
/** Heads due within this time of each other are told together. */
const GRAIN_MS = 20;
/** Beyond, one of those that were told already is told at once and forgotten, or of the others the one that waits longest. */
const MAX_GROUPS = 100_000;

const NO_TICK = -1;

interface ActiveHead {
  readonly group: string;
  epoch: string;
  version: number;
  dueAt: number;
  /** The tick in whose queue it is to be found; it may be in earlier and later ones too, which means nothing. */
  tick: number;
  repeatsLeft: number;
}

export class ActiveHeads {
  readonly #clock: Clock;
  readonly #onHead: (group: string, position: Position) => void;
  readonly #heads = new Map<string, ActiveHead>();
  /** By ticks of {@link GRAIN_MS}. What is noted again stays where it is, and moves on when its tick has come. */
  readonly #ticks = new Map<number, Fifo<ActiveHead>>();
  #timer: Timer | undefined;
  #timerTick = Infinity;

  constructor(options: ActiveHeadsOptions) {
    this.#clock = options.clock;
    this.#onHead = options.onHead;
  }

  /** A message of the group went out, or was found to have gone out before. */
  note(group: string, { epoch, version }: Position): void {
    const dueAt = this.#clock.monotonic() + FIRST_MS;
    const head = this.#heads.get(group);
    if (head === undefined) {
      const fresh = { group, epoch, version, dueAt, tick: NO_TICK, repeatsLeft: REPEATS };
      this.#heads.set(group, fresh);
      this.#queue(fresh);
      if (this.#heads.size > MAX_GROUPS) this.#forgetOne();
      return;
    }
    // A duplicate names the version of its first, which may lie below the head.
    if (head.epoch !== epoch || head.version < version) head.version = version;
    head.epoch = epoch;
    head.dueAt = dueAt;
    head.repeatsLeft = REPEATS;
    if (head.tick > tickOf(dueAt)) this.#queue(head);
  }

  get size(): number {
    return this.#heads.size;
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerTick = Infinity;
    this.#heads.clear();
    this.#ticks.clear();
  }

  /** For the tick in which it falls due. */
  #queue(head: ActiveHead): void {
    const tick = tickOf(head.dueAt);
    head.tick = tick;
    let queue = this.#ticks.get(tick);
    if (queue === undefined) {
      queue = new Fifo();
      this.#ticks.set(tick, queue);
      this.#wakeIn(tick);
    }
    queue.push(head);
  }

  #wakeIn(tick: number): void {
    if (tick >= this.#timerTick) return;
    this.#timer?.cancel();
    this.#timerTick = tick;
    const delayMs = Math.ceil(tick * GRAIN_MS - this.#clock.monotonic());
    this.#timer = this.#clock.after(delayMs, this.#wake, { background: true });
  }

  readonly #wake = (): void => {
    this.#timerTick = Infinity;
    const now = this.#clock.monotonic();
    const ticks = [...this.#ticks.keys()].sort((one, other) => one - other);
    for (const tick of ticks) if (tick * GRAIN_MS <= now) this.#tellDue(tick, now);
    this.#wakeIn(Math.min(...this.#ticks.keys()));
  };

  #tellDue(tick: number, now: number): void {
    for (;;) {
      const head = this.#ticks.get(tick)?.shift();
      if (head === undefined) break;
      if (head.tick !== tick) continue;
      if (head.dueAt > now) this.#queue(head);
      else this.#tell(head, now);
    }
    this.#ticks.delete(tick);
  }

  #tell(head: ActiveHead, now: number): void {
    head.tick = NO_TICK;
    if (head.repeatsLeft > 0) {
      head.dueAt = now + REPEAT_MS;
      head.repeatsLeft -= 1;
      this.#queue(head);
    } else this.#heads.delete(head.group);
    this.#onHead(head.group, { epoch: head.epoch, version: head.version });
  }

  #forgetOne(): void {
    const firstsEnd = tickOf(this.#clock.monotonic() + FIRST_MS);
    for (;;) {
      const last = Math.max(...this.#ticks.keys());
      const tick = last > firstsEnd ? last : Math.min(...this.#ticks.keys());
      const head = this.#ticks.get(tick)?.shift();
      if (head === undefined) this.#ticks.delete(tick);
      if (head?.tick !== tick) continue;
      head.repeatsLeft = 0;
      this.#tell(head, 0);
      return;
    }
  }
}

/** The first one that ends no earlier. */
function tickOf(time: number): number {
  return Math.ceil(time / GRAIN_MS);
}
