/**
 * The members of one group, for those who walk over them in slices with other turns between. Must not know what is written to them.
 *
 * An array, left by swapping with the last, to be walked from its end: whoever leaves or joins during a walk (a write may close its viewer)
 * changes only the part already walked, or brings a member from there, whom its mark (`frame` in the normal lane, `from` in the priority
 * lane) shows to be done. Whose membership begins during a walk is marked as done.
 */
import type { Member } from './membership.js';
import type { Viewer } from './viewer.js';

/** So many are fetched at once; more would push out of the nearest memory what the first of them need. */
const AHEAD = 16;

export class Members<V extends Viewer> {
  #all: Member<V>[] = [];
  #held = 0;
  /** Of no use but to be kept. */
  #fetched = 0;

  get size(): number {
    return this.#all.length;
  }

  /** Whether the membership of any of them is held. */
  get areHeld(): boolean {
    return this.#held > 0;
  }

  at(index: number): Member<V> | undefined {
    return this.#all[index];
  }

  /** A walk has come there: each time it comes to the last of sixteen, all of these are fetched. Those before the first are not. */
  reach(index: number): void {
    if (index % AHEAD !== AHEAD - 1) return;
    const all = this.#all;
    let sum = 0;
    for (let i = index - AHEAD + 1; i <= index; i += 1) sum += all[i]?.viewer.prefetch() ?? 0;
    this.#fetched ^= sum;
  }

  viewers(): V[] {
    return this.#all.map(({ viewer }) => viewer);
  }

  /** One that is held. */
  add(member: Member<V>): void {
    member.index = this.#all.length;
    // Most groups are of one user: pushed to, an empty array takes room for sixteen more.
    if (member.index === 0) this.#all = [member];
    else this.#all.push(member);
    this.#held += 1;
  }

  release(member: Member<V>): void {
    member.phase = 'live';
    this.#held -= 1;
  }

  remove(member: Member<V>): void {
    if (member.phase === 'held') this.#held -= 1;
    member.phase = 'ended';
    const last = this.#all.pop();
    if (last === undefined || last === member) return;
    this.#all[member.index] = last;
    last.index = member.index;
  }
}
