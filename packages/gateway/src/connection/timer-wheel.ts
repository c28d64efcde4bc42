/**
 * One timer for all deadlines of all connections: a hashed wheel. Setting, moving and cancelling a deadline costs the same
 * whatever their number, and no closure or timer handle each. Must not know what deadlines are for.
 */
import type { Clock, Timer } from '@im/protocol/ports';

const SLOTS = 512;

/** Something that waits for a deadline; embed or extend it. One deadline at a time. */
export abstract class Deadline {
  /** @internal Neighbours in the slot; `undefined` while not waiting. */
  previous: Deadline | undefined;
  /** @internal */
  next: Deadline | undefined;
  /** @internal On the monotonic clock. */
  dueAt = 0;
  /** @internal */
  slot = -1;
  abstract reached(): void;
}

export class TimerWheel {
  readonly #clock: Clock;
  readonly #slots: (Deadline | undefined)[] = new Array<Deadline | undefined>(SLOTS).fill(undefined);
  #waiting = 0;
  #tick: number;
  #ticks = 0;
  #timer: Timer | undefined;

  /** @param tickMs how late a deadline may be noticed */
  constructor(
    clock: Clock,
    readonly tickMs: number,
  ) {
    this.#clock = clock;
    this.#tick = this.#currentTick();
  }

  /** Deadlines that are waiting: 0 when everything was cleaned up. */
  get size(): number {
    return this.#waiting;
  }

  /**
   * How often it has turned: `tickMs` apart or more, however long the process was held up, and not at all while nothing waits. For whatever
   * is to be measured in time in which this process could have heard of it.
   */
  get ticks(): number {
    return this.#ticks;
  }

  /** (Re)sets the deadline: `reached` runs once, at most one tick late, never early. */
  set(deadline: Deadline, delayMs: number): void {
    this.cancel(deadline);
    deadline.dueAt = this.#clock.monotonic() + Math.max(0, delayMs);
    if (this.#waiting === 0) this.#tick = this.#currentTick();
    this.#insert(deadline);
    this.#timer ??= this.#clock.after(this.tickMs, this.#advance, { background: true });
  }

  cancel(deadline: Deadline): void {
    if (deadline.slot < 0) return;
    if (deadline.previous) deadline.previous.next = deadline.next;
    else this.#slots[deadline.slot] = deadline.next;
    if (deadline.next) deadline.next.previous = deadline.previous;
    deadline.previous = deadline.next = undefined;
    deadline.slot = -1;
    this.#waiting--;
    if (this.#waiting === 0) {
      this.#timer?.cancel();
      this.#timer = undefined;
    }
  }

  #insert(deadline: Deadline): void {
    const dueTick = Math.max(Math.ceil(deadline.dueAt / this.tickMs), this.#tick + 1);
    const slot = dueTick % SLOTS;
    const head = this.#slots[slot];
    deadline.slot = slot;
    deadline.next = head;
    if (head) head.previous = deadline;
    this.#slots[slot] = deadline;
    this.#waiting++;
  }

  readonly #advance = (): void => {
    this.#timer = undefined;
    const now = this.#currentTick();
    // After a long stall every slot is looked at once, none twice.
    const from = Math.max(this.#tick + 1, now - SLOTS + 1);
    this.#tick = now;
    this.#ticks++;
    for (let tick = from; tick <= now; tick++) this.#runSlot(tick % SLOTS);
    if (this.#waiting > 0) this.#timer ??= this.#clock.after(this.tickMs, this.#advance, { background: true });
  };

  #runSlot(slot: number): void {
    const now = this.#clock.monotonic();
    // A deadline that is set meanwhile lands in a later tick, at the head of its slot: never in the rest of this chain.
    let deadline = this.#slots[slot];
    const due: Deadline[] = [];
    for (; deadline; deadline = deadline.next) if (deadline.dueAt <= now) due.push(deadline);
    for (const each of due) {
      if (each.slot !== slot || each.dueAt > now) continue;
      this.cancel(each);
      each.reached();
    }
  }

  #currentTick(): number {
    return Math.floor(this.#clock.monotonic() / this.tickMs);
  }
}
