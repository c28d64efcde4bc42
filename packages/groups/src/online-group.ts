/**
 * The users of one group in order of entering: entering, leaving and looking one up are O(1), a page costs its length.
 *
 * The order is an array by rising sequence number; whoever leaves becomes a hole in it, and the array is packed when
 * it is half holes. A cursor is a sequence number, found by halving, so it survives that anybody leaves.
 */
import type { OnlineMember } from './online-list.js';

/** There may be millions: one object, in which pages find members. */
interface Place {
  readonly user: string;
  attributes: OnlineMember['attributes'];
  readonly sinceMs: number;
  readonly sequence: number;
  /** 0: a hole. */
  sessions: number;
}

/** Fewer holes than this are not worth packing. */
const MIN_HOLES = 32;

export class OnlineGroup {
  readonly #bySession = new Map<string, Place>();
  readonly #byUser = new Map<string, Place>();
  #order: Place[] = [];
  #nextSequence = 1;

  get users(): number {
    return this.#byUser.size;
  }

  get sessions(): number {
    return this.#bySession.size;
  }

  has(user: string): boolean {
    return this.#byUser.has(user);
  }

  hasSession(session: string): boolean {
    return this.#bySession.has(session);
  }

  enter(session: string, member: OnlineMember): void {
    const before = this.#bySession.get(session);
    const { user, attributes, sinceMs } = member;
    if (before !== undefined && before.user !== user) this.leave(session);
    let place = this.#byUser.get(user);
    if (place === undefined) {
      place = { user, attributes, sinceMs, sequence: this.#nextSequence, sessions: 0 };
      this.#nextSequence += 1;
      this.#byUser.set(user, place);
      this.#order.push(place);
    } else {
      place.attributes = attributes;
    }
    if (this.#bySession.has(session)) return;
    this.#bySession.set(session, place);
    place.sessions += 1;
  }

  /** @returns whether the session was listed */
  leave(session: string): boolean {
    const place = this.#bySession.get(session);
    if (place === undefined) return false;
    this.#bySession.delete(session);
    place.sessions -= 1;
    if (place.sessions > 0) return true;
    this.#byUser.delete(place.user);
    const holes = this.#order.length - this.#byUser.size;
    if (holes >= MIN_HOLES && holes > this.#byUser.size)
      this.#order = this.#order.filter(({ sessions }) => sessions > 0);
    return true;
  }

  /** Members that entered after a sequence number, and, when there are more, the number to go on after. */
  after(sequence: number, limit: number): { members: OnlineMember[]; more: number | undefined } {
    const members: OnlineMember[] = [];
    let last = sequence;
    for (let i = this.#indexAfter(sequence); i < this.#order.length; i += 1) {
      const place = this.#order[i] as Place;
      if (place.sessions === 0) continue;
      if (members.length === limit) return { members, more: last };
      members.push({ user: place.user, attributes: place.attributes, sinceMs: place.sinceMs });
      last = place.sequence;
    }
    return { members, more: undefined };
  }

  #indexAfter(sequence: number): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#order[middle] as Place).sequence <= sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
