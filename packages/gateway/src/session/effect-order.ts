/**
 * Which call's effects on a group win: per group the latest call in the order in which the gateway received them
 * (PR-68), and a removal holds against every call made before it (PR-70). Sequence numbers only; nothing is joined here.
 */

/** Most groups remembered for one session. */
const MAX_RECORDS = 512;

export class EffectOrder {
  readonly #latest = new Map<string, number>();
  readonly #earliestUnanswered: () => number | undefined;
  #floor = 0;

  /** @param earliestUnanswered sequence of the earliest call whose effects may still come */
  constructor(earliestUnanswered: () => number | undefined) {
    this.#earliestUnanswered = earliestUnanswered;
  }

  /** Whether an effect of this call on the group takes hold; if so, those of earlier calls no longer will. */
  accept(group: string, sequence: number): boolean {
    if (sequence < this.#floor || sequence < (this.#latest.get(group) ?? 0)) return false;
    this.#record(group, sequence);
    return true;
  }

  /** A removal by the server while `sequence` was the latest call received: effects of calls up to it come too late. */
  removed(group: string, sequence: number): void {
    this.#record(group, sequence + 0.5);
  }

  /** No call is unanswered: nothing can come too late any more. */
  clear(): void {
    this.#latest.clear();
  }

  /**
   * A record is needed only while an earlier call is unanswered. Should they outgrow the limit all the same, every call
   * before the newest record counts as overtaken: too much is rejected then, never too little.
   */
  #record(group: string, sequence: number): void {
    this.#latest.set(group, Math.max(sequence, this.#latest.get(group) ?? 0));
    if (this.#latest.size <= MAX_RECORDS) return;
    const earliest = this.#earliestUnanswered() ?? Number.POSITIVE_INFINITY;
    for (const [each, latest] of this.#latest) if (latest <= earliest) this.#latest.delete(each);
    if (this.#latest.size <= MAX_RECORDS) return;
    for (const latest of this.#latest.values()) this.#floor = Math.max(this.#floor, latest);
    this.#latest.clear();
  }
}
