/**
 * Which call's effects on a group win: per group the latest call in the order in which the gateway received them
 * (PR-68), and a removal holds against every call made before it (PR-70). Sequence numbers only; nothing is joined here. While
 * no call is unanswered nothing can come too late, and none of it is needed.
 */

/** Most groups remembered for one session. */
const MAX_RECORDS = 512;

/** Which calls may still have effects. */
export interface Unanswered {
  /** Sequence of the earliest of them, if there is any. */
  readonly earliestUnanswered: number | undefined;
}

export class EffectOrder {
  readonly #unanswered: Unanswered;
  readonly #latest = new Map<string, number>();
  #floor = 0;

  constructor(unanswered: Unanswered) {
    this.#unanswered = unanswered;
  }

  /** Whether an effect of this call on the group may still take hold. */
  isInTime(group: string, sequence: number): boolean {
    return sequence >= this.#floor && sequence >= (this.#latest.get(group) ?? 0);
  }

  /** Whether an effect of this call on the group takes hold; if so, those of earlier calls no longer will. */
  accept(group: string, sequence: number): boolean {
    const accepted = this.isInTime(group, sequence);
    if (accepted) this.#record(group, sequence);
    return accepted;
  }

  /** A removal by the server while `sequence` was the latest call received: effects of calls up to it come too late. */
  removed(group: string, sequence: number): void {
    this.#record(group, sequence + 0.5);
  }

  /**
   * A record is needed only while an earlier call is unanswered. Should they outgrow the limit all the same, every call
   * before the newest record counts as overtaken: too much is rejected then, never too little.
   */
  #record(group: string, sequence: number): void {
    const latest = this.#latest;
    latest.set(group, Math.max(sequence, latest.get(group) ?? 0));
    if (latest.size <= MAX_RECORDS) return;
    const earliest = this.#unanswered.earliestUnanswered ?? Number.POSITIVE_INFINITY;
    for (const [each, recorded] of latest) if (recorded <= earliest) latest.delete(each);
    if (latest.size <= MAX_RECORDS) return;
    for (const recorded of latest.values()) this.#floor = Math.max(this.#floor, recorded);
    latest.clear();
  }
}
