/**
 * Deadlines of many calls with one timer for each length of time in use, not one a call: among entries of one length the
 * first to come is the first to expire, so each length is a list in order. Adding and removing is O(1), linked through the entries.
 */
import type { Clock, Timer } from '@im/protocol/ports';

/** What an entry must have room for. All but `deadline` belong to the lists. */
export interface Expiring {
  /** On the monotonic clock; set by {@link DeadlineLists.add}. */
  deadline: number;
  deadlineList: DeadlineList<Expiring> | undefined;
  earlier: Expiring | undefined;
  later: Expiring | undefined;
}

/** The entries of one length of time, in order of expiry. */
export interface DeadlineList<T> {
  readonly lengthMs: number;
  first: T | undefined;
  last: T | undefined;
  timer: Timer | undefined;
}

/** Lists that are kept though they are empty. */
const KEPT_LISTS = 64;

export class DeadlineLists<T extends Expiring> {
  readonly #clock: Clock;
  readonly #onExpired: (entry: T) => void;
  readonly #stepMs: number;
  readonly #lists = new Map<number, DeadlineList<Expiring>>();

  /** @param stepMs lengths are rounded up to its multiples, so that few of them are in use */
  constructor(clock: Clock, onExpired: (entry: T) => void, stepMs = 1) {
    this.#clock = clock;
    this.#onExpired = onExpired;
    this.#stepMs = stepMs;
  }

  /** @param lengthMs from `now`, which is the monotonic clock's time */
  add(entry: T, lengthMs: number, now: number): void {
    const length = Math.ceil(lengthMs / this.#stepMs) * this.#stepMs;
    let list = this.#lists.get(length);
    if (list === undefined) {
      list = { lengthMs: length, first: undefined, last: undefined, timer: undefined };
      this.#lists.set(length, list);
    }
    entry.deadline = now + lengthMs;
    entry.deadlineList = list;
    entry.earlier = list.last;
    entry.later = undefined;
    if (list.last === undefined) list.first = entry;
    else list.last.later = entry;
    list.last = entry;
    if (list.timer === undefined) this.#arm(list, length);
  }

  /** Does nothing for an entry that is in no list. */
  remove(entry: T): void {
    const list = entry.deadlineList;
    if (list === undefined) return;
    if (entry.earlier === undefined) list.first = entry.later;
    else entry.earlier.later = entry.later;
    if (entry.later === undefined) list.last = entry.earlier;
    else entry.later.earlier = entry.earlier;
    entry.deadlineList = entry.earlier = entry.later = undefined;
    // The timer stays for the next of this length: a lone caller would otherwise make one for each call.
    if (list.first !== undefined || this.#lists.size <= KEPT_LISTS) return;
    list.timer?.cancel();
    list.timer = undefined;
    this.#lists.delete(list.lengthMs);
  }

  /** Stops all timers. Entries are left as they are: nothing expires any more. */
  close(): void {
    for (const list of this.#lists.values()) list.timer?.cancel();
    this.#lists.clear();
  }

  #arm(list: DeadlineList<Expiring>, delayMs: number): void {
    list.timer = this.#clock.after(delayMs, () => this.#expire(list), { background: true });
  }

  #expire(list: DeadlineList<Expiring>): void {
    list.timer = undefined;
    const now = this.#clock.monotonic();
    for (let entry = list.first; entry !== undefined && entry.deadline <= now; entry = list.first) {
      this.remove(entry as T);
      this.#onExpired(entry as T);
    }
    if (list.first === undefined) this.#lists.delete(list.lengthMs);
    else if (list.timer === undefined) this.#arm(list, list.first.deadline - now);
  }
}

/** What is left of a deadline, as it travels: rounded up, at least 1, and never more than it was by an error of floating point. */
export function wholeMs(leftMs: number): number {
  return Math.max(1, Math.ceil(leftMs - 1e-6));
}
