/** Shares of calls by version, for canary releases. Smooth: of 10 and 90, every tenth call goes to the first, not ten in a row. */

interface Share {
  readonly weight: number;
  current: number;
}

export class VersionShares {
  #shares = new Map<string, Share>();

  get isSet(): boolean {
    return this.#shares.size > 0;
  }

  get weights(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#shares].map(([version, { weight }]) => [version, weight]));
  }

  /** @param weights not negative; none takes the shares away */
  set(weights: Readonly<Record<string, number>>): void {
    this.#shares = new Map(Object.entries(weights).map(([version, weight]) => [version, { weight, current: 0 }]));
  }

  /**
   * The version for the next call among those present; undefined when no share is set or none of its versions is there.
   * @param point a number in [0, 1) that stands for a key: the same key gets the same version
   */
  pick(present: ReadonlySet<string>, point: number | undefined): string | undefined {
    let total = 0;
    for (const [version, { weight }] of this.#shares) if (present.has(version)) total += weight;
    if (total <= 0) return undefined;
    return point === undefined ? this.#next(present, total) : this.#at(present, point * total);
  }

  #next(present: ReadonlySet<string>, total: number): string | undefined {
    let best: [string, Share] | undefined;
    for (const entry of this.#shares) {
      const [version, share] = entry;
      if (!present.has(version)) continue;
      share.current += share.weight;
      if (best === undefined || share.current > best[1].current) best = entry;
    }
    if (best === undefined) return undefined;
    best[1].current -= total;
    return best[0];
  }

  #at(present: ReadonlySet<string>, target: number): string | undefined {
    let passed = 0;
    let last: string | undefined;
    for (const [version, { weight }] of this.#shares) {
      if (!present.has(version) || weight === 0) continue;
      last = version;
      passed += weight;
      if (target < passed) return version;
    }
    return last;
  }
}
