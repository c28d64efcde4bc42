/**
 * Tells where the logs of active groups stand, so that a receiver that missed the last message learns it although
 * nothing follows. Owns when to tell; must not know whom.
 */
import type { Position } from '@im/protocol';
import type { Clock, Timer } from '@im/protocol/ports';

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
/** Beyond, the group that would be told next is told at once and forgotten. */
const MAX_GROUPS = 100_000;

interface ActiveHead {
  epoch: string;
  version: number;
  dueAt: number;
  repeatsLeft: number;
}

export class ActiveHeads {
  readonly #clock: Clock;
  readonly #onHead: (group: string, position: Position) => void;
  /** Not told since their last message, and told at least once: each in the order in which they fall due. */
  readonly #fresh = new Map<string, ActiveHead>();
  readonly #told = new Map<string, ActiveHead>();
  #timer: Timer | undefined;
  #timerAt = Infinity;

  constructor(options: ActiveHeadsOptions) {
    this.#clock = options.clock;
    this.#onHead = options.onHead;
  }

  /** A message of the group went out, or was found to have gone out before. */
  note(group: string, position: Position): void {
    const dueAt = this.#clock.monotonic() + FIRST_MS;
    const head = this.#taken(group) ?? { epoch: position.epoch, version: 0, dueAt, repeatsLeft: REPEATS };
    // A duplicate names the version of its first, which may lie below the head.
    if (head.epoch !== position.epoch || head.version < position.version) head.version = position.version;
    head.epoch = position.epoch;
    head.dueAt = dueAt;
    head.repeatsLeft = REPEATS;
    this.#fresh.set(group, head);
    if (this.size > MAX_GROUPS) this.#forgetOne();
    this.#wakeAt(dueAt);
  }

  /** The head of the group, which is due no more. */
  #taken(group: string): ActiveHead | undefined {
    const fresh = this.#fresh.get(group);
    if (fresh !== undefined) {
      this.#fresh.delete(group);
      return fresh;
    }
    const told = this.#told.get(group);
    if (told !== undefined) this.#told.delete(group);
    return told;
  }

  get size(): number {
    return this.#fresh.size + this.#told.size;
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAt = Infinity;
    this.#fresh.clear();
    this.#told.clear();
  }

  #wakeAt(at: number): void {
    if (at >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#clock.after(at - this.#clock.monotonic(), this.#tell, { background: true });
  }

  readonly #tell = (): void => {
    this.#timerAt = Infinity;
    const now = this.#clock.monotonic();
    this.#tellDue(this.#told, now);
    this.#tellDue(this.#fresh, now);
    for (const heads of [this.#told, this.#fresh]) {
      const next = firstOf(heads);
      if (next !== undefined) this.#wakeAt(Math.max(next[1].dueAt, now + GRAIN_MS));
    }
  };

  #tellDue(heads: Map<string, ActiveHead>, now: number): void {
    for (const [group, head] of heads) {
      if (head.dueAt > now) return;
      heads.delete(group);
      if (head.repeatsLeft > 0) {
        head.dueAt = now + REPEAT_MS;
        head.repeatsLeft -= 1;
        this.#told.set(group, head);
      }
      this.#onHead(group, { epoch: head.epoch, version: head.version });
    }
  }

  #forgetOne(): void {
    const heads = this.#told.size > 0 ? this.#told : this.#fresh;
    const first = firstOf(heads);
    if (first === undefined) return;
    const [group, head] = first;
    heads.delete(group);
    this.#onHead(group, { epoch: head.epoch, version: head.version });
  }
}

function firstOf(heads: Map<string, ActiveHead>): [string, ActiveHead] | undefined {
  for (const first of heads) return first;
  return undefined;
}
